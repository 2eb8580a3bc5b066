//! One leg's sound: its offer and answer, where its packets may go, what it hears.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use thiserror::Error;

use crate::call::codes::Typed;
use crate::call::site::Site;
use crate::media::order::{AgreedSession, Codec, Keys, Payload, RtpSource, Source};
use crate::routing::profile::{self, Profile};
use crate::sdp::negotiate::{self, Agreed, Direction, Refusal};
use crate::sdp::session::Session;
use crate::sdp::{AddressClass, address_class};

/// The sound of one leg.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sound {
    /// Our bound RTP address.
    pub(super) local: SocketAddr,
    /// The link that the peer's signalling comes over, as IPv6 counts them (RFC 4007 6). 0 where addresses need none.
    link: u32,
    session: Session,
    agreed: Option<Agreed>,
    rules: Rules,
    /// The peer's first offer, until another session is agreed.
    offered: Option<Bytes>,
    /// How often it had to be opened again.
    pub(super) reopened: u8,
    /// Whether the peer knows where we are.
    whereabouts: Whereabouts,
    /// The keys that its party has typed and that may become a feature code.
    #[serde(default)]
    pub(super) typed: Typed,
    /// What the leg hears, as ordered last.
    pub(super) hears: Source,
    /// Whether anything comes from it.
    pub(super) voice: Voice,
    /// What becomes of the keys in it, as ordered last.
    pub(super) keys: Keys,
}

/// Whether anything comes from a leg, as the media plane sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Voice {
    /// Packets, or it is too early to tell.
    Present,
    /// No sound for 5 s, though it may send; but its reports (RTCP) show that it is there.
    Paused,
    /// Nothing at all, though it may send.
    Absent,
}

/// Whether the peer knows our address. A leg that has come over from another call has another one (`join`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Whereabouts {
    /// It does, or will from our first description.
    Known,
    /// We have moved, and it knows the former address.
    Moved,
    /// It has been offered the new one.
    Offered,
}

/// What the profile says about the leg's media.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rules {
    rtp_source: RtpSource,
    allowed: Allowed,
    #[serde(default)]
    inband_keys: bool,
}

/// Where RTP may go (V25).
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Allowed {
    /// Only into these networks.
    Networks(Vec<IpNet>),
    /// To any host but those that can be nobody's telephone. For softphones, which proved who they are.
    AnyUnicast,
}

/// Why a session description is not agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    /// Offer and answer do not fit, or make no sense.
    #[error("{0}")]
    Negotiation(#[from] Refusal),
    /// The address is none that this peer may use (V25).
    #[error("the SDP points where this peer's media may not be")]
    Address,
}

impl Refused {
    /// The response that says so.
    pub(super) const fn code(&self) -> u16 {
        match self {
            Self::Negotiation(refusal) => refusal.code(),
            Self::Address => 488,
        }
    }
}

impl Rules {
    /// The rules of `profile` for a peer whose signalling comes from `signalling`; empty for softphones.
    pub(super) fn new(profile: &Profile, signalling: &[IpNet]) -> Self {
        let networks = if profile.media_networks.is_empty() { signalling } else { &profile.media_networks };
        Self {
            rtp_source: match profile.rtp_source {
                profile::RtpSource::Sdp => RtpSource::Sdp,
                profile::RtpSource::SameHost => RtpSource::SameHost,
                profile::RtpSource::Networks => RtpSource::Networks(networks.to_vec()),
                profile::RtpSource::Learn => RtpSource::Learn { window_ms: profile.learn_window_ms },
            },
            allowed: if networks.is_empty() { Allowed::AnyUnicast } else { Allowed::Networks(networks.to_vec()) },
            inband_keys: profile.inband_keys,
        }
    }

    /// Whether RTP may go to `address`. A hold's 0.0.0.0 is never sent to and therefore always allowed.
    fn allow(&self, site: &Site, address: SocketAddr) -> bool {
        if site.is_own_media(address) {
            return false;
        }
        match address_class(address.ip()) {
            AddressClass::Unspecified => true,
            AddressClass::Multicast | AddressClass::Broadcast => false,
            class @ (AddressClass::Unicast | AddressClass::Loopback | AddressClass::LinkLocal) => match &self.allowed {
                Allowed::Networks(networks) => profile::contains(networks, address.ip()),
                Allowed::AnyUnicast => class == AddressClass::Unicast,
            },
        }
    }
}

impl Sound {
    /// A leg's sound before any offer.
    pub(super) fn new(local: SocketAddr, session: Session, rules: Rules) -> Self {
        Self {
            local,
            link: 0,
            session,
            agreed: None,
            rules,
            offered: None,
            reopened: 0,
            whereabouts: Whereabouts::Known,
            typed: Typed::new(),
            hears: Source::Nothing,
            voice: Voice::Present,
            keys: Keys::default(),
        }
    }

    /// The same, of a leg whose signalling comes from `signalling`.
    pub(super) fn on_link_of(mut self, signalling: SocketAddr) -> Self {
        self.link = match signalling {
            SocketAddr::V6(from) if from.ip().is_unicast_link_local() => from.scope_id(),
            SocketAddr::V6(_) | SocketAddr::V4(_) => 0,
        };
        self
    }

    /// The same leg on another port: the peer's offer is answered anew, or stands as it was agreed until ours is.
    pub(super) fn moved(&self, site: &Site, local: SocketAddr, session: Session) -> Self {
        let mut moved = Self::new(local, session, self.rules.clone());
        moved.link = self.link;
        moved.reopened = self.reopened.saturating_add(1);
        let again = self.offered.as_ref().map(|offer| moved.answer(site, offer));
        if again.is_none_or(|answered| answered.is_err()) {
            moved.agreed.clone_from(&self.agreed);
        }
        moved
    }

    /// The same session at another address of ours, in another call. What was agreed stands until the peer has answered
    /// the offer of the new address.
    pub(super) fn rehomed(&self, local: SocketAddr, advertised: IpAddr) -> Self {
        let mut sound = self.clone();
        sound.session.move_to(advertised, local.port());
        Self {
            local,
            reopened: 0,
            whereabouts: Whereabouts::Moved,
            hears: Source::Nothing,
            voice: Voice::Present,
            ..sound
        }
    }

    /// Whether the peer has to be told where we are now.
    pub(super) fn is_to_be_told(&self) -> bool {
        self.whereabouts == Whereabouts::Moved
    }

    /// Whether the peer sends to where nobody hears it, should it have refused our latest offer.
    pub(super) fn would_be_unheard(&self) -> bool {
        self.whereabouts != Whereabouts::Known
    }

    /// Our offer: everything we have, both ways, whatever the leg's last session was (trap T4).
    pub(super) fn offer(&mut self) -> Bytes {
        self.tell();
        self.session.offer(Direction::SendRecv)
    }

    const fn tell(&mut self) {
        self.whereabouts = match self.whereabouts {
            Whereabouts::Known => Whereabouts::Known,
            Whereabouts::Moved | Whereabouts::Offered => Whereabouts::Offered,
        };
    }

    /// Our offer of the session as it is: to ask whether the peer is still there, and to wake nobody who holds.
    pub(super) fn offer_unchanged(&mut self) -> Bytes {
        let direction = match &self.agreed {
            // Held by the old way, without an address (RFC 2543).
            Some(agreed) if agreed.direction == Direction::SendRecv && agreed.send_to.is_none() => Direction::Inactive,
            Some(agreed) => agreed.direction,
            None => Direction::SendRecv,
        };
        self.tell();
        self.session.offer(direction)
    }

    /// Answers the peer's offer. A refused one changes nothing.
    pub(super) fn answer(&mut self, site: &Site, offer: &[u8]) -> Result<Bytes, Refused> {
        let mut session = self.session.clone();
        let agreed = self.on_link(session.answer(offer, Direction::SendRecv)?);
        self.check(site, &agreed)?;
        let sdp = agreed.sdp.clone().unwrap_or_default();
        self.session = session;
        self.agreed = Some(agreed);
        self.whereabouts = Whereabouts::Known;
        self.offered = Some(Bytes::copy_from_slice(offer));
        Ok(sdp)
    }

    /// Concludes our offer with the peer's answer.
    pub(super) fn conclude(&mut self, site: &Site, answer: &[u8]) -> Result<(), Refused> {
        let agreed = self.session.conclude(answer)?;
        let agreed = self.on_link(agreed);
        self.check(site, &agreed)?;
        self.agreed = Some(agreed);
        self.whereabouts = match self.whereabouts {
            Whereabouts::Known | Whereabouts::Offered => Whereabouts::Known,
            // The answer is to the offer that named the former address.
            Whereabouts::Moved => Whereabouts::Moved,
        };
        Ok(())
    }

    /// The answer that we owe to the leg's first offer, if it made one.
    pub(super) fn owed_answer(&self) -> Option<Bytes> {
        self.agreed.as_ref().and_then(|agreed| agreed.sdp.clone())
    }

    /// An SDP cannot say on which of our links its link-local address is (RFC 4007 11.2): on that of the peer's signalling.
    /// Without it nothing can be sent there, and nothing that comes from there is known.
    fn on_link(&self, mut agreed: Agreed) -> Agreed {
        let addresses = [Some(&mut agreed.signalled), agreed.send_to.as_mut(), agreed.rtcp_to.as_mut()];
        for address in addresses.into_iter().flatten() {
            if let SocketAddr::V6(address) = address
                && address.ip().is_unicast_link_local()
            {
                address.set_scope_id(self.link);
            }
        }
        agreed
    }

    fn check(&self, site: &Site, agreed: &Agreed) -> Result<(), Refused> {
        let targets = [Some(agreed.signalled), agreed.send_to, agreed.rtcp_to];
        let allowed = targets.into_iter().flatten().all(|address| self.rules.allow(site, address));
        allowed.then_some(()).ok_or(Refused::Address)
    }

    /// Whether offer and answer have been exchanged.
    pub(super) const fn is_agreed(&self) -> bool {
        self.agreed.is_some()
    }

    /// Whether the peer wants to be heard: not while it holds, in whatever form (RFC 3264 8.4, RFC 2543 B.5).
    pub(super) fn speaks(&self) -> bool {
        self.agreed.as_ref().is_none_or(|agreed| agreed.direction == Direction::SendRecv && agreed.send_to.is_some())
    }

    /// Whether the peer wants to hear.
    pub(super) fn listens(&self) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| {
            agreed.send_to.is_some() && matches!(agreed.direction, Direction::SendRecv | Direction::SendOnly)
        })
    }

    /// Whether keys travel in the sound (RFC 4733).
    pub(super) fn carries_keys(&self) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| {
            agreed.payloads.iter().any(|payload| payload.codec == negotiate::Codec::TelephoneEvent)
        })
    }

    /// The codec that is spoken, by its name in SDP (RFC 3551 6).
    pub(super) fn codec(&self) -> Option<&'static str> {
        self.agreed.as_ref()?.payloads.iter().find_map(|payload| match payload.codec {
            negotiate::Codec::Pcma => Some("PCMA"),
            negotiate::Codec::Pcmu => Some("PCMU"),
            negotiate::Codec::TelephoneEvent => None,
        })
    }

    /// Whether its keys are sought in the voice itself: where the profile says so and there are no events, which would
    /// say each key a second time.
    pub(super) fn keys_are_in_the_voice(&self) -> bool {
        self.rules.inband_keys && !self.carries_keys()
    }

    /// The session for the media plane.
    pub(super) fn to_media(&self) -> Option<AgreedSession> {
        let agreed = self.agreed.as_ref()?;
        let sends = matches!(agreed.direction, Direction::SendRecv | Direction::SendOnly);
        let payloads: SmallVec<[Payload; 4]> = agreed
            .payloads
            .iter()
            .map(|payload| Payload {
                receive_type: payload.receive_type,
                send_type: payload.send_type,
                codec: match payload.codec {
                    negotiate::Codec::Pcma => Codec::Pcma,
                    negotiate::Codec::Pcmu => Codec::Pcmu,
                    negotiate::Codec::TelephoneEvent => Codec::TelephoneEvent,
                },
            })
            .collect();
        Some(AgreedSession {
            send_to: agreed.send_to.filter(|_| sends),
            rtcp_to: agreed.rtcp_to,
            signalled: agreed.signalled,
            receive: matches!(agreed.direction, Direction::SendRecv | Direction::RecvOnly),
            payloads,
            ptime_ms: agreed.ptime_ms,
            rtp_source: self.rules.rtp_source.clone(),
            inband_keys: self.keys_are_in_the_voice(),
        })
    }
}
