//! Where a message came from and where an answer goes: a transport, two addresses, and for streams the connection.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A SIP transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// Datagrams, RFC 3261 18.
    Udp,
    /// A stream, framed by Content-Length.
    Tcp,
}

/// An accepted or opened stream connection, numbered from 1 by `net` and never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionId(pub u64);

/// A path for messages to one peer (RFC 5626 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Flow {
    /// The transport protocol.
    pub transport: Transport,
    /// Our listening address.
    pub local: SocketAddr,
    /// The peer's address, as the packets show it.
    pub remote: SocketAddr,
    /// The connection of a stream. `None` on UDP, and on TCP when any open connection to `remote` will do or a new one
    /// is to be opened.
    pub connection: Option<ConnectionId>,
}

/// Why a flow carries nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FlowFailure {
    /// The peer closed the stream.
    Closed,
    /// The peer sends nothing more over the stream, but may still read it: for a while it takes the answers to what it
    /// has asked. [`FlowFailure::Closed`] follows.
    HalfClosed,
    /// The peer refused: ICMP unreachable or a TCP reset.
    Refused,
    /// Connecting took longer than the limit.
    ConnectTimeout,
    /// The peer does not read: our bounded queue to it is full.
    QueueFull,
    /// We closed it: idle, too slow, too large.
    Limit,
}
