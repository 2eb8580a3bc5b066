//! One media thread: wait, read, tell, tick.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::{MediaFact, Message, Shared, SocketCounters};
use crate::base::ids::{CallId, LegId};
use crate::base::time::Instant;
use crate::engine::clock::Clock;
use crate::media::order::Order;
use crate::media::plane::{Arrival, Channel, Departure, Plane, Port, Reason, Verdict};
use crate::media::rtp::DATAGRAM_LENGTH_MAX;
use crate::net::rtp_sockets::{MediaSocket, Remarks};

/// Epoll's user data of the bell; sockets have twice their slot, plus one for RTCP.
const BELL: u64 = u64::MAX;

/// Sockets served between two looks at the timers.
const EVENTS_MAX: usize = 256;

/// The longest sleep: counters are published at least this often.
const PUBLISH_EVERY: Duration = Duration::from_millis(500);

/// The longest sleep while facts wait for room in the channel.
const RETRY_FACTS_AFTER: Duration = Duration::from_millis(20);

/// How long timers wait while packets come that have waited through a stall: nobody is called silent whose packets lie
/// in a socket (F26). Longer than any backlog takes, shorter than anybody notices after a stall.
const BACKLOG_PATIENCE: Duration = Duration::from_millis(500);

pub(super) struct Worker {
    plane: Plane,
    /// Since when the packets that come are stale.
    behind_since: Option<Instant>,
    sockets: Sockets,
    shared: Arc<Shared>,
    clock: Clock,
    facts: mpsc::Sender<MediaFact>,
    published_at: Instant,
    remarks: Remarks,
    buffer: [u8; DATAGRAM_LENGTH_MAX],
}

/// The legs' sockets, by slot.
struct Sockets {
    epoll: Epoll,
    by_slot: Vec<Option<(MediaSocket, MediaSocket)>>,
    counters: SocketCounters,
}

/// Whether the packets that come are fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    InTime,
    Behind,
}

/// Whether the thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    Out,
}

impl Worker {
    pub(super) fn new(
        plane: Plane,
        shared: Arc<Shared>,
        clock: Clock,
        facts: mpsc::Sender<MediaFact>,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&shared.bell, EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        Ok(Self {
            plane,
            behind_since: None,
            sockets: Sockets { epoll, by_slot: Vec::new(), counters: SocketCounters::default() },
            shared,
            clock,
            facts,
            published_at: clock.now(),
            remarks: Remarks::default(),
            buffer: [0; DATAGRAM_LENGTH_MAX],
        })
    }

    /// Runs until it is told to end. Sockets come before timers: after a stall the packets that wait are heard before
    /// anybody is called silent.
    pub(super) fn run(mut self) {
        let mut events = [EpollEvent::empty(); EVENTS_MAX];
        loop {
            let count = match self.sockets.epoll.wait(&mut events, self.sleep()) {
                Ok(count) => count,
                // A process that goes on after SIGCONT comes here: its packets are read before its timers run.
                Err(Errno::EINTR) => continue,
                Err(error) => panic!("the media thread has lost its epoll: {error}"),
            };
            let (now, wall) = (self.clock.now(), self.clock.wall());
            let (mut rung, mut pace) = (false, Pace::InTime);
            for event in events.iter().take(count) {
                match event.data() {
                    BELL => rung = true,
                    socket => {
                        if self.read(now, wall, socket) == Some(Verdict::Dropped(Reason::Stale)) {
                            pace = Pace::Behind;
                        }
                    }
                }
            }
            if rung && self.take_orders() == Going::Out {
                return;
            }
            if self.may_tick(now, pace) {
                let sockets = &mut self.sockets;
                // The instant before the packets were read: a process that was stopped since then has not read them yet.
                self.plane.handle_timeout(now, &mut |departure, packet| sockets.send(departure, packet));
            }
            self.deliver_facts();
            self.publish(now);
        }
    }

    /// Whether the timers' turn has come: not before the packets of a stall are read, as long as patience lasts.
    fn may_tick(&mut self, now: Instant, pace: Pace) -> bool {
        self.behind_since = match pace {
            Pace::InTime => None,
            Pace::Behind => self.behind_since.or(Some(now)),
        };
        self.behind_since.is_none_or(|since| now.since(since) > BACKLOG_PATIENCE)
    }

    fn sleep(&self) -> EpollTimeout {
        let now = self.clock.now();
        let due = self.plane.next_timeout().map_or(PUBLISH_EVERY, |due| due.since(now));
        let patience = if self.plane.has_facts() { RETRY_FACTS_AFTER } else { PUBLISH_EVERY };
        // Rounded up: a millisecond early would be a turn of the loop for nothing.
        let sleep_ms = due.min(patience).as_nanos().div_ceil(1_000_000);
        EpollTimeout::from(u16::try_from(sleep_ms).unwrap_or(u16::MAX))
    }

    /// Reads one datagram. The socket stays ready in epoll while there are more, which costs less than a read that finds
    /// nothing after every packet, and no leg waits behind another's flood.
    fn read(&mut self, now: Instant, wall: Duration, data: u64) -> Option<Verdict> {
        let channel = if data & 1 == 0 { Channel::Rtp } else { Channel::Rtcp };
        let port = Port { slot: usize::try_from(data >> 1).ok()?, channel };
        let datagram = match self.sockets.get(port)?.receive(&mut self.buffer, &mut self.remarks) {
            Ok(datagram) => datagram?,
            Err(_) => {
                self.sockets.counters.receive_failures += 1;
                return None;
            }
        };
        // The wall clock may be set back or forward meanwhile; an age that cannot be is none.
        let age = datagram.taken_at.map_or(Duration::ZERO, |taken| wall.saturating_sub(taken));
        let at = Instant::from_nanos(now.as_nanos().saturating_sub(u64::try_from(age.as_nanos()).unwrap_or(0)));
        let arrival = Arrival { port, from: datagram.from, at };
        let packet = self.buffer.get_mut(..datagram.length)?;
        let sockets = &mut self.sockets;
        Some(self.plane.receive(now, arrival, packet, &mut |departure, packet| sockets.send(departure, packet)))
    }

    fn take_orders(&mut self) -> Going {
        self.shared.silence();
        while let Some(message) = self.shared.orders.pop() {
            match message {
                Message::Order(Order::Open { call, leg, local }) => self.open(call, leg, local),
                Message::Order(Order::Close { leg }) => self.close(leg),
                Message::Order(order) => self.plane.handle(self.clock.now(), order),
                Message::Shutdown => return Going::Out,
                #[cfg(feature = "faults")]
                Message::Panic => panic!("a planted fault: the media thread dies"),
            }
        }
        Going::On
    }

    fn open(&mut self, call: CallId, leg: LegId, local: SocketAddr) {
        if self.plane.slot(leg).is_some() {
            return;
        }
        let Ok(pair) = MediaSocket::bind_pair(local) else {
            self.sockets.counters.bind_failures += 1;
            return self.plane.open_failed(call, leg);
        };
        self.plane.handle(self.clock.now(), Order::Open { call, leg, local });
        let Some(slot) = self.plane.slot(leg) else { return };
        if self.sockets.insert(slot, pair).is_err() {
            self.sockets.counters.bind_failures += 1;
            self.close(leg);
            self.plane.open_failed(call, leg);
        }
    }

    fn close(&mut self, leg: LegId) {
        if let Some(slot) = self.plane.slot(leg) {
            self.sockets.remove(slot);
        }
        self.plane.handle(self.clock.now(), Order::Close { leg });
    }

    fn deliver_facts(&mut self) {
        while let Some(fact) = self.plane.poll_fact() {
            match self.facts.try_send(fact) {
                Ok(()) => {}
                Err(TrySendError::Full(fact)) => return self.plane.return_fact(fact),
                // The engine is going down; nobody is left to hear it.
                Err(TrySendError::Closed(_)) => return,
            }
        }
    }

    fn publish(&mut self, now: Instant) {
        if now.since(self.published_at) >= PUBLISH_EVERY {
            self.published_at = now;
            let mut published = self.shared.published.lock().unwrap_or_else(PoisonError::into_inner);
            *published = (*self.plane.counters(), self.sockets.counters);
        }
    }
}

impl Sockets {
    fn get(&self, port: Port) -> Option<&MediaSocket> {
        let (rtp, rtcp) = self.by_slot.get(port.slot)?.as_ref()?;
        match port.channel {
            Channel::Rtp => Some(rtp),
            Channel::Rtcp => Some(rtcp),
        }
    }

    fn insert(&mut self, slot: usize, pair: (MediaSocket, MediaSocket)) -> io::Result<()> {
        let data = (slot as u64) << 1;
        self.epoll.add(&pair.0, EpollEvent::new(EpollFlags::EPOLLIN, data))?;
        self.epoll.add(&pair.1, EpollEvent::new(EpollFlags::EPOLLIN, data | 1))?;
        if self.by_slot.len() <= slot {
            self.by_slot.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.by_slot.get_mut(slot) {
            *place = Some(pair);
        }
        Ok(())
    }

    /// Closes both sockets; the kernel takes them out of epoll with that.
    fn remove(&mut self, slot: usize) {
        if let Some(place) = self.by_slot.get_mut(slot) {
            *place = None;
        }
    }

    fn send(&mut self, departure: Departure, packet: &[u8]) {
        let sent = self.get(departure.port).map(|socket| socket.send(packet, departure.to));
        if !matches!(sent, Some(Ok(()))) {
            self.counters.send_failures += 1;
        }
    }
}
