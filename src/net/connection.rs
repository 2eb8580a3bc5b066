//! One stream connection: reads frames, writes what is queued, and ends at the first fault or limit.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::tcp::Opening;
use super::{Patience, Raw};
use crate::sip::flow::ConnectionId;
use crate::sip::wire::{self, Broken, Framer};

/// What a connection may do.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) framing: wire::Limits,
    pub(super) patience: Patience,
}

/// The connection's ends towards us.
pub(super) struct Ends {
    pub(super) id: ConnectionId,
    pub(super) origin: Origin,
    pub(super) outgoing: mpsc::Receiver<Bytes>,
    pub(super) queued: Arc<AtomicUsize>,
    pub(super) told: mpsc::Sender<Raw>,
}

/// Who made a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Accepted,
    Opened,
}

/// What a connection's task tells.
#[derive(Debug)]
pub(super) enum Told {
    Message {
        id: ConnectionId,
        message: Bytes,
    },
    Broken {
        id: ConnectionId,
        broken: Broken,
    },
    /// The peer has closed its side; what is queued, and what still comes to be, is written for a while.
    HalfClosed {
        id: ConnectionId,
    },
    Ended {
        id: ConnectionId,
        end: End,
    },
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The peer closed, or we did.
    Closed,
    /// It was never opened, or the peer reset it.
    Refused,
    /// Opening took too long.
    ConnectTimeout,
    /// A limit, by its name.
    Limit(&'static str),
}

/// Bytes read at once.
const READ: usize = 16 * 1024;
/// How long the answer to an unframable message may take to leave.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The answer to a keep-alive (RFC 5626 4.4.1).
const PONG: &[u8] = b"\r\n";

/// Runs one connection to its end.
pub(super) async fn run(opening: Opening, ends: Ends, limits: Limits) {
    let id = ends.id;
    let told = ends.told.clone();
    let end = match opening.await {
        Ok(stream) => talk(stream, ends, &limits).await,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => End::ConnectTimeout,
        Err(_) => End::Refused,
    };
    // Nobody listens any more once the daemon is going down.
    told.send(Raw::Connection(Told::Ended { id, end })).await.ok();
}

async fn talk(stream: TcpStream, ends: Ends, limits: &Limits) -> End {
    let Ends { id, origin, outgoing, queued, told } = ends;
    let (reading, writing) = stream.into_split();
    let (pings, pongs) = mpsc::channel(1);
    let mut writer = std::pin::pin!(write(writing, outgoing, pongs, &queued));
    let stopped = {
        let mut reader = std::pin::pin!(read(reading, id, Waiting::begin(origin), &told, &pings, limits));
        tokio::select! {
            stopped = &mut reader => stopped,
            end = &mut writer => return end,
        }
    };
    match stopped {
        Stopped::Ended(end) => end,
        Stopped::HalfClosed => {
            if told.send(Raw::Connection(Told::HalfClosed { id })).await.is_err() {
                return End::Closed;
            }
            // A peer that closed both sides makes the first write fail; one that is silent has no more time than this.
            tokio::time::timeout(limits.patience.half_closed, writer).await.unwrap_or(End::Closed)
        }
        // The answer, if there is one, is on its way through the queue; the engine closes the queue behind it.
        Stopped::Broken => tokio::time::timeout(LAST_WORDS, writer).await.unwrap_or(End::Limit("unread_answer")),
    }
}

// === Reading ===

enum Stopped {
    Ended(End),
    Broken,
    HalfClosed,
}

/// What is being waited for, and how long already.
enum Waiting {
    /// The first message since the connection was accepted.
    First,
    /// The rest of a message.
    Rest,
    /// Anything.
    Next,
}

impl Waiting {
    /// Who connects has something to say, and says it soon (V12). Whom we connect to may only have to listen: an ACK or
    /// a ringing answer that needed a new connection is followed by nothing.
    const fn begin(origin: Origin) -> Self {
        match origin {
            Origin::Accepted => Self::First,
            Origin::Opened => Self::Next,
        }
    }

    const fn limit(&self) -> &'static str {
        match self {
            Self::First => "first_message",
            Self::Rest => "message",
            Self::Next => "idle",
        }
    }

    fn deadline(&self, patience: &Patience) -> Pin<Box<Sleep>> {
        let span = match self {
            Self::First => patience.first_message,
            Self::Rest => patience.message,
            Self::Next => patience.idle,
        };
        Box::pin(tokio::time::sleep(span))
    }
}

async fn read(
    mut stream: OwnedReadHalf,
    id: ConnectionId,
    mut waiting: Waiting,
    told: &mpsc::Sender<Raw>,
    pings: &mpsc::Sender<()>,
    limits: &Limits,
) -> Stopped {
    let mut framer = Framer::new(limits.framing);
    let mut buffer = vec![0; READ];
    let mut deadline = waiting.deadline(&limits.patience);
    loop {
        let length = tokio::select! {
            read = stream.read(&mut buffer) => match read {
                // Who has said nothing waits for no answer.
                Ok(0) => return if matches!(waiting, Waiting::First) { Stopped::Ended(End::Closed) } else { Stopped::HalfClosed },
                Ok(length) => length,
                Err(_) => return Stopped::Ended(End::Refused),
            },
            () = &mut deadline => return Stopped::Ended(End::Limit(waiting.limit())),
        };
        framer.push(buffer.get(..length).unwrap_or_default());
        let mut complete = false;
        loop {
            let told_of = match framer.next() {
                Ok(None) => break,
                Ok(Some(message)) => Told::Message { id, message },
                Err(broken) => Told::Broken { id, broken },
            };
            let broken = matches!(told_of, Told::Broken { .. });
            if told.send(Raw::Connection(told_of)).await.is_err() {
                return Stopped::Ended(End::Closed);
            }
            if broken {
                return Stopped::Broken;
            }
            complete = true;
        }
        if framer.take_pings() > 0 {
            // One pong answers any number of pings; a full slot means that one is already due.
            pings.try_send(()).ok();
        }
        let next = match (&waiting, complete, framer.buffered()) {
            // A message's deadline runs from its first byte and is not moved by later ones (V13).
            (Waiting::First | Waiting::Rest, false, buffered) if buffered > 0 => continue,
            (Waiting::First, false, _) => continue,
            (_, _, 0) => Waiting::Next,
            _ => Waiting::Rest,
        };
        deadline = next.deadline(&limits.patience);
        waiting = next;
    }
}

// === Writing ===

async fn write(
    mut stream: OwnedWriteHalf,
    mut outgoing: mpsc::Receiver<Bytes>,
    mut pongs: mpsc::Receiver<()>,
    queued: &AtomicUsize,
) -> End {
    loop {
        let message = tokio::select! {
            biased;
            message = outgoing.recv() => match message {
                Some(message) => message,
                // Our side closed it, and everything queued is written. A failing shutdown changes nothing any more.
                None => {
                    stream.shutdown().await.ok();
                    return End::Closed;
                }
            },
            Some(()) = pongs.recv() => {
                if stream.write_all(PONG).await.is_err() {
                    return End::Refused;
                }
                continue;
            }
        };
        if stream.write_all(&message).await.is_err() {
            return End::Refused;
        }
        queued.fetch_sub(message.len(), Ordering::Relaxed);
    }
}
