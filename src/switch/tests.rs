//! The whole switch, hand-fed with messages: a trunk, two agents, a stepped clock.

#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks at the one thing it is about")]

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::view::AgentState;
use super::*;
use crate::base::ids::{GroupId, HotlineId, ProfileId, TrunkId};
use crate::call::fault::Fault;
use crate::call::site::MediaAddress;
use crate::media::order::Order;
use crate::routing::config::{
    Agent, Class, Group, Hotline, PeerClass, Step as PlanStep, Subscription, Trunk, TrunkLimits, Trust,
};
use crate::routing::gateway::Gateway;
use crate::routing::profile::Profile;
use crate::routing::{self, config};
use crate::sip::endpoint::{Listener, Reading, Transfers, TrunkAccess, Urgent};
use crate::sip::flow::{Flow, Transport};
use crate::sip::message::{Host, Uri};
use crate::sip::transaction::timers::Timing;

const HOME: &str = "192.0.2.1:5060";
const CARRIER: &str = "203.0.113.1:5060";
const PHONES: [&str; 2] = ["198.51.100.1:5060", "198.51.100.2:5060"];

// === The house ===

struct House {
    switch: Switch,
    now: Instant,
    sent: Vec<(Flow, String)>,
    media: Vec<Order>,
    notices: Vec<What>,
    gateways: Vec<GatewayChange>,
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn flow(remote: &str) -> Flow {
    Flow { transport: Transport::Udp, local: address(HOME), remote: address(remote), connection: None }
}

fn hotline(number: &str, priority: Priority) -> Hotline {
    Hotline {
        number: HotlineId::from(number),
        name: String::new(),
        priority,
        answer_on_queue: false,
        announcement: None,
        ring_timeout_s: 20,
        plan: vec![PlanStep::Group { group: GroupId::from("seats"), class: Class::Normal }],
        tag: None,
        platform: None,
        org_code: String::new(),
        org_name: String::new(),
    }
}

fn routing() -> routing::Config {
    let agent = |id: &str| Agent { id: AgentId::from(id), name: String::new(), groups: vec![GroupId::from("seats")] };
    routing::Config {
        trunks: vec![Trunk {
            id: TrunkId::from("carrier"),
            networks: vec!["203.0.113.0/24".parse().unwrap()],
            gateways: Gateway::in_order([address(CARRIER)]),
            probe_interval: Duration::ZERO,
            transport: config::Transport::Udp,
            profile: ProfileId::from("generic"),
            trust: Trust::Trusted,
            class: PeerClass::Carrier,
            limits: TrunkLimits::default(),
            resource_priority: None,
            subscription: Subscription::default(),
            region: None,
            called: Vec::new(),
            correlation: Default::default(),
        }],
        hotlines: vec![hotline("12345", Priority::Normal), hotline("110", Priority::Emergency)],
        groups: vec![Group { id: GroupId::from("seats"), name: String::new(), region: None }],
        agents: vec![agent("8001"), agent("8002")],
        profiles: vec![Profile::named("generic"), Profile::named("softphone")],
        ..routing::Config::default()
    }
}

fn settings(limits: Limits) -> Settings {
    let carrier = TrunkAccess {
        id: TrunkId::from("carrier"),
        networks: vec!["203.0.113.0/24".parse().unwrap()],
        reading: Reading::Strict,
        invites_per_second: 100,
        invite_burst: 100,
        transfers: Transfers::Refused,
    };
    let sip = sip::endpoint::Settings {
        product: "lianxian".into(),
        listeners: vec![Listener { transport: Transport::Udp, address: address(HOME), advertised: None }],
        trunks: vec![carrier],
        urgent: Urgent::default(),
        softphone_networks: vec!["198.51.100.0/24".parse().unwrap()],
        auth: sip::auth::Settings::new("lianxian.test"),
        registrar: sip::registrar::Settings::default(),
        timing: Timing::default(),
        limits: sip::endpoint::Limits::default(),
    };
    Settings {
        sip,
        routing: routing(),
        host: Host::Name(Bytes::from_static(b"lianxian.test")),
        media: vec![MediaAddress { bind: address(HOME).ip(), advertised: address(HOME).ip() }],
        media_ports: (20_000, 20_399),
        port_quarantine: Duration::from_secs(2),
        limits,
    }
}

impl House {
    fn new(limits: Limits) -> Self {
        let switch = Switch::new(settings(limits), Entropy::from_number(1)).unwrap();
        let now = Instant::START + Duration::from_secs(1);
        Self { switch, now, sent: Vec::new(), media: Vec::new(), notices: Vec::new(), gateways: Vec::new() }
    }

    /// With that many agents at their softphones.
    fn with_agents(count: usize) -> Self {
        let mut house = Self::new(Limits::default());
        (0..count).for_each(|index| house.signs_in(index));
        house
    }

    fn signs_in(&mut self, index: usize) {
        let number = ["8001", "8002"][index];
        let remote = address(PHONES[index]);
        let uri = Uri::sip(Some(number), Host::Ip(remote.ip()), Some(remote.port()));
        let route = ContactRoute { uri, flow: flow(PHONES[index]) };
        self.switch.on_contacts(self.now, &AgentId::from(number), vec![route]);
        self.switch.settle(self.now);
        self.drain();
    }

    fn receives(&mut self, from: &str, message: &str) {
        self.switch.handle(self.now, Input::Received { flow: flow(from), message: message.to_owned().into() });
        self.drain();
    }

    fn waits(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(deadline) = self.switch.next_timeout().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            self.switch.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        while let Some(output) = self.switch.poll() {
            match output {
                Output::Send { flow, message } => {
                    self.sent.push((flow, String::from_utf8_lossy(&message).into_owned()));
                }
                Output::Media { order, .. } => self.media.push(order),
                Output::Publish(notice) => self.notices.push(notice.what),
                Output::Gateway(change) => self.gateways.push(change),
                Output::Disconnect { .. } | Output::Observed(_) | Output::Reply { .. } | Output::Record(_) => {}
            }
        }
    }

    /// The last message to `to` that starts like that.
    fn last(&self, to: &str, start: &str) -> Option<&str> {
        let found = self.sent.iter().rev().find(|(flow, text)| flow.remote == address(to) && text.starts_with(start));
        found.map(|(_, text)| text.as_str())
    }

    fn calls(&mut self, hotline: &str, name: &str) {
        self.receives(CARRIER, &invite(hotline, name));
    }

    /// The agent's softphone answers the INVITE that rang it last.
    fn answers(&mut self, index: usize, code: &str) {
        let invite = self.last(PHONES[index], "INVITE").unwrap().to_owned();
        let body = if code.starts_with("200") { sdp("198.51.100.1") } else { String::new() };
        self.receives(PHONES[index], &response(&invite, code, PHONES[index], &body));
    }

    /// The caller acknowledges our 200.
    fn acknowledges(&mut self, name: &str) {
        let to = header(self.last(CARRIER, "SIP/2.0 200").unwrap(), "To").to_owned();
        self.receives(CARRIER, &request("ACK", "12345", name, &to, 1, "ack"));
    }

    fn states(&self) -> Vec<&'static str> {
        self.switch.view().calls.iter().map(|call| call.state).collect()
    }
}

// === The peers' small SIP writer ===

fn sdp(host: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n")
}

fn invite(hotline: &str, name: &str) -> String {
    let body = sdp("203.0.113.9");
    format!(
        "INVITE sip:{hotline}@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bK{name}\r\n\
         From: <sip:13900001111@203.0.113.1>;tag={name}\r\nTo: <sip:{hotline}@192.0.2.1>\r\nCall-ID: {name}@carrier\r\n\
         CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:{CARRIER}>\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn request(method: &str, hotline: &str, name: &str, to: &str, number: u32, branch: &str) -> String {
    format!(
        "{method} sip:{hotline}@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bK{name}{branch}\r\n\
         From: <sip:13900001111@203.0.113.1>;tag={name}\r\nTo: {to}\r\nCall-ID: {name}@carrier\r\n\
         CSeq: {number} {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
}

fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let line = message.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap();
    line.split_once(": ").unwrap().1
}

fn response(request: &str, status: &str, from: &str, body: &str) -> String {
    let tag = if header(request, "To").contains("tag=") { "" } else { ";tag=phone" };
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:{from}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        header(request, "Via"),
        header(request, "From"),
        header(request, "To"),
        header(request, "Call-ID"),
        header(request, "CSeq"),
        body.len()
    )
}

/// A request of the agent's softphone in the dialog of that INVITE: From and To change places.
fn from_phone(method: &str, invite: &str) -> String {
    format!(
        "{method} sip:192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKphone{method}\r\nFrom: {};tag=phone\r\n\
         To: {}\r\nCall-ID: {}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        PHONES[0],
        header(invite, "To"),
        header(invite, "From"),
        header(invite, "Call-ID"),
    )
}

// === Stories ===

#[test]
fn a_call_goes_from_the_trunk_to_an_agent_and_leaves_nothing_behind() {
    let mut house = House::with_agents(1);
    let baseline = house.switch.census();
    house.calls("12345", "a");
    assert!(house.last(CARRIER, "SIP/2.0 180").is_some());
    let ringing = house.last(PHONES[0], "INVITE").unwrap();
    assert!(header(ringing, "From").contains("sip:13900001111@lianxian.test"));
    assert_eq!(header(ringing, "Max-Forwards"), "69");
    house.answers(0, "180 Ringing");
    assert!(house.last(CARRIER, "SIP/2.0 200").is_none());
    house.answers(0, "200 OK");
    assert!(house.last(PHONES[0], "ACK").is_some());
    house.acknowledges("a");
    assert_eq!(house.states(), ["talking"]);
    let to = header(house.last(CARRIER, "SIP/2.0 200").unwrap(), "To").to_owned();
    house.receives(CARRIER, &request("BYE", "12345", "a", &to, 2, "bye"));
    let bye = house.last(PHONES[0], "BYE").unwrap().to_owned();
    house.receives(PHONES[0], &response(&bye, "200 OK", PHONES[0], ""));
    assert!(house.states().is_empty());
    assert!(house.notices.iter().any(|what| matches!(what, What::Released(_))));
    house.waits(Duration::from_secs(100));
    assert_eq!(house.switch.census(), baseline, "I9");
}

#[test]
fn the_longest_idle_agent_is_rung_and_each_only_once() {
    let mut house = House::with_agents(2);
    house.calls("12345", "a");
    assert!(house.last(PHONES[0], "INVITE").is_some());
    assert!(house.last(PHONES[1], "INVITE").is_none());
    house.calls("12345", "b");
    assert!(house.last(PHONES[1], "INVITE").is_some());
    house.calls("12345", "c");
    assert_eq!(house.states().len(), 3);
    let busy = |agent: &view::AgentView| matches!(agent.state, AgentState::Engaged(_));
    assert!(house.switch.view().agents.iter().all(busy));
}

#[test]
fn an_emergency_that_waits_gets_the_first_free_seat() {
    let mut house = House::with_agents(0);
    house.calls("12345", "a");
    house.calls("110", "b");
    assert_eq!(house.states(), ["ringing", "ringing"]);
    house.signs_in(0);
    assert!(house.last(PHONES[0], "INVITE").is_some(), "no pause between a free seat and its call");
    let rung = house.switch.view();
    let emergency = rung.calls.iter().find(|call| call.hotline == HotlineId::from("110")).unwrap();
    assert_eq!(rung.agents[0].state, AgentState::Engaged(emergency.call));
}

#[test]
fn an_agent_who_refuses_is_not_asked_again_at_once() {
    let mut house = House::with_agents(1);
    house.calls("12345", "a");
    house.calls("12345", "b");
    let before = house.sent.len();
    house.answers(0, "486 Busy Here");
    let invites = house.sent.iter().skip(before).filter(|(_, text)| text.starts_with("INVITE")).count();
    assert_eq!(invites, 0, "the next round begins after its pause");
}

#[test]
fn limits_refuse_with_503_and_keep_a_reserve_for_emergencies() {
    let mut house = House::new(Limits { calls: 2, emergency_reserve: 1, ..Limits::default() });
    house.calls("12345", "a");
    house.calls("12345", "b");
    let refused = house.last(CARRIER, "SIP/2.0 503").unwrap();
    assert_eq!(header(refused, "Retry-After"), "5");
    house.calls("110", "c");
    assert_eq!(house.states().len(), 2, "I39");
}

#[test]
fn an_unknown_number_is_404_and_a_draining_house_503() {
    let mut house = House::with_agents(1);
    house.calls("96110", "a");
    assert!(house.last(CARRIER, "SIP/2.0 404").is_some());
    house.switch.handle(house.now, Input::Command(Command::Drain));
    house.calls("12345", "b");
    assert!(house.last(CARRIER, "SIP/2.0 503").is_some());
    assert!(house.switch.is_idle());
}

#[test]
fn f5_a_panic_stays_in_its_call_and_the_call_is_not_hung_up() {
    let mut house = House::with_agents(2);
    for (name, index) in [("a", 0), ("b", 1)] {
        house.calls("12345", name);
        house.answers(index, "200 OK");
        house.acknowledges(name);
    }
    let media = house.media.len();
    house.switch.arm_fault(Fault::Panic);
    let to = header(house.last(CARRIER, "SIP/2.0 200").unwrap(), "To").to_owned();
    let info = request("INFO", "12345", "b", &to, 2, "info").replace(
        "Content-Length: 0\r\n\r\n",
        "Content-Type: application/dtmf-relay\r\nContent-Length: 10\r\n\r\nSignal=5\r\n",
    );
    house.receives(CARRIER, &info);
    let mut states = house.states();
    states.sort_unstable();
    assert_eq!(states, ["quarantined", "talking"]);
    assert_eq!(house.media.len(), media, "media stays joined");
    assert!(house.last(CARRIER, "BYE").is_none() && house.last(PHONES[1], "BYE").is_none());
    house.receives(CARRIER, &request("BYE", "12345", "b", &to, 3, "bye"));
    assert!(house.last(PHONES[1], "BYE").is_some());
    let lost = |what: &&What| matches!(what, What::CallerLost(_));
    assert_eq!(house.notices.iter().filter(lost).count(), 0);
}

#[test]
fn f5_a_bye_that_makes_the_handler_panic_still_reaches_the_other_side() {
    let mut house = House::with_agents(1);
    house.calls("12345", "a");
    house.answers(0, "200 OK");
    house.acknowledges("a");
    house.switch.arm_fault(Fault::Panic);
    let to = header(house.last(CARRIER, "SIP/2.0 200").unwrap(), "To").to_owned();
    house.receives(CARRIER, &request("BYE", "12345", "a", &to, 2, "bye"));
    assert!(house.last(PHONES[0], "BYE").is_some());
}

#[test]
fn f5_a_call_whose_quarantine_panics_too_still_ends_and_leaves_nothing() {
    let mut house = House::with_agents(1);
    let baseline = house.switch.census();
    house.calls("12345", "a");
    house.answers(0, "200 OK");
    house.acknowledges("a");
    house.switch.arm_fault(Fault::Panic);
    house.switch.arm_fault(Fault::Panic);
    let to = header(house.last(CARRIER, "SIP/2.0 200").unwrap(), "To").to_owned();
    house.receives(CARRIER, &request("BYE", "12345", "a", &to, 2, "bye"));
    assert_eq!(house.states(), ["quarantined"], "the fact that panics twice is dropped");
    let ringing = house.last(PHONES[0], "INVITE").unwrap().to_owned();
    let bye = from_phone("BYE", &ringing);
    house.receives(PHONES[0], &bye);
    assert!(house.states().is_empty());
    house.waits(Duration::from_secs(100));
    assert_eq!(house.switch.census(), baseline, "I9");
}

#[test]
fn a_panic_while_an_agent_answers_gives_the_caller_a_second_chance() {
    let mut house = House::with_agents(1);
    house.calls("12345", "a");
    house.switch.arm_fault(Fault::PanicOnAnswer);
    house.answers(0, "200 OK");
    assert_eq!(house.states(), ["quarantined"]);
    let bye = house.last(PHONES[0], "BYE").expect("who was not joined is let go").to_owned();
    house.receives(PHONES[0], &response(&bye, "200 OK", PHONES[0], ""));
    let before = house.sent.len();
    house.waits(Duration::from_secs(2));
    assert!(house.sent.iter().skip(before).any(|(_, text)| text.starts_with("INVITE")));
    assert_eq!(house.switch.census().ports, 2, "what the panicked handler took went back");
}

#[test]
fn i32_a_call_that_is_written_down_and_read_back_goes_on() {
    let mut house = House::with_agents(1);
    let restore = |house: &mut House| {
        let ids: Vec<CallId> = house.switch.call_ids().collect();
        for id in ids {
            let before = house.switch.checkpoint(id).unwrap();
            house.switch.drop_and_restore(house.now, id).unwrap();
            assert_eq!(house.switch.checkpoint(id).unwrap(), before);
            house.drain();
        }
    };
    house.calls("12345", "a");
    restore(&mut house);
    house.answers(0, "180 Ringing");
    restore(&mut house);
    house.answers(0, "200 OK");
    restore(&mut house);
    house.acknowledges("a");
    restore(&mut house);
    assert_eq!(house.states(), ["talking"]);
    let to = header(house.last(CARRIER, "SIP/2.0 200").unwrap(), "To").to_owned();
    house.receives(CARRIER, &request("BYE", "12345", "a", &to, 2, "bye"));
    restore(&mut house);
    assert!(house.last(PHONES[0], "BYE").is_some());
    house.waits(Duration::from_secs(100));
    assert_eq!(house.switch.census().calls, 0);
}

#[test]
fn i37_time_never_goes_back() {
    let mut house = House::with_agents(1);
    house.calls("12345", "a");
    let deadline = house.switch.next_timeout();
    house.switch.handle_timeout(Instant::START);
    assert_eq!(house.switch.next_timeout(), deadline);
}
