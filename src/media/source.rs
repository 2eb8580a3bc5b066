//! Whose packets a leg accepts (V1, V2, V3, V46).
//!
//! A stranger who knows the port must neither be heard nor be sent anything, not even one packet, and not after any
//! pause of speech. So the default is exact: the address of the SDP. Wider policies lock to one source.

use std::net::SocketAddr;
use std::time::Duration;

use super::order::RtpSource;
use crate::base::time::Instant;

/// How long the locked source must be silent before another address that the policy allows may take its place: a
/// carrier's gateway fails over. Strangers that the policy does not name never profit from it.
pub(super) const RELOCK_AFTER: Duration = Duration::from_millis(300);

/// What the gate says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Ours to hear.
    Accepted,
    /// From somebody else: counted and forgotten.
    WrongSource,
}

/// The gate of one leg, for one address that its SDP shows.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    policy: RtpSource,
    signalled: SocketAddr,
    since: Instant,
    lock: Lock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    Unlocked,
    Locked { source: SocketAddr, last: Instant },
}

impl Gate {
    /// A gate for a new SDP: nothing is locked yet.
    pub(super) const fn new(policy: RtpSource, signalled: SocketAddr, now: Instant) -> Self {
        Self { policy, signalled, since: now, lock: Lock::Unlocked }
    }

    /// Whether a new agreement leaves the gate as it is: it has locked a source, and neither the policy nor the address
    /// has changed. An old way to hold shows no address at all (RFC 3264 8.4), which changes none either. Before anybody
    /// was heard the window opens again: a phone that showed its SDP while it rang speaks only now.
    pub(super) fn still_guards(&self, policy: &RtpSource, signalled: SocketAddr) -> bool {
        let same_address = signalled == self.signalled || signalled.ip().is_unspecified();
        self.locked().is_some() && *policy == self.policy && same_address
    }

    /// Judges a packet that arrived from `from` at `at`. `plausible` says that it is RTP of an agreed payload type; only
    /// such a packet may teach an address.
    pub(super) fn admit(&mut self, at: Instant, from: SocketAddr, plausible: bool) -> Admission {
        // The signalled address displaces whatever was locked before, unless it lies outside the carrier's networks.
        let signalled = from == self.signalled && self.is_in_policy(from);
        if !signalled && !self.may_take(at, from, plausible) {
            return Admission::WrongSource;
        }
        self.lock = Lock::Locked { source: from, last: at };
        Admission::Accepted
    }

    /// Whether a packet of RTCP may come from `from`: the host of the signalled or of the locked address.
    pub(super) fn admits_control(&self, from: SocketAddr) -> bool {
        let signalled = from.ip() == self.signalled.ip() && self.is_in_policy(from);
        signalled || self.locked().is_some_and(|source| source.ip() == from.ip())
    }

    /// The source that the leg has locked to.
    pub(super) const fn locked(&self) -> Option<SocketAddr> {
        match self.lock {
            Lock::Unlocked => None,
            Lock::Locked { source, .. } => Some(source),
        }
    }

    /// Where to send instead of the SDP address: under `learn` the learned source.
    pub(super) fn learned(&self) -> Option<SocketAddr> {
        match self.policy {
            RtpSource::Learn { .. } => self.locked(),
            RtpSource::Sdp | RtpSource::SameHost | RtpSource::Networks(_) => None,
        }
    }

    /// Whether the policy lets us send to, or prefer, the signalled address `to`.
    pub(super) fn is_in_policy(&self, to: SocketAddr) -> bool {
        match &self.policy {
            RtpSource::Networks(networks) => networks.iter().any(|network| network.contains(&to.ip())),
            RtpSource::Sdp | RtpSource::SameHost | RtpSource::Learn { .. } => true,
        }
    }

    fn may_take(&self, at: Instant, from: SocketAddr, plausible: bool) -> bool {
        let allowed = match &self.policy {
            RtpSource::Sdp => false,
            RtpSource::SameHost => from.ip() == self.signalled.ip(),
            RtpSource::Networks(_) => self.is_in_policy(from),
            RtpSource::Learn { window_ms } => return self.may_teach(at, from, plausible, *window_ms),
        };
        let free = match self.lock {
            Lock::Unlocked => plausible,
            Lock::Locked { source, .. } if source == from => true,
            Lock::Locked { last, .. } => plausible && at.since(last) >= RELOCK_AFTER,
        };
        allowed && free
    }

    /// Under `learn` only the first plausible source within the window is ever locked. Silence does not unlock it:
    /// there is no network in the profile that would tell a peer from a stranger (V46).
    fn may_teach(&self, at: Instant, from: SocketAddr, plausible: bool, window_ms: u32) -> bool {
        match self.lock {
            Lock::Unlocked => plausible && at.since(self.since) <= Duration::from_millis(u64::from(window_ms)),
            Lock::Locked { source, .. } => source == from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn at(milliseconds: u64) -> Instant {
        Instant::START + Duration::from_millis(milliseconds)
    }

    fn gate(policy: RtpSource) -> Gate {
        Gate::new(policy, address("192.0.2.10:4000"), at(1_000))
    }

    fn carrier() -> RtpSource {
        RtpSource::Networks(vec!["198.51.100.0/24".parse().unwrap()])
    }

    /// V3: four modes, each with a sender at the signalled address, at its host, in the networks, and a stranger.
    #[test]
    fn four_modes_with_right_and_wrong_sources() {
        let (exact, host) = ("192.0.2.10:4000", "192.0.2.10:4002");
        let (network, stranger) = ("198.51.100.7:9000", "203.0.113.66:4000");
        let learn = RtpSource::Learn { window_ms: 500 };
        let table = [
            (RtpSource::Sdp, [(exact, true), (host, false), (network, false), (stranger, false)]),
            (RtpSource::SameHost, [(exact, true), (host, true), (network, false), (stranger, false)]),
            (carrier(), [(exact, false), (host, false), (network, true), (stranger, false)]),
            (learn, [(exact, true), (host, true), (network, true), (stranger, true)]),
        ];
        for (policy, rows) in table {
            for (from, expected) in rows {
                let admission = gate(policy.clone()).admit(at(1_100), address(from), true);
                assert_eq!(admission == Admission::Accepted, expected, "{policy:?} and {from}");
            }
        }
    }

    #[test]
    fn learning_ends_with_its_window_and_needs_a_plausible_packet() {
        let stranger = address("203.0.113.66:4000");
        let mut late = gate(RtpSource::Learn { window_ms: 500 });
        assert_eq!(late.admit(at(1_501), stranger, true), Admission::WrongSource);
        let mut implausible = gate(RtpSource::Learn { window_ms: 500 });
        assert_eq!(implausible.admit(at(1_100), stranger, false), Admission::WrongSource);
        assert_eq!(implausible.learned(), None);
    }

    /// V46: pauses of 0.3, 3 and 30 s open nothing to an address that the profile does not name.
    #[test]
    fn a_stranger_gains_nothing_from_a_pause() {
        let (peer, stranger) = (address("198.51.100.10:4000"), address("203.0.113.66:4000"));
        for policy in [RtpSource::Sdp, RtpSource::SameHost, carrier(), RtpSource::Learn { window_ms: 500 }] {
            for pause in [300, 3_000, 30_000] {
                let mut gate = Gate::new(policy.clone(), peer, at(1_000));
                assert_eq!(gate.admit(at(1_100), peer, true), Admission::Accepted);
                assert_eq!(gate.admit(at(1_100 + pause), stranger, true), Admission::WrongSource, "{policy:?} {pause}");
                assert_eq!(gate.admit(at(1_101 + pause), peer, true), Admission::Accepted);
                assert_ne!(gate.learned(), Some(stranger));
            }
        }
    }

    #[test]
    fn a_carriers_other_gateway_takes_over_only_after_silence() {
        let (first, second) = (address("198.51.100.7:9000"), address("198.51.100.8:9000"));
        let mut gate = gate(carrier());
        assert_eq!(gate.admit(at(1_000), first, true), Admission::Accepted);
        assert_eq!(gate.admit(at(1_299), second, true), Admission::WrongSource);
        assert_eq!(gate.admit(at(1_300), second, false), Admission::WrongSource);
        assert_eq!(gate.admit(at(1_300), second, true), Admission::Accepted);
        assert_eq!(gate.admit(at(1_310), first, true), Admission::WrongSource);
    }

    #[test]
    fn the_signalled_address_displaces_a_faster_one() {
        let mut gate = gate(RtpSource::Learn { window_ms: 500 });
        assert_eq!(gate.admit(at(1_001), address("203.0.113.66:4000"), true), Admission::Accepted);
        assert_eq!(gate.admit(at(1_002), address("192.0.2.10:4000"), true), Admission::Accepted);
        assert_eq!(gate.learned(), Some(address("192.0.2.10:4000")));
        assert_eq!(gate.admit(at(1_003), address("203.0.113.66:4000"), true), Admission::WrongSource);
    }

    #[test]
    fn control_packets_come_from_the_same_host() {
        let gate = gate(RtpSource::Sdp);
        assert!(gate.admits_control(address("192.0.2.10:4001")));
        assert!(!gate.admits_control(address("203.0.113.66:4001")));
    }
}
