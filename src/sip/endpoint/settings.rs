//! What the endpoint is told once: who we are, who may talk to us, and how much.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::base::ids::TrunkId;
use crate::sip::flow::Transport;
use crate::sip::transaction::timers::Timing;
use crate::sip::{auth, registrar, wire};

/// The endpoint's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What `User-Agent` and `Server` say.
    pub product: String,
    /// Where we listen. Flows carry these addresses as `local`.
    pub listeners: Vec<Listener>,
    /// The trunks, by the networks they send from.
    pub trunks: Vec<TrunkAccess>,
    /// Where softphones may be. Outside of it, and of the trunks' networks, every source meets silence.
    pub softphone_networks: Vec<IpNet>,
    /// How softphones prove who they are.
    pub auth: auth::Settings,
    /// How they register.
    pub registrar: registrar::Settings,
    /// Whose INVITEs may use what is kept in reserve.
    pub urgent: Urgent,
    /// T1, T2, T4.
    pub timing: Timing,
    /// The limits on everything a peer can make grow.
    pub limits: Limits,
}

/// One listening address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The transport.
    pub transport: Transport,
    /// The address that the socket is bound to.
    pub address: SocketAddr,
    /// The address that Via and Contact show, if peers see us under another one.
    pub advertised: Option<SocketAddr>,
}

/// Who a trunk is, on the SIP side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkAccess {
    /// The trunk.
    pub id: TrunkId,
    /// The networks that its requests come from. No address belongs to two trunks: the configuration refuses it.
    pub networks: Vec<IpNet>,
    /// How its messages are read.
    pub reading: Reading,
    /// New INVITEs a second, on average.
    pub invites_per_second: u32,
    /// New INVITEs at once.
    pub invite_burst: u32,
    /// Whether it may move calls.
    pub transfers: Transfers,
}

/// Whether a trunk may move calls: by REFER, and by INVITE with Replaces (traps T7, T45, V48).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfers {
    /// A carrier: its REFER gets 603, its Replaces 403.
    Refused,
    /// A private exchange whose seats are ours: it may refer, and replace its own dialogs.
    Taken,
}

/// What makes an INVITE urgent before its route is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Urgent {
    /// What is dialled for the emergency hotlines, in every form.
    pub numbers: Vec<String>,
    /// The Resource-Priority (RFC 4412) of each trunk that is in our trust domain and has one.
    pub resource_priority: BTreeMap<TrunkId, String>,
}

/// How the messages of a peer are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A defect in a header that we do not need never refuses a request: a trusted trunk.
    Tolerant,
    /// Every defect is answered 400: everybody else.
    Strict,
}

/// The limits on everything a peer can make grow.
#[derive(Clone, Debug)]
pub struct Limits {
    /// On single messages.
    pub message: wire::Limits,
    /// INVITEs of one peer that are unanswered, or refused and not ACKed (V50). Beyond it: 503 without state.
    pub open_invites_per_peer: usize,
    /// Transactions altogether. Beyond it: 503 without state.
    pub transactions: usize,
    /// Legs altogether. Beyond it: 503.
    pub legs: usize,
    /// New INVITEs a second of one softphone, on average, and twice as many at once (V11).
    pub softphone_invites_per_second: u32,
    /// Dialogs that one INVITE of ours may fork into.
    pub forks: usize,
    /// Ended dialogs that are remembered for 64*T1 (trap T35).
    pub ended_dialogs: usize,
    /// How long an INVITE of ours may ring, whatever the call thinks.
    pub ring: Duration,
    /// How long an INVITE of a peer may wait for a person. A caller may wait as long as it likes; this only ends what a
    /// peer that died without a CANCEL has left behind.
    pub wait: Duration,
    /// How long a leg's offer waits for the call's answer.
    pub answer: Duration,
    /// What Retry-After says when we are full.
    pub retry_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: wire::Limits::default(),
            open_invites_per_peer: 2_000,
            transactions: 400_000,
            legs: 20_000,
            softphone_invites_per_second: 5,
            forks: 16,
            ended_dialogs: 100_000,
            ring: Duration::from_secs(300),
            wait: Duration::from_secs(7_200),
            answer: Duration::from_secs(10),
            retry_after: Duration::from_secs(5),
        }
    }
}
