//! Datagrams: large kernel buffers, several a wake, and what ICMP says about the ones we sent.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket as StdSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use bytes::Bytes;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Event, Raw};
use crate::sip::flow::{Flow, FlowFailure, Transport};

/// What the kernel holds for us while we are busy: some thousand messages.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;
/// The largest datagram.
const LARGEST: usize = 65_535;
/// Datagrams read before other tasks get their turn.
const BURST: usize = 64;

/// All UDP sockets.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    bound: Vec<Bound>,
    readers: JoinSet<()>,
    dropped: u64,
}

#[derive(Debug)]
struct Bound {
    address: SocketAddr,
    /// The same socket as the reader's, for sending without the runtime's readiness.
    sender: StdSocket,
}

impl Sockets {
    /// Binds one address and starts reading it. The address as bound comes back.
    pub(super) fn bind(&mut self, address: SocketAddr, told: mpsc::Sender<Raw>) -> io::Result<SocketAddr> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            // IPv4 has its own socket, so that no peer appears as an IPv4-mapped address (V18).
            socket.set_only_v6(true)?;
            setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
        }
        // The kernel may grant less; that costs datagrams only under floods.
        socket.set_recv_buffer_size(KERNEL_BUFFER)?;
        socket.set_send_buffer_size(KERNEL_BUFFER)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let sender: StdSocket = socket.into();
        let address = sender.local_addr()?;
        let receiver = Arc::new(UdpSocket::from_std(sender.try_clone()?)?);
        self.readers.spawn(read(receiver, address, told));
        self.bound.push(Bound { address, sender });
        Ok(address)
    }

    /// Sends one datagram. A full buffer drops it: SIP repeats what matters over UDP (RFC 3261 17).
    pub(super) fn send(&mut self, flow: &Flow, message: &[u8]) -> Result<(), FlowFailure> {
        let same_family = |bound: &&Bound| bound.address.is_ipv4() == flow.remote.is_ipv4();
        let bound = self.bound.iter().find(|bound| bound.address == flow.local);
        let Some(bound) = bound.or_else(|| self.bound.iter().find(same_family)) else {
            return Err(FlowFailure::Closed);
        };
        // An error may be the late echo of another datagram: the kernel says it once, so a second try tells.
        for _ in 0..2 {
            match bound.sender.send_to(message, flow.remote) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.dropped = self.dropped.saturating_add(1);
                    return Ok(());
                }
                Err(_) => {}
            }
        }
        Err(FlowFailure::Refused)
    }

    /// Datagrams that the kernel did not take.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Reads one socket for ever.
async fn read(socket: Arc<UdpSocket>, local: SocketAddr, told: mpsc::Sender<Raw>) {
    let mut buffer = vec![0; LARGEST];
    let flow = |remote| Flow { transport: Transport::Udp, local, remote, connection: None };
    loop {
        if socket.ready(Interest::READABLE | Interest::ERROR).await.is_err() {
            return;
        }
        for _ in 0..BURST {
            match socket.try_recv_from(&mut buffer) {
                Ok((length, remote)) => {
                    let message = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
                    let event = Event::Received { flow: flow(remote), message };
                    if told.send(Raw::Event(event)).await.is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP error about an earlier datagram; its address is in the error queue.
                Err(_) => {}
            }
        }
        while let Some(echo) = echo(&socket) {
            let Echo::Refused(remote) = echo else { continue };
            let event = Event::Failed { flow: flow(remote), failure: FlowFailure::Refused };
            if told.send(Raw::Event(event)).await.is_err() {
                return;
            }
        }
    }
}

/// What the network said about a datagram of ours.
enum Echo {
    /// Nobody takes it at this address.
    Refused(SocketAddr),
    /// Something that a repetition cures, such as a smaller path MTU, or that says nothing about an address.
    Passing,
}

/// Takes one message of ICMP out of the socket's error queue.
fn echo(socket: &UdpSocket) -> Option<Echo> {
    // The queue returns the start of our own datagram; only its destination and the error are wanted.
    let mut start = [0; 1];
    let taken = socket.try_io(Interest::ERROR, || {
        let mut parts = [IoSliceMut::new(&mut start)];
        let mut space = nix::cmsg_space!([u8; 128]);
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
        let errors = message.cmsgs()?.filter_map(|part| match part {
            ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
                i32::try_from(error.ee_errno).ok().map(Errno::from_raw)
            }
            _ => None,
        });
        let lasting = [Errno::ECONNREFUSED, Errno::EHOSTUNREACH, Errno::ENETUNREACH];
        let refused = errors.into_iter().any(|error| lasting.contains(&error));
        Ok(message.address.filter(|_| refused))
    });
    let address = match taken {
        Ok(Some(address)) => address,
        Ok(None) => return Some(Echo::Passing),
        Err(_) => return None,
    };
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(Echo::Refused(SocketAddr::V4(SocketAddrV4::new(v4.ip(), v4.port()))));
    }
    let v6 = address.as_sockaddr_in6();
    Some(v6.map_or(Echo::Passing, |v6| {
        Echo::Refused(SocketAddr::V6(SocketAddrV6::new(v6.ip(), v6.port(), 0, v6.scope_id())))
    }))
}
