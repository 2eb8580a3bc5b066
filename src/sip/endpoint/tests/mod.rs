//! The endpoint on a stepped clock, against peers that write their messages by hand.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test names the cases that it waits for")]

mod admission;
mod incoming;
mod offers;
mod outgoing;
mod probe;
mod refer;
mod refusals;
mod replaces;
mod robustness;
mod softphones;
mod walk;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::base::ids::{AgentId, TrunkId};
use crate::sip::auth;
use crate::sip::fact::{IncomingInvite, Peer};
use crate::sip::flow::Transport;
use crate::sip::message::{Host, NameAddr, Uri};
use crate::sip::registrar;
use crate::sip::transaction::timers::Timing;

pub(super) const LOCAL: &str = "10.0.0.1:5060";
pub(super) const TRUNK: &str = "192.0.2.10:5060";
pub(super) const OTHER_TRUNK: &str = "198.51.100.7:5060";
pub(super) const PHONE: &str = "203.0.113.5:40000";
pub(super) const STRANGER: &str = "127.0.0.66:5060";
pub(super) const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";

/// An endpoint, its clock, and what came out of it.
pub(super) struct Bench {
    pub(super) endpoint: Endpoint,
    pub(super) now: Instant,
    started: Instant,
    sent: Vec<Sent>,
    events: Vec<Event>,
}

/// A message that the endpoint sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) after: Duration,
    pub(super) flow: Flow,
    pub(super) text: String,
}

impl Sent {
    /// The first header of this name.
    pub(super) fn header(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("no {name} in\n{}", self.text))
    }

    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(super) fn start(&self) -> &str {
        self.text.lines().next().unwrap()
    }

    pub(super) fn is(&self, start: &str) -> bool {
        self.start().starts_with(start)
    }

    pub(super) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    pub(super) fn tag(&self, header: &str) -> &str {
        self.header(header).split(";tag=").nth(1).unwrap_or("").split(';').next().unwrap()
    }
}

pub(super) fn flow(remote: &str) -> Flow {
    let local: SocketAddr = LOCAL.parse().unwrap();
    Flow { transport: Transport::Udp, local, remote: remote.parse().unwrap(), connection: None }
}

pub(super) fn trunk(id: &str, network: &str) -> TrunkAccess {
    TrunkAccess {
        id: TrunkId::from(id),
        networks: vec![network.parse().unwrap()],
        reading: Reading::Tolerant,
        invites_per_second: 100,
        invite_burst: 200,
        transfers: Transfers::Refused,
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        product: "lianxian".into(),
        listeners: vec![Listener { transport: Transport::Udp, address: LOCAL.parse().unwrap(), advertised: None }],
        trunks: vec![trunk("t1", "192.0.2.0/24"), trunk("t2", "198.51.100.0/24")],
        urgent: Urgent::default(),
        softphone_networks: vec!["203.0.113.0/24".parse().unwrap()],
        auth: auth::Settings::new("lianxian").with_password(AgentId::from("8001"), "secret"),
        registrar: registrar::Settings::default(),
        timing: Timing::default(),
        limits: Limits::default(),
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(settings())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let started = Instant::START + Duration::from_secs(1_000);
        let endpoint = Endpoint::new(settings, Entropy::from_number(1));
        Self { endpoint, now: started, started, sent: Vec::new(), events: Vec::new() }
    }

    pub(super) fn receive(&mut self, remote: &str, text: &str) {
        self.receive_over(flow(remote), text);
    }

    pub(super) fn receive_over(&mut self, flow: Flow, text: &str) {
        self.endpoint.receive(self.now, flow, Bytes::copy_from_slice(text.as_bytes()));
        self.drain();
    }

    pub(super) fn order(&mut self, leg: LegId, order: LegOrder) {
        self.endpoint.order(self.now, leg, order);
        self.drain();
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn advance(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(next) = self.endpoint.next_timeout().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    pub(super) fn drain(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let text = String::from_utf8(transmit.message.to_vec()).unwrap();
            self.sent.push(Sent { after: self.now.since(self.started), flow: transmit.flow, text });
        }
        while let Some(event) = self.endpoint.poll_event() {
            self.events.push(event);
        }
    }

    /// What was sent since this was last asked.
    pub(super) fn sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// The only message sent since this was last asked.
    pub(super) fn only(&mut self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:#?}");
        sent.pop().unwrap()
    }

    /// The facts of all legs since this was last asked.
    pub(super) fn facts(&mut self) -> Vec<LegFact> {
        let facts = self.events.iter().filter_map(|event| match event {
            Event::Leg { fact, .. } => Some(fact.clone()),
            _ => None,
        });
        let facts = facts.collect();
        self.events.clear();
        facts
    }

    /// The refusals that were counted since this was last asked.
    pub(super) fn refusals(&mut self) -> Vec<&'static str> {
        let refused = self.events.iter().filter_map(|event| match event {
            Event::Observed(Observation::Refused { reason, .. }) => Some(*reason),
            _ => None,
        });
        let refused = refused.collect();
        self.events.clear();
        refused
    }

    /// The calls that arrived since this was last asked.
    pub(super) fn incoming(&mut self) -> Vec<IncomingInvite> {
        let calls = self.events.iter().filter_map(|event| match event {
            Event::Incoming(incoming) => Some((**incoming).clone()),
            _ => None,
        });
        let calls = calls.collect();
        self.events.clear();
        calls
    }

    /// Nothing is left over once the memory of ended dialogs and transactions has run out (I9).
    pub(super) fn assert_empty_in_the_end(&mut self) {
        self.advance(Duration::from_secs(120));
        let census = self.endpoint.census();
        assert_eq!(census, Census::default(), "something is left over");
    }

    /// A call of the trunk that has been answered and ACKed. Gives the leg and our 200.
    pub(super) fn talking(&mut self) -> (LegId, Sent) {
        self.receive(TRUNK, &invite("a1"));
        let leg = self.incoming()[0].leg;
        self.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
        let ok = self.sent().pop().unwrap();
        self.receive(TRUNK, &inside("ACK", 1, "a1-ack", ok.tag("To"), ""));
        self.facts();
        self.sent();
        (leg, ok)
    }

    /// A call of ours to the trunk. Gives the leg and the INVITE.
    pub(super) fn calling(&mut self) -> (LegId, Sent) {
        let leg = self.endpoint.reserve_leg();
        self.endpoint.invite(self.now, outgoing(leg));
        self.drain();
        let invite = self.only();
        (leg, invite)
    }

    /// A call of ours that has been answered. Gives the leg and the INVITE.
    pub(super) fn connected(&mut self) -> (LegId, Sent) {
        let (leg, invite) = self.calling();
        self.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
        self.sent();
        self.facts();
        (leg, invite)
    }
}

pub(super) fn outgoing(leg: LegId) -> OutgoingInvite {
    let uri = |user: &str| Uri::sip(Some(user), Host::Ip("192.0.2.10".parse().unwrap()), None);
    OutgoingInvite {
        leg,
        peer: Peer::Trunk(TrunkId::from("t1")),
        flow: flow(TRUNK),
        uri: uri("110"),
        from: NameAddr::new(uri("13900001111")),
        to: NameAddr::new(uri("110")),
        headers: Vec::new(),
        offer: Bytes::from(SDP),
        max_forwards: 69,
    }
}

/// A new INVITE of the trunk with this branch.
pub(super) fn invite(branch: &str) -> String {
    request("INVITE", 1, branch, "", &format!("{CONTACT}\r\n"), SDP)
}

pub(super) const CONTACT: &str = "Contact: <sip:caller@192.0.2.10>";

/// A request of the trunk inside the dialog of [`invite`].
pub(super) fn inside(method: &str, number: u32, branch: &str, to_tag: &str, sdp: &str) -> String {
    request(method, number, branch, &format!(";tag={to_tag}"), &format!("{CONTACT}\r\n"), sdp)
}

pub(super) fn request(method: &str, number: u32, branch: &str, to: &str, extra: &str, sdp: &str) -> String {
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:12345@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:13900001111@192.0.2.10>;tag=caller\r\nTo: <sip:12345@10.0.0.1>{to}\r\n\
         Call-ID: call-1@192.0.2.10\r\nCSeq: {number} {method}\r\n{extra}{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

/// A response of the trunk to a request of ours.
pub(super) fn answer(request: &Sent, code: u16, to_tag: &str, sdp: &str) -> String {
    answer_with(request, code, to_tag, &format!("{CONTACT}\r\n"), sdp)
}

pub(super) fn answer_with(request: &Sent, code: u16, to_tag: &str, extra: &str, sdp: &str) -> String {
    let to = request.header("To");
    let to = if to.contains(";tag=") || to_tag.is_empty() { to.to_owned() } else { format!("{to};tag={to_tag}") };
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {code} Whatever\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         {extra}{kind}Content-Length: {}\r\n\r\n{sdp}",
        request.header("Via"),
        request.header("From"),
        request.header("Call-ID"),
        request.header("CSeq"),
        sdp.len()
    )
}

/// A request of the trunk inside the dialog that our INVITE made.
pub(super) fn from_callee(invite: &Sent, method: &str, number: u32, branch: &str, to_tag: &str, sdp: &str) -> String {
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:lianxian@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\nFrom: {};tag={to_tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {number} {method}\r\n\
         {CONTACT}\r\n{kind}Content-Length: {}\r\n\r\n{sdp}",
        invite.header("To"),
        invite.header("From"),
        invite.header("Call-ID"),
        sdp.len()
    )
}

pub(super) fn seconds(sent: &[Sent]) -> Vec<f64> {
    sent.iter().map(|one| one.after.as_secs_f64()).collect()
}
