//! A call on a stepped clock, hand-fed: each test is one story of what comes in and what goes out.

#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks at the one thing it is about")]

mod gateways;
mod journal;
mod links;
mod promise;
mod quarantine;
mod serving;
mod session;
mod walk;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::action::{Action, Actions};
use super::event::Event;
use super::fault::Fault;
use super::notice::{CallerLoss, What};
use super::record::{CallRecord, Ending, LegEnd};
use super::site::{Listener, MediaAddress, Site};
use super::supplies::{Choice, Seat, Supplies, Wanted};
use super::timer::{HuntId, Timer, Wait};
use super::{Arrival, Call};
use crate::base::ids::{AgentId, CallId, GroupId, HotlineId, LegId, ProfileId, TrunkId};
use crate::base::time::{Instant, WallClock};
use crate::media::fact::Fact;
use crate::media::order::{Keys, Order, Source};
use crate::routing::config::{
    Class, PeerClass, Priority, Step, Subscription, Transport as TrunkTransport, Trunk, TrunkLimits, Trust,
};
use crate::routing::decision::{Answering, Decision};
use crate::routing::gateway::Gateway;
use crate::routing::profile::Profile;
use crate::routing::{CallerId, Config, caller_id};
use crate::sip::fact::{Cause, ContactRoute, Failure, LegFact, Loss, Peer};
use crate::sip::flow::{Flow, Transport};
use crate::sip::message::{Host, Name, Uri};
use crate::sip::order::{LegOrder, OutgoingInvite};

const CALLER: LegId = LegId(1);
const FIRST: LegId = LegId(100);
const SECOND: LegId = LegId(101);
const NUMBER: &str = "13900001111";

/// The stock of a test: legs from 100, ports from 20000, agents in the order in which they are put in.
#[derive(Default)]
struct Desk {
    legs: u64,
    ports: u16,
    seats: VecDeque<Seat>,
    /// Gateways that seem dead.
    down: Vec<SocketAddr>,
    faults: Vec<Fault>,
}

impl Supplies for Desk {
    fn leg(&mut self) -> LegId {
        self.legs += 1;
        LegId(99 + self.legs)
    }

    fn port(&mut self, _priority: Priority) -> Option<u16> {
        self.ports += 2;
        Some(19_998 + self.ports)
    }

    fn random(&mut self) -> u64 {
        7
    }

    fn longest_idle(&mut self, _group: &GroupId, tried: &[AgentId]) -> Option<Seat> {
        self.seats.iter().find(|seat| !tried.contains(&seat.agent)).cloned()
    }

    fn agent(&mut self, agent: &AgentId) -> Option<Seat> {
        self.seats.iter().find(|seat| seat.agent == *agent).cloned()
    }

    fn any_free(&self, _plan: &[Step]) -> bool {
        !self.seats.is_empty()
    }

    fn gateway(&mut self, wanted: &Wanted<'_>) -> Option<SocketAddr> {
        let all = trunk().gateways.into_iter().map(|gateway| gateway.address);
        all.filter(|gateway| wanted.choice == Choice::Any || !self.down.contains(gateway))
            .find(|gateway| !wanted.tried.contains(gateway))
    }

    fn gateway_silent(&mut self, _trunk: &TrunkId, gateway: SocketAddr) {
        self.down.push(gateway);
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        let found = self.faults.iter().position(|armed| *armed == fault);
        found.map(|index| self.faults.remove(index)).is_some()
    }
}

struct Bench {
    call: Call,
    site: Site,
    desk: Desk,
    now: Instant,
}

fn seat(agent: &str) -> Seat {
    let flow = Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "198.51.100.8:5060".parse().unwrap(),
        connection: None,
    };
    let uri = Uri::sip(Some(agent), Host::Ip("198.51.100.8".parse().unwrap()), None);
    Seat { agent: AgentId::from(agent), contacts: vec![ContactRoute { uri, flow }] }
}

fn trunk() -> Trunk {
    Trunk {
        id: TrunkId::from("carrier"),
        networks: vec!["203.0.113.0/24".parse().unwrap()],
        gateways: Gateway::in_order(["203.0.113.1:5060".parse().unwrap(), "203.0.113.2:5060".parse().unwrap()]),
        probe_interval: Duration::ZERO,
        transport: TrunkTransport::Udp,
        profile: ProfileId::from("generic"),
        trust: Trust::Trusted,
        class: PeerClass::Carrier,
        limits: TrunkLimits::default(),
        resource_priority: None,
        subscription: Subscription::default(),
        region: None,
        called: Vec::new(),
        correlation: Default::default(),
    }
}

fn decision(answering: Answering, plan: Vec<Step>) -> Decision {
    Decision {
        hotline: HotlineId::from("12345"),
        priority: Priority::Normal,
        answering,
        announcement: None,
        ring_timeout: Duration::from_secs(20),
        plan,
        territory: None,
        caller_id: CallerId { source: caller_id::Source::From, ..CallerId::plain(NUMBER) },
        referral: None,
        why: Vec::new(),
    }
}

fn group() -> Vec<Step> {
    vec![Step::Group { group: GroupId::from("seats"), class: Class::Normal }]
}

fn outward() -> Vec<Step> {
    vec![Step::Trunk { trunk: TrunkId::from("carrier"), number: "110".into(), class: Class::Normal }]
}

impl Bench {
    fn with(decision: Decision, offer: Option<Bytes>, agents: &[&str]) -> Self {
        let site = Site {
            routing: Config {
                trunks: vec![trunk()],
                profiles: vec![Profile::named("generic"), Profile::named("softphone")],
                ..Config::default()
            },
            listeners: vec![Listener { transport: Transport::Udp, address: "192.0.2.1:5060".parse().unwrap() }],
            media: vec![MediaAddress { bind: "192.0.2.1".parse().unwrap(), advertised: "192.0.2.1".parse().unwrap() }],
            media_ports: (20_000, 29_999),
            host: Host::Name(Bytes::from_static(b"lianxian.test")),
            transfers_per_call: 2,
            wall: WallClock::default(),
        };
        let arrival = Arrival {
            leg: CALLER,
            peer: Peer::Trunk(TrunkId::from("carrier")),
            signalling: "203.0.113.1:5060".parse().unwrap(),
            dialled: "12345".to_owned(),
            offer,
            max_forwards: 69,
        };
        let now = Instant::START + Duration::from_secs(1);
        let desk = Desk { seats: agents.iter().map(|agent| seat(agent)).collect(), ..Desk::default() };
        Self { call: Call::new(now, CallId(5), arrival, decision), site, desk, now }
    }

    /// A caller with an ordinary offer, a group of agents.
    fn group(agents: &[&str]) -> Self {
        Self::with(decision(Answering::ByPerson, group()), Some(sdp("203.0.113.9", 40_000, "sendrecv")), agents)
    }

    fn event(&mut self, event: Event) -> Vec<Action> {
        let mut out = Actions::default();
        self.call.handle(self.now, event, &self.site, &mut self.desk, &mut out);
        let written = serde_json::to_string(&self.call).unwrap();
        // Every state a call can be in can be written down and read back (the first day's rule).
        self.call = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&self.call).unwrap(), written);
        out.into_iter().collect()
    }

    fn begin(&mut self) -> Vec<Action> {
        self.event(Event::Begin)
    }

    fn leg(&mut self, leg: LegId, fact: LegFact) -> Vec<Action> {
        self.event(Event::Leg { leg, fact })
    }

    fn sound(&mut self, leg: LegId, fact: Fact) -> Vec<Action> {
        self.event(Event::Media { leg, fact })
    }

    fn wait(&mut self, seconds: u64) -> Vec<Action> {
        self.now += Duration::from_secs(seconds);
        let mut out = Actions::default();
        self.call.handle_timeout(self.now, &self.site, &mut self.desk, &mut out);
        out.into_iter().collect()
    }

    /// Until caller and agent talk.
    fn talking(agents: &[&str]) -> Self {
        let mut bench = Self::group(agents);
        bench.begin();
        bench.leg(FIRST, answered("198.51.100.8", 4_000));
        assert_eq!(bench.call.state_name(), "talking");
        bench
    }
}

fn sdp(address: &str, port: u16, direction: &str) -> Bytes {
    Bytes::from(format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    ))
}

/// Without telephone-event.
fn plain_sdp(address: &str, port: u16) -> Bytes {
    Bytes::from(format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
    ))
}

fn answered(address: &str, port: u16) -> LegFact {
    LegFact::Answered { sdp: Some(sdp(address, port, "sendrecv")) }
}

fn failed(code: u16) -> LegFact {
    LegFact::Failed(Failure { code, cause: Cause::default(), retry_after: None })
}

fn orders(actions: &[Action], leg: LegId) -> Vec<LegOrder> {
    let of_leg = |action: &Action| match action {
        Action::Leg { leg: of, order } if *of == leg => Some(order.clone()),
        _ => None,
    };
    actions.iter().filter_map(of_leg).collect()
}

fn invites(actions: &[Action]) -> Vec<&OutgoingInvite> {
    actions
        .iter()
        .filter_map(|action| if let Action::Invite(invite) = action { Some(&**invite) } else { None })
        .collect()
}

fn hears(actions: &[Action], leg: LegId) -> Option<Source> {
    let heard = |action: &Action| match action {
        Action::Media(Order::Hear { leg: of, source }) if *of == leg => Some(source.clone()),
        _ => None,
    };
    actions.iter().rev().find_map(heard)
}

fn notices(actions: &[Action]) -> Vec<&What> {
    actions.iter().filter_map(|a| if let Action::Publish(notice) = a { Some(&notice.what) } else { None }).collect()
}

fn losses(actions: &[Action]) -> usize {
    notices(actions).iter().filter(|what| matches!(what, What::CallerLost(_))).count()
}

fn released(actions: &[Action]) -> Option<CallRecord> {
    notices(actions).iter().find_map(|what| if let What::Released(r) = what { Some((**r).clone()) } else { None })
}

fn is_hang_up(orders: &[LegOrder]) -> bool {
    matches!(orders, [LegOrder::HangUp { .. }])
}

fn music() -> Source {
    Source::Prompt { name: "hold_music".into(), repeat: true }
}

fn please_wait() -> Source {
    Source::Prompt { name: "please_wait".into(), repeat: false }
}
