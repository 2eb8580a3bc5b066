//! Where we are: what a call must know of the house it lives in.

use std::net::{IpAddr, SocketAddr};

use crate::base::time::WallClock;
use crate::routing;
use crate::sip::flow::Transport;
use crate::sip::message::Host;

/// The same for every call; never part of a call's state, so that a reload reaches calls that are up.
#[derive(Clone, Debug)]
pub struct Site {
    /// Trunks, hotlines, groups, profiles.
    pub routing: routing::Config,
    /// Where SIP is listened for: the local ends of our flows.
    pub listeners: Vec<Listener>,
    /// Where media is bound and how peers see it, one for each family.
    pub media: Vec<MediaAddress>,
    /// First and last port of our media range: never a destination (V25).
    pub media_ports: (u16, u16),
    /// The host part of numbers that we write: `sip:13900001111@<host>`.
    pub host: Host,
    /// How often one call may be transferred: calls that are passed to and fro come to rest (V37).
    pub transfers_per_call: usize,
    /// What the clock on the wall shows, as the engine last told it.
    pub wall: WallClock,
}

/// One address that SIP is listened for on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The transport.
    pub transport: Transport,
    /// The bound address.
    pub address: SocketAddr,
}

/// One address that media sockets are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaAddress {
    /// The bound address.
    pub bind: IpAddr,
    /// The address in our SDP.
    pub advertised: IpAddr,
}

impl Site {
    /// The listener from which `remote` is reached over `transport`.
    pub fn listener_for(&self, transport: Transport, remote: IpAddr) -> Option<&Listener> {
        let same = |listener: &&Listener| {
            listener.transport == transport && listener.address.is_ipv4() == remote.to_canonical().is_ipv4()
        };
        self.listeners.iter().find(same)
    }

    /// The media address of the family in which `remote` speaks SIP.
    pub fn media_for(&self, remote: IpAddr) -> Option<&MediaAddress> {
        self.media.iter().find(|media| media.advertised.is_ipv4() == remote.to_canonical().is_ipv4())
    }

    /// Whether `address` is one of our own media ports: sound sent there would come back as a loop, or reach
    /// somebody else's call (V25).
    pub fn is_own_media(&self, address: SocketAddr) -> bool {
        let (first, last) = self.media_ports;
        let ip = address.ip().to_canonical();
        (first..=last).contains(&address.port())
            && self.media.iter().any(|media| media.bind == ip || media.advertised == ip)
    }
}
