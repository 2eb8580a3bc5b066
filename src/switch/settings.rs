//! What the switch is told once.

use crate::base::time::WallClock;
use crate::call::site::{Listener, MediaAddress, Site};
use crate::routing;
use crate::sip;
use crate::sip::message::Host;

/// The switch's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Listeners, trunks' networks, accounts, limits of the SIP side.
    pub sip: sip::endpoint::Settings,
    /// Trunks, hotlines, groups, agents, profiles.
    pub routing: routing::Config,
    /// The host part of numbers that we write, `sip:13900001111@<host>`: our name or address as peers know it.
    pub host: Host,
    /// Where media is bound and how peers see it, one for each family.
    pub media: Vec<MediaAddress>,
    /// The first and the last port of our media range.
    pub media_ports: (u16, u16),
    /// How long a freed media port rests.
    pub port_quarantine: std::time::Duration,
    /// How many calls there may be.
    pub limits: Limits,
}

/// How many calls there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls at the same time, the reserve included.
    pub calls: usize,
    /// How many of them only calls to emergency hotlines may use (I39). The same share of the ports is kept for them.
    pub emergency_reserve: usize,
    /// How often one call may be transferred (V37).
    pub transfers_per_call: usize,
    /// What Retry-After says when a limit bites, in seconds.
    pub retry_after_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { calls: 2_000, emergency_reserve: 100, transfers_per_call: 10, retry_after_s: 5 }
    }
}

impl Settings {
    /// What the calls must know of it.
    pub fn site(&self) -> Site {
        let listeners = self.sip.listeners.iter();
        Site {
            routing: self.routing.clone(),
            listeners: listeners.map(|row| Listener { transport: row.transport, address: row.address }).collect(),
            media: self.media.clone(),
            media_ports: self.media_ports,
            host: self.host.clone(),
            transfers_per_call: self.limits.transfers_per_call,
            wall: WallClock::default(),
        }
    }
}
