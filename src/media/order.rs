//! What the call asks of the media plane: orders, which never fail; failure comes back as a fact.

use std::net::SocketAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::ids::{CallId, LegId};

/// An order to the media plane. All orders for one call go to the same worker, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Bind the leg's sockets: RTP at `local`, RTCP at the next port.
    Open {
        /// The call that the leg belongs to. Packets never cross calls.
        call: CallId,
        /// The leg.
        leg: LegId,
        /// Our RTP address: an even port, taken from the range by the switch.
        local: SocketAddr,
    },
    /// The leg's session as agreed by the latest offer and answer.
    Agree {
        /// The leg.
        leg: LegId,
        /// What was agreed.
        session: AgreedSession,
    },
    /// What the leg hears from now on. A leg hears one thing at a time.
    Hear {
        /// The leg.
        leg: LegId,
        /// The source.
        source: Source,
    },
    /// Send a key to the leg as telephone-events (RFC 4733), if it agreed to them.
    Key {
        /// The leg that receives it.
        leg: LegId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// Milliseconds.
        duration_ms: u32,
    },
    /// What becomes of the keys that the leg's peer presses in its sound. A leg that was opened relays them.
    Keys {
        /// The leg whose peer presses.
        leg: LegId,
        /// Their way.
        keys: Keys,
    },
    /// Tell the leg's next valid packet as `Fact::FirstPacket`, whatever came from it before: what a callee sends while
    /// it rings says nothing about what comes after its answer.
    Await {
        /// The leg.
        leg: LegId,
    },
    /// Close the leg's sockets. The switch keeps the ports in quarantine (V43).
    Close {
        /// The leg.
        leg: LegId,
    },
}

impl Order {
    /// The leg that it is about.
    pub const fn leg(&self) -> LegId {
        match self {
            Self::Open { leg, .. }
            | Self::Agree { leg, .. }
            | Self::Hear { leg, .. }
            | Self::Key { leg, .. }
            | Self::Keys { leg, .. }
            | Self::Await { leg }
            | Self::Close { leg } => *leg,
        }
    }
}

/// What becomes of the keys that a peer presses (RFC 4733, or in its voice where that is listened to). Each is told as
/// `Fact::Key` in either way, once, at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keys {
    /// They go on with the sound to who hears the leg alone.
    #[default]
    Relayed,
    /// Nobody gets them with the sound: they may be a code for us. What was none the call passes on by `Order::Key`. Of a
    /// key in the voice the first 40 ms are heard, for it is a key only then; noise takes the place of the rest.
    Withheld,
}

/// What a leg hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Nothing is sent.
    Nothing,
    /// Another leg of the same call, packet by packet; comfort noise while nothing comes from it.
    Leg(LegId),
    /// The early media of another leg of the same call, packet by packet; ringback while nothing comes from it.
    Early(LegId),
    /// The sum of other legs of the same call, 20 ms by 20 ms: what each of three hears. Never the leg itself, which
    /// would hear its own voice come back.
    Mix(SmallVec<[LegId; 3]>),
    /// Ringback: 450 Hz, 1 s on, 4 s off.
    Ringback,
    /// A recorded prompt, by its name in the prompt folder.
    Prompt {
        /// For example `hold_music`, `please_wait`.
        name: String,
        /// Over again for ever, or once with `Fact::PromptEnded`.
        repeat: bool,
    },
}

/// One leg's media session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedSession {
    /// Where we send RTP: the SDP address of the peer. `None` while it wants nothing (0.0.0.0, inactive, sendonly).
    pub send_to: Option<SocketAddr>,
    /// Where we send RTCP. `None` as above or if the peer has none.
    pub rtcp_to: Option<SocketAddr>,
    /// The address the peer's SDP shows, also while it holds: the reference of the source policy.
    pub signalled: SocketAddr,
    /// Whether we accept its sound (it may send).
    pub receive: bool,
    /// Payload types of both directions, the preferred codec first.
    pub payloads: SmallVec<[Payload; 4]>,
    /// Milliseconds of sound a packet.
    pub ptime_ms: u8,
    /// Whose packets are accepted.
    pub rtp_source: RtpSource,
    /// Whether keys are listened for in the voice: its profile says so, and it agreed to no telephone-events.
    #[serde(default)]
    pub inband_keys: bool,
}

/// One payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The number we expect in packets from the peer (our SDP).
    pub receive_type: u8,
    /// The number we write in packets to the peer (its SDP).
    pub send_type: u8,
    /// What it carries.
    pub codec: Codec,
}

/// A codec. Both voice codecs run at 8 kHz, one byte a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 A-law.
    Pcma,
    /// G.711 mu-law.
    Pcmu,
    /// RFC 4733 telephone-event at 8 kHz.
    TelephoneEvent,
}

/// Whose packets a leg accepts (security row V3). Sending goes to the SDP address, under `Learn` to the learned one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RtpSource {
    /// Exactly the signalled address and port.
    Sdp,
    /// The signalled address, any port.
    SameHost,
    /// Any address in these networks: carriers whose media gateways are many.
    Networks(Vec<IpNet>),
    /// The first plausible source within `window_ms` after each new SDP, then only that one.
    Learn {
        /// How long after a new SDP a source may be learned, in milliseconds.
        window_ms: u32,
    },
}
