//! A leg's two sockets: RTP and RTCP, non-blocking, with the kernel's receive time on every datagram.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrLike, SockaddrStorage, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

/// Expedited forwarding (RFC 3246) in the place where IP headers carry it: routers let voice pass first.
const EXPEDITED: u32 = 46 << 2;

/// A bound media socket.
#[derive(Debug)]
pub struct MediaSocket(UdpSocket);

/// A datagram as the kernel gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Its length in the buffer; zero if it was longer than the buffer.
    pub length: usize,
    /// Who sent it.
    pub from: SocketAddr,
    /// When the kernel took it, since 1970; `None` if it did not say.
    pub taken_at: Option<Duration>,
}

/// The room for the kernel's remarks on a datagram, made once and used for all.
#[derive(Debug)]
pub struct Remarks(Vec<u8>);

impl Default for Remarks {
    fn default() -> Self {
        Self(vec![0; cmsg_space!(TimeSpec).capacity()])
    }
}

impl MediaSocket {
    /// Binds RTP at `local` and RTCP at the next port.
    pub fn bind_pair(local: SocketAddr) -> io::Result<(Self, Self)> {
        let next = local.port().checked_add(1).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok((Self::bind(local)?, Self::bind(SocketAddr::new(local.ip(), next))?))
    }

    fn bind(local: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // A network that does not mark packets still carries them.
        match local {
            SocketAddr::V4(_) => socket.set_tos_v4(EXPEDITED).ok(),
            SocketAddr::V6(_) => {
                socket.set_only_v6(true)?;
                socket.set_tclass_v6(EXPEDITED).ok()
            }
        };
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        socket.bind(&local.into())?;
        Ok(Self(socket.into()))
    }

    /// Takes the next datagram; `None` if there is none. An error that the network sent back for an earlier packet of
    /// ours (ICMP) reads as none: whether the peer hears us is told by its packets, not by routers.
    pub fn receive(&self, buffer: &mut [u8], remarks: &mut Remarks) -> io::Result<Option<Datagram>> {
        let mut slices = [IoSliceMut::new(buffer)];
        let received = recvmsg::<SockaddrStorage>(
            self.0.as_raw_fd(),
            &mut slices,
            Some(remarks.0.as_mut_slice()),
            MsgFlags::MSG_DONTWAIT,
        );
        let received = match received {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let whole = !received.flags.contains(MsgFlags::MSG_TRUNC);
        let taken_at = received.cmsgs().ok().and_then(|mut remarks| {
            remarks.find_map(|remark| match remark {
                ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
                _ => None,
            })
        });
        let Some(from) = received.address.as_ref().and_then(address) else { return Ok(None) };
        Ok(Some(Datagram { length: if whole { received.bytes } else { 0 }, from, taken_at }))
    }

    /// Sends a datagram, or gives it up: a voice packet that cannot go now is worth nothing later.
    pub fn send(&self, packet: &[u8], to: SocketAddr) -> io::Result<()> {
        self.0.send_to(packet, to).map(|_| ())
    }
}

impl AsFd for MediaSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    match storage.family()? {
        nix::sys::socket::AddressFamily::Inet => {
            storage.as_sockaddr_in().map(|address| SocketAddr::V4(SocketAddrV4::from(*address)))
        }
        nix::sys::socket::AddressFamily::Inet6 => {
            storage.as_sockaddr_in6().map(|address| SocketAddr::V6(SocketAddrV6::from(*address)))
        }
        _ => None,
    }
}
