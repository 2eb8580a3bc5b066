//! Streams: the table of connections, whom they belong to, and who may open one.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::{AbortHandle, Id, JoinSet};

use super::connection::{self, Limits, Origin, Told};
use super::{Counters, Event, Patience, Raw, Settings};
use crate::sip::flow::{ConnectionId, Flow, FlowFailure, Transport};

/// Messages that wait for one peer to read.
const QUEUE: usize = 256;
/// Bytes that wait for one peer to read.
const QUEUE_BYTES: usize = 1024 * 1024;
/// Connections that the kernel holds for us until we accept.
const BACKLOG: i32 = 1024;

/// A connection that a listener took.
#[derive(Debug)]
pub(super) struct Accepted {
    stream: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
}

/// All stream connections.
#[derive(Debug)]
pub(super) struct Streams {
    limits: Limits,
    connections: usize,
    connections_per_address: usize,
    told: mpsc::Sender<Raw>,
    listeners: JoinSet<()>,
    /// Where our listeners are: the local address of the flows of connections that we open.
    addresses: Vec<SocketAddr>,
    tasks: JoinSet<()>,
    by_task: HashMap<Id, ConnectionId>,
    open: HashMap<ConnectionId, Open>,
    by_remote: HashMap<SocketAddr, ConnectionId>,
    /// How many each host has open, by [`counted`].
    accepted_of: HashMap<IpAddr, usize>,
    last: u64,
    counters: Counters,
}

#[derive(Debug)]
struct Open {
    flow: Flow,
    origin: Origin,
    queue: mpsc::Sender<Bytes>,
    /// Under which names it is known outside.
    carries: Carries,
    /// Bytes in `queue`; the connection's task subtracts what it has written.
    queued: Arc<AtomicUsize>,
    task: AbortHandle,
}

/// Which flows fail with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carries {
    /// Those that name it: the peer made it, or has sent something over it.
    Named,
    /// Those that name only its address: requests of ours that took any connection.
    Unnamed,
    /// Both.
    Both,
}

impl Carries {
    const fn and_named(self) -> Self {
        match self {
            Self::Named => Self::Named,
            Self::Unnamed | Self::Both => Self::Both,
        }
    }

    const fn and_unnamed(self) -> Self {
        match self {
            Self::Unnamed => Self::Unnamed,
            Self::Named | Self::Both => Self::Both,
        }
    }
}

impl Open {
    /// The flows that end with it.
    fn names(&self) -> Vec<Flow> {
        let unnamed = Flow { connection: None, ..self.flow };
        match self.carries {
            Carries::Named => vec![self.flow],
            Carries::Unnamed => vec![unnamed],
            Carries::Both => vec![self.flow, unnamed],
        }
    }
}

impl Streams {
    pub(super) fn new(settings: &Settings, told: mpsc::Sender<Raw>) -> Self {
        Self {
            limits: Limits { framing: settings.framing, patience: settings.patience },
            connections: settings.connections,
            connections_per_address: settings.connections_per_address,
            told,
            listeners: JoinSet::new(),
            addresses: Vec::new(),
            tasks: JoinSet::new(),
            by_task: HashMap::new(),
            open: HashMap::new(),
            by_remote: HashMap::new(),
            accepted_of: HashMap::new(),
            last: 0,
            counters: Counters::default(),
        }
    }

    /// Listens on one address. The address as bound comes back.
    pub(super) fn listen(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // A restart must not wait for the old connections' TIME_WAIT.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let address = listener.local_addr()?;
        self.listeners.spawn(accept(listener, address, self.told.clone()));
        self.addresses.push(address);
        Ok(address)
    }

    /// Takes a new connection, or closes it because there are too many.
    pub(super) fn accept(&mut self, accepted: Accepted) {
        let Accepted { stream, local, remote } = accepted;
        let of_address = self.accepted_of.get(&counted(remote.ip())).copied().unwrap_or(0);
        let limit = if self.open.len() >= self.connections {
            Some("connections")
        } else if of_address >= self.connections_per_address {
            Some("connections_per_address")
        } else {
            None
        };
        if let Some(limit) = limit {
            self.counters.connections_refused = self.counters.connections_refused.saturating_add(1);
            tracing::debug!(limit, remote = %remote, "connection refused");
            return;
        }
        *self.accepted_of.entry(counted(remote.ip())).or_insert(0) += 1;
        self.start(local, remote, Origin::Accepted, Box::pin(std::future::ready(Ok(stream))));
    }

    /// Queues one message: on the flow's connection, on another one to the same address, or on a new one. What else
    /// fails with it goes to `failures`.
    pub(super) fn send(
        &mut self,
        flow: &Flow,
        message: Bytes,
        failures: &mut VecDeque<Event>,
    ) -> Result<(), FlowFailure> {
        let by_id = flow.connection.filter(|id| self.open.contains_key(id));
        let reusable = || self.by_remote.get(&flow.remote).copied();
        let id = match by_id.or_else(reusable) {
            Some(id) => id,
            // A connection that the peer opened and that is gone: only the peer can open it again (fault F22).
            None if flow.connection.is_some() => return Err(FlowFailure::Closed),
            None => self.connect(flow)?,
        };
        let Some(open) = self.open.get_mut(&id) else { return Err(FlowFailure::Closed) };
        if flow.connection.is_none() {
            open.carries = open.carries.and_unnamed();
        }
        let length = message.len();
        let waiting = open.queued.fetch_add(length, Ordering::Relaxed).saturating_add(length);
        let queued = if waiting > QUEUE_BYTES { Err(()) } else { open.queue.try_send(message).map_err(closed_or_full) };
        match queued {
            Ok(()) => Ok(()),
            Err(()) => {
                let remote = open.flow.remote;
                tracing::info!(limit = "send_queue", remote = %remote, "connection closed: the peer does not read");
                self.counters.connections_closed_by_limit = self.counters.connections_closed_by_limit.saturating_add(1);
                open.task.abort();
                let told = self.end(id, FlowFailure::QueueFull, failures);
                // The names of the connection have been told; a flow that took it for want of its own has not.
                if told.contains(flow) { Ok(()) } else { Err(FlowFailure::QueueFull) }
            }
        }
    }

    /// Closes after what is queued. The task ends when it has written the rest.
    pub(super) fn disconnect(&mut self, flow: &Flow, failures: &mut VecDeque<Event>) {
        let id = flow.connection.or_else(|| self.by_remote.get(&flow.remote).copied());
        if let Some(id) = id {
            self.end(id, FlowFailure::Closed, failures);
        }
    }

    /// Digests what a connection's task tells. Failures go to `failures`.
    pub(super) fn told(&mut self, told: Told, failures: &mut VecDeque<Event>) -> Option<Event> {
        match told {
            Told::Message { id, message } => {
                // A message of a connection that we have closed since is not answered any more.
                let flow = self.name(id)?;
                Some(Event::Received { flow, message })
            }
            Told::Broken { id, broken } => Some(Event::Unframed { flow: self.name(id)?, broken }),
            Told::HalfClosed { id } => {
                self.half_close(id, failures);
                None
            }
            Told::Ended { id, end } => {
                let remote = self.open.get(&id)?.flow.remote;
                let failure = match end {
                    connection::End::Closed => FlowFailure::Closed,
                    connection::End::Refused => FlowFailure::Refused,
                    connection::End::ConnectTimeout => FlowFailure::ConnectTimeout,
                    connection::End::Limit(limit) => {
                        self.counters.connections_closed_by_limit =
                            self.counters.connections_closed_by_limit.saturating_add(1);
                        tracing::info!(limit, remote = %remote, "connection closed");
                        FlowFailure::Limit
                    }
                };
                self.end(id, failure, failures);
                None
            }
        }
    }

    /// Waits until a connection's task has panicked; its flows have failed then. Reaps the others meanwhile.
    pub(super) async fn panicked(&mut self, failures: &mut VecDeque<Event>) {
        loop {
            let (task, panicked) = match self.tasks.join_next_with_id().await {
                // Nothing to watch now; the caller polls again with the next event.
                None => return std::future::pending().await,
                Some(Ok((task, ()))) => (task, false),
                Some(Err(error)) => (error.id(), error.is_panic()),
            };
            let id = self.by_task.remove(&task);
            if panicked {
                self.counters.panics = self.counters.panics.saturating_add(1);
                if let Some(id) = id {
                    self.end(id, FlowFailure::Closed, failures);
                }
                return;
            }
        }
    }

    pub(super) fn counters(&self) -> Counters {
        Counters { connections: self.open.len() as u64, ..self.counters }
    }

    fn connect(&mut self, flow: &Flow) -> Result<ConnectionId, FlowFailure> {
        if self.open.len() >= self.connections {
            self.counters.connections_refused = self.counters.connections_refused.saturating_add(1);
            tracing::info!(limit = "connections", remote = %flow.remote, "no connection opened");
            return Err(FlowFailure::Limit);
        }
        let same_family = |address: &&SocketAddr| address.is_ipv4() == flow.remote.is_ipv4();
        let ours = self.addresses.iter().find(|address| **address == flow.local);
        let local = ours.or_else(|| self.addresses.iter().find(same_family)).copied().unwrap_or(flow.local);
        let remote = flow.remote;
        let patience = self.limits.patience;
        let opening = Box::pin(async move {
            // Peers know us by our listening address: the connection comes from it as well.
            let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.bind(SocketAddr::new(local.ip(), 0))?;
            match tokio::time::timeout(patience.connect, socket.connect(remote)).await {
                Ok(connected) => connected,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        });
        Ok(self.start(local, remote, Origin::Opened, opening))
    }

    fn start(&mut self, local: SocketAddr, remote: SocketAddr, origin: Origin, opening: Opening) -> ConnectionId {
        self.last += 1;
        let id = ConnectionId(self.last);
        let flow = Flow { transport: Transport::Tcp, local, remote, connection: Some(id) };
        let (queue, outgoing) = mpsc::channel(QUEUE);
        let queued = Arc::new(AtomicUsize::new(0));
        let patience = self.limits.patience;
        let opening = Box::pin(async move {
            let stream = opening.await?;
            prepare(&stream, &patience)?;
            Ok(stream)
        });
        let end = connection::Ends { id, origin, outgoing, queued: Arc::clone(&queued), told: self.told.clone() };
        let task = self.tasks.spawn(connection::run(opening, end, self.limits.clone()));
        self.by_task.insert(task.id(), id);
        self.by_remote.insert(remote, id);
        let carries = match origin {
            Origin::Accepted => Carries::Named,
            Origin::Opened => Carries::Unnamed,
        };
        self.open.insert(id, Open { flow, origin, queue, carries, queued, task });
        id
    }

    /// The flow of a connection that becomes known outside by its name.
    fn name(&mut self, id: ConnectionId) -> Option<Flow> {
        let open = self.open.get_mut(&id)?;
        open.carries = open.carries.and_named();
        Some(open.flow)
    }

    /// The only end of a connection: forgets it, and whoever uses it is told, under each name once. The flows that were
    /// told come back.
    fn end(&mut self, id: ConnectionId, failure: FlowFailure, failures: &mut VecDeque<Event>) -> Vec<Flow> {
        let Some(open) = self.forget(id) else { return Vec::new() };
        let told = open.names();
        failures.extend(told.iter().map(|flow| Event::Failed { flow: *flow, failure }));
        told
    }

    /// The peer sends nothing more: whoever uses the connection is told, and requests of ours take another one. It stays
    /// in the table, and counts, for the answers that go to it by its own name.
    fn half_close(&mut self, id: ConnectionId, failures: &mut VecDeque<Event>) {
        let Some(open) = self.open.get_mut(&id) else { return };
        if open.carries == Carries::Unnamed {
            // It has brought us nothing, so that nothing is owed over it.
            self.end(id, FlowFailure::Closed, failures);
            return;
        }
        failures.extend(open.names().into_iter().map(|flow| Event::Failed { flow, failure: FlowFailure::HalfClosed }));
        // Who uses only its address is on another connection by the time that this one ends.
        open.carries = Carries::Named;
        if self.by_remote.get(&open.flow.remote) == Some(&id) {
            self.by_remote.remove(&open.flow.remote);
        }
    }

    fn forget(&mut self, id: ConnectionId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if self.by_remote.get(&open.flow.remote) == Some(&id) {
            self.by_remote.remove(&open.flow.remote);
        }
        if open.origin == Origin::Accepted
            && let Some(count) = self.accepted_of.get_mut(&counted(open.flow.remote.ip()))
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.accepted_of.remove(&counted(open.flow.remote.ip()));
            }
        }
        Some(open)
    }
}

/// What connections are counted by. One IPv6 host may take any address of its /64 (RFC 7721 2), so that all count as one.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// A stream to come: already accepted, or being connected.
pub(super) type Opening = std::pin::Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// A queue that is closed belongs to a task that is just ending: for the sender both mean that nothing gets through.
fn closed_or_full(error: TrySendError<Bytes>) {
    match error {
        TrySendError::Full(_) | TrySendError::Closed(_) => {}
    }
}

/// No waiting for more bytes before a send, and a peer that vanished without FIN is noticed in time (fault F22).
fn prepare(stream: &TcpStream, patience: &Patience) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let probe = patience.unacknowledged / 3;
    let probes = TcpKeepalive::new().with_time(probe).with_interval(probe).with_retries(2);
    socket.set_tcp_keepalive(&probes)?;
    socket.set_tcp_user_timeout(Some(patience.unacknowledged))
}

/// Takes connections for ever.
async fn accept(listener: TcpListener, local: SocketAddr, told: mpsc::Sender<Raw>) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                if told.send(Raw::Accepted(Accepted { stream, local, remote })).await.is_err() {
                    return;
                }
            }
            // Out of descriptors, or the peer gave up: the listener stays, a pause keeps it from spinning (F25).
            Err(error) => {
                tracing::warn!(local = %local, error = %error, "accept failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v12_the_addresses_of_one_ipv6_host_count_as_one() {
        let of = |address: &str| counted(address.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
    }

    #[tokio::test]
    async fn f22_a_peer_that_vanishes_without_a_fin_is_noticed_within_30_seconds() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&stream, &Patience::default()).unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.tcp_user_timeout().unwrap().unwrap() <= Duration::from_secs(30));
        let probes = socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
        assert!(socket.keepalive().unwrap());
        assert!(socket.tcp_keepalive_time().unwrap() + probes <= Duration::from_secs(30));
        assert!(socket.tcp_nodelay().unwrap());
    }
}
