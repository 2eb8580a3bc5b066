//! Signalling sockets: UDP and TCP, IPv4 and IPv6; messages in, messages out.
//!
//! Decides: which connection carries a message (RFC 5923: any open one to that address, else a new one), and when a
//! connection is closed because it is idle, slow, too large or does not read (V12, V13).
//! Invariants: what is sent on one flow keeps its order (trap T3); every queue, buffer and table has a limit, and
//! reaching it closes one connection or drops one datagram, counted, with the limit's name in the log; nothing here
//! waits for a peer.
//! Does not do: reading messages beyond their frame, deciding who may talk to us (`sip::endpoint` does). RTP has sockets
//! of its own, [`rtp_sockets`], which the media threads read.

#![allow(clippy::disallowed_methods, reason = "sockets wait by the runtime's own timers; no decision reads the time")]

mod connection;
pub mod rtp_sockets;
mod tcp;
mod udp;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::sip::flow::{Flow, FlowFailure, Transport};
use crate::sip::wire::{self, Broken};

/// What to listen on, and the limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The listening sockets.
    pub listeners: Vec<Listener>,
    /// Framing limits of streams.
    pub framing: wire::Limits,
    /// Stream connections at a time.
    pub connections: usize,
    /// Accepted stream connections of one address at a time (V12).
    pub connections_per_address: usize,
    /// How long connections may be silent, slow or opening.
    pub patience: Patience,
}

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The transport protocol.
    pub transport: Transport,
    /// The address.
    pub address: SocketAddr,
}

/// How long a stream may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the accept to the first complete message (V12).
    pub first_message: Duration,
    /// From a message's first byte to its last (V13).
    pub message: Duration,
    /// Without any byte after a complete message, or since we opened it. Longer than a registration lasts.
    pub idle: Duration,
    /// For the answers that a peer may still read after it has closed its side. Then the connection is closed, and later
    /// answers open one to the peer (RFC 3261 18.2.2).
    pub half_closed: Duration,
    /// For opening a connection.
    pub connect: Duration,
    /// For bytes that the peer's kernel does not acknowledge, and between keep-alive probes (fault F22).
    pub unacknowledged: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_message: Duration::from_secs(10),
            message: Duration::from_secs(10),
            idle: Duration::from_secs(2 * 3600),
            half_closed: Duration::from_secs(8),
            connect: Duration::from_secs(4),
            unacknowledged: Duration::from_secs(30),
        }
    }
}

/// What arrived.
#[derive(Clone, Debug)]
pub enum Event {
    /// A datagram, or a framed message of a stream.
    Received {
        /// Where from.
        flow: Flow,
        /// The bytes.
        message: Bytes,
    },
    /// A stream that cannot be framed any further. An answer sent to the flow at once still goes out, then it closes.
    Unframed {
        /// Where from.
        flow: Flow,
        /// What is wrong.
        broken: Broken,
    },
    /// A flow carries nothing any more, or, half closed, nothing but answers.
    Failed {
        /// Which. `connection` is `None` if no connection could be opened.
        flow: Flow,
        /// Why.
        failure: FlowFailure,
    },
}

/// What has happened so far, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that the kernel's full send buffer did not take.
    pub datagrams_dropped: u64,
    /// Connections refused because of `connections` or `connections_per_address`.
    pub connections_refused: u64,
    /// Connections closed because they were slow, silent or did not read.
    pub connections_closed_by_limit: u64,
    /// Connections whose task panicked.
    pub panics: u64,
    /// Connections now open.
    pub connections: u64,
}

/// A listening address that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {transport:?} {address}: {source}")]
pub struct BindError {
    /// The transport protocol.
    pub transport: Transport,
    /// The address.
    pub address: SocketAddr,
    /// What the system says.
    #[source]
    pub source: std::io::Error,
}

/// The most events that wait for the engine; then sockets are not read, and the kernel's buffers fill.
const EVENTS: usize = 1024;

/// All signalling sockets.
#[derive(Debug)]
pub struct Net {
    listeners: Vec<Listener>,
    datagrams: udp::Sockets,
    streams: tcp::Streams,
    events: mpsc::Receiver<Raw>,
    /// Failures of our own sends, and of connections: at most two for each send or event.
    failures: VecDeque<Event>,
}

/// What the tasks tell.
#[derive(Debug)]
enum Raw {
    Event(Event),
    Accepted(tcp::Accepted),
    Connection(connection::Told),
}

impl Net {
    /// Binds every listener. Call it inside a runtime.
    pub fn bind(settings: Settings) -> Result<Self, BindError> {
        let (told, events) = mpsc::channel(EVENTS);
        let mut datagrams = udp::Sockets::default();
        let mut streams = tcp::Streams::new(&settings, told.clone());
        let mut listeners = Vec::new();
        for wanted in settings.listeners {
            let bound = match wanted.transport {
                Transport::Udp => datagrams.bind(wanted.address, told.clone()),
                Transport::Tcp => streams.listen(wanted.address),
            };
            match bound {
                Ok(address) => listeners.push(Listener { transport: wanted.transport, address }),
                Err(source) => {
                    return Err(BindError { transport: wanted.transport, address: wanted.address, source });
                }
            }
        }
        Ok(Self { listeners, datagrams, streams, events, failures: VecDeque::new() })
    }

    /// What is listened on, with the ports that the system chose for port 0.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// The next event. Cancelling it loses nothing.
    pub async fn event(&mut self) -> Event {
        loop {
            if let Some(event) = self.failures.pop_front() {
                return event;
            }
            let raw = tokio::select! {
                raw = self.events.recv() => raw,
                () = self.streams.panicked(&mut self.failures) => continue,
            };
            // The sockets hold a sender each, so the channel outlives every wait; without listeners nothing comes.
            let Some(raw) = raw else { return std::future::pending().await };
            if let Some(event) = self.digest(raw) {
                return event;
            }
        }
    }

    /// An event that has already come, if any.
    pub fn try_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.failures.pop_front() {
                return Some(event);
            }
            let raw = self.events.try_recv().ok()?;
            if let Some(event) = self.digest(raw) {
                return Some(event);
            }
        }
    }

    /// Sends one message. What fails comes back as an event.
    pub fn send(&mut self, flow: Flow, message: Bytes) {
        let sent = match flow.transport {
            Transport::Udp => self.datagrams.send(&flow, &message),
            Transport::Tcp => self.streams.send(&flow, message, &mut self.failures),
        };
        if let Err(failure) = sent {
            self.failures.push_back(Event::Failed { flow, failure });
        }
    }

    /// Closes a stream after what was sent before. Its flow fails, for all who use it.
    pub fn disconnect(&mut self, flow: &Flow) {
        self.streams.disconnect(flow, &mut self.failures);
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        Counters { datagrams_dropped: self.datagrams.dropped(), ..self.streams.counters() }
    }

    fn digest(&mut self, raw: Raw) -> Option<Event> {
        match raw {
            Raw::Event(event) => Some(event),
            Raw::Accepted(accepted) => {
                self.streams.accept(accepted);
                None
            }
            Raw::Connection(told) => self.streams.told(told, &mut self.failures),
        }
    }
}
