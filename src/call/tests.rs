//! A call on a stepped clock, hand-fed: each test is one story of what comes in and what goes out.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::action::{Action, Actions};
use super::event::Event;
use super::fault::Fault;
use super::notice::{CallerLoss, What};
use super::record::{CallRecord, Ending, LegEnd};
use super::site::{Listener, MediaAddress, Site};
use super::supplies::{Seat, Supplies};
use super::timer::Timer;
use super::{Arrival, Call};
use crate::base::ids::{AgentId, CallId, GroupId, HotlineId, LegId, ProfileId, TrunkId};
use crate::base::pii::Pii;
use crate::base::time::Instant;
use crate::media::fact::Fact;
use crate::media::order::{Order, Source};
use crate::routing::config::{PeerClass, Priority, Step, Transport as TrunkTransport, Trunk, TrunkLimits, Trust};
use crate::routing::decision::{Answering, Decision};
use crate::routing::profile::Profile;
use crate::routing::{CallerId, Config, Presentation, caller_id};
use crate::sip::fact::{Cause, ContactRoute, Failure, LegFact, Loss, Peer};
use crate::sip::flow::{Flow, Transport};
use crate::sip::message::{Host, Name, Uri};
use crate::sip::order::{LegOrder, OutgoingInvite};

const CALLER: LegId = LegId(1);
const FIRST: LegId = LegId(100);
const SECOND: LegId = LegId(101);
const NUMBER: &str = "13900001111";

// === The bench ===

/// The stock of a test: legs from 100, ports from 20000, agents in the order in which they are put in.
#[derive(Default)]
struct Desk {
    legs: u64,
    ports: u16,
    seats: VecDeque<Seat>,
    faults: Vec<Fault>,
}

impl Supplies for Desk {
    fn leg(&mut self) -> LegId {
        self.legs += 1;
        LegId(99 + self.legs)
    }

    fn port(&mut self) -> Option<u16> {
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

    fn trunk_admits(&mut self, _trunk: &TrunkId) -> bool {
        true
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
        next_hops: vec!["203.0.113.1:5060".parse().unwrap(), "203.0.113.2:5060".parse().unwrap()],
        transport: TrunkTransport::Udp,
        profile: ProfileId::from("generic"),
        trust: Trust::Trusted,
        class: PeerClass::Carrier,
        limits: TrunkLimits::default(),
    }
}

fn decision(answering: Answering, plan: Vec<Step>) -> Decision {
    Decision {
        hotline: HotlineId::from("12345"),
        priority: Priority::Normal,
        answering,
        ring_timeout: Duration::from_secs(20),
        plan,
        caller_id: CallerId {
            number: Pii::new(NUMBER),
            display: None,
            presentation: Presentation::Allowed,
            source: caller_id::Source::From,
        },
        why: Vec::new(),
    }
}

fn group() -> Vec<Step> {
    vec![Step::Group(GroupId::from("seats"))]
}

fn outward() -> Vec<Step> {
    vec![Step::Trunk { trunk: TrunkId::from("carrier"), number: "110".into() }]
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
        };
        let arrival = Arrival {
            leg: CALLER,
            peer: Peer::Trunk(TrunkId::from("carrier")),
            signalling: "203.0.113.1".parse().unwrap(),
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

// === The caller is served ===

#[test]
fn the_caller_hears_180_and_the_agent_sees_its_number() {
    let mut bench = Bench::group(&["8001"]);
    let actions = bench.begin();
    assert_eq!(orders(&actions, CALLER), [LegOrder::Progress { code: 180, sdp: None }]);
    let invites = invites(&actions);
    let [invite] = invites.as_slice() else { panic!("one agent is rung, not {}", invites.len()) };
    assert_eq!(invite.leg, FIRST);
    assert_eq!(invite.max_forwards, 69, "I43");
    assert_eq!(invite.from.uri.user().unwrap(), NUMBER.as_bytes());
    let asserted = invite.headers.iter().find(|(name, _)| *name == Name::PAssertedIdentity);
    assert!(asserted.is_some_and(|(_, value)| value.starts_with(b"<sip:13900001111@lianxian.test>")));
}

#[test]
fn a_person_answers_and_both_directions_are_joined_at_once() {
    let mut bench = Bench::group(&["8001"]);
    bench.begin();
    assert!(orders(&bench.leg(FIRST, LegFact::Progress { code: 180, sdp: None }), CALLER).is_empty());
    let actions = bench.leg(FIRST, answered("198.51.100.8", 4_000));
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Accept { .. }]));
    assert_eq!(hears(&actions, CALLER), Some(Source::Leg(FIRST)));
    assert_eq!(hears(&actions, FIRST), Some(Source::Leg(CALLER)));
}

#[test]
fn a_caller_without_an_offer_gets_ours_and_is_joined_by_its_ack() {
    let mut bench = Bench::with(decision(Answering::ByPerson, group()), None, &["8001"]);
    bench.begin();
    let actions = bench.leg(FIRST, answered("198.51.100.8", 4_000));
    let accepted = orders(&actions, CALLER);
    assert!(matches!(accepted.as_slice(), [LegOrder::Accept { sdp }] if sdp.windows(7).any(|text| text == b"m=audio")));
    let acked = bench.leg(CALLER, LegFact::Acked { sdp: Some(sdp("203.0.113.9", 40_000, "sendrecv")) });
    assert!(acked.iter().any(|action| matches!(action, Action::Media(Order::Agree { leg: CALLER, .. }))));
    assert_eq!(hears(&acked, CALLER), Some(Source::Leg(FIRST)));
}

#[test]
fn an_agent_who_lets_it_ring_is_cancelled_and_the_next_one_is_rung() {
    let mut bench = Bench::group(&["8001", "8002"]);
    bench.begin();
    assert!(bench.wait(19).is_empty());
    let actions = bench.wait(1);
    assert!(is_hang_up(&orders(&actions, FIRST)));
    assert_eq!(invites(&actions)[0].leg, SECOND);
    assert!(orders(&actions, CALLER).is_empty());
}

#[test]
fn a_busy_agent_gives_way_to_the_next_one_and_a_round_in_vain_to_another() {
    let mut bench = Bench::group(&["8001", "8002"]);
    bench.begin();
    assert_eq!(invites(&bench.leg(FIRST, failed(486)))[0].leg, SECOND);
    let actions = bench.leg(SECOND, failed(486));
    assert!(invites(&actions).is_empty());
    assert!(notices(&actions).contains(&&What::NobodyFree { round: 1 }));
    assert!(bench.call.waits_for_seat());
    assert_eq!(invites(&bench.wait(3))[0].leg, LegId(102), "the next round begins by itself");
}

#[test]
fn a_free_seat_is_rung_at_once() {
    let mut bench = Bench::group(&[]);
    bench.begin();
    bench.desk.seats.push_back(seat("8001"));
    assert_eq!(invites(&bench.event(Event::SeatFree))[0].leg, FIRST);
}

#[test]
fn congestion_tries_the_next_gateway_and_a_refusal_does_not() {
    let mut bench =
        Bench::with(decision(Answering::ByPerson, outward()), Some(sdp("203.0.113.9", 40_000, "sendrecv")), &[]);
    bench.begin();
    assert_eq!(invites(&bench.leg(FIRST, failed(503)))[0].flow.remote, "203.0.113.2:5060".parse().unwrap());
    let mut bench =
        Bench::with(decision(Answering::ByPerson, outward()), Some(sdp("203.0.113.9", 40_000, "sendrecv")), &[]);
    bench.begin();
    assert!(invites(&bench.leg(FIRST, failed(486))).is_empty(), "the same callee is not rung by another way (T36)");
}

#[test]
fn early_media_of_a_trunk_is_relayed_and_is_never_an_answer() {
    let mut bench =
        Bench::with(decision(Answering::ByPerson, outward()), Some(sdp("203.0.113.9", 40_000, "sendrecv")), &[]);
    bench.begin();
    let early = LegFact::Progress { code: 183, sdp: Some(sdp("203.0.113.7", 5_000, "sendrecv")) };
    let actions = bench.leg(FIRST, early);
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Progress { code: 183, sdp: Some(_) }]));
    assert_eq!(hears(&actions, CALLER), Some(Source::Leg(FIRST)));
    let after = bench.leg(FIRST, failed(503));
    assert_eq!(hears(&after, CALLER), Some(Source::Ringback), "its network plays what we send from now on");
}

#[test]
fn a_queue_that_answers_announces_and_plays_music() {
    let offer = Some(sdp("203.0.113.9", 40_000, "sendrecv"));
    let mut bench = Bench::with(decision(Answering::OnQueue, group()), offer, &[]);
    let actions = bench.begin();
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Accept { .. }]));
    assert_eq!(hears(&actions, CALLER), Some(please_wait()));
    assert_eq!(hears(&bench.sound(CALLER, Fact::PromptEnded), CALLER), Some(music()));
}

// === Promise 1 ===

#[test]
fn i19_the_agents_bye_ends_the_call_while_they_talk_and_while_it_holds() {
    for hold in [false, true] {
        let mut bench = Bench::talking(&["8001"]);
        if hold {
            bench.leg(FIRST, LegFact::Offered { sdp: Some(sdp("198.51.100.8", 4_000, "sendonly")) });
            assert_eq!(bench.call.state_name(), "held");
        }
        let actions = bench.leg(FIRST, LegFact::HungUp { cause: Cause::default() });
        assert!(is_hang_up(&orders(&actions, CALLER)), "T18: a hold does not change the rules of leaving");
        assert_eq!(losses(&actions), 0);
        let record = released(&bench.leg(CALLER, LegFact::Released)).unwrap();
        assert_eq!(record.ending, Some(Ending::ServicePartyHungUp));
        assert!(bench.call.is_over());
    }
}

#[test]
fn i19_a_lost_agent_never_takes_the_caller_with_it() {
    for loss in [Loss::DialogUnknown, Loss::Timeout, Loss::NoAck, Loss::Transport, Loss::SessionExpired] {
        let mut bench = Bench::talking(&["8001", "8002"]);
        let actions = bench.leg(FIRST, LegFact::Lost { loss });
        assert!(orders(&actions, CALLER).is_empty(), "{loss:?}");
        assert_eq!(bench.call.state_name(), "recovering");
        assert_eq!(hears(&actions, CALLER), Some(please_wait()));
        let invites = invites(&actions);
        assert_eq!(invites[0].peer, Peer::Softphone(AgentId::from("8001")), "who had the call is rung first");
        assert_eq!(losses(&actions), 0);
    }
}

#[test]
fn a_kept_caller_is_joined_with_whoever_answers_next() {
    let mut bench = Bench::talking(&["8001", "8002"]);
    bench.leg(FIRST, LegFact::Lost { loss: Loss::Transport });
    let actions = bench.leg(SECOND, failed(480));
    assert_eq!(invites(&actions)[0].leg, LegId(102));
    let actions = bench.leg(LegId(102), answered("198.51.100.8", 4_002));
    assert!(orders(&actions, CALLER).is_empty(), "the caller was answered long ago");
    assert_eq!(hears(&actions, CALLER), Some(Source::Leg(LegId(102))));
    assert_eq!(bench.call.state_name(), "talking");
}

#[test]
fn i18_a_caller_who_cancels_takes_everybody_along() {
    let mut bench = Bench::group(&["8001"]);
    bench.begin();
    let actions = bench.leg(CALLER, LegFact::HungUp { cause: Cause::default() });
    assert!(is_hang_up(&orders(&actions, FIRST)));
    assert!(actions.iter().any(|action| matches!(action, Action::Media(Order::Close { leg: CALLER }))));
    assert!(!bench.call.is_over(), "the agent's CANCEL is not confirmed yet");
    let record = released(&bench.leg(FIRST, LegFact::Released)).unwrap();
    assert_eq!(record.ending, Some(Ending::CallerHungUp));
    assert!(record.legs.iter().all(|leg| leg.ended.is_some()), "I45");
    assert!(bench.call.next_timeout().is_none(), "I9");
}

#[test]
fn i45_every_leg_ends_with_a_cause() {
    let mut bench = Bench::group(&["8001", "8002"]);
    bench.begin();
    bench.leg(FIRST, failed(486));
    bench.leg(SECOND, answered("198.51.100.8", 4_000));
    bench.leg(SECOND, LegFact::HungUp { cause: Cause { sip: None, q850: Some(31) } });
    let record = released(&bench.leg(CALLER, LegFact::Released)).unwrap();
    let ends: Vec<LegEnd> = record.legs.into_iter().filter_map(|leg| leg.ended.map(|(_, end)| end)).collect();
    assert_eq!(
        ends,
        [
            LegEnd::Released(Cause { sip: None, q850: Some(16) }),
            LegEnd::Failed(Cause { sip: Some(486), q850: None }),
            LegEnd::HungUp(Cause { sip: None, q850: Some(31) }),
        ]
    );
}

#[test]
fn caller_lost_is_counted_when_the_rule_is_broken_on_purpose() {
    let mut bench = Bench::talking(&["8001"]);
    bench.desk.faults.push(Fault::HangUpCallerOnLoss);
    let actions = bench.leg(FIRST, LegFact::Lost { loss: Loss::Timeout });
    assert_eq!(losses(&actions), 1);
    let record = released(&bench.leg(CALLER, LegFact::Released)).unwrap();
    assert_eq!(record.caller_lost, Some(CallerLoss::HungUpByUs));
    assert_eq!(record.ending, Some(Ending::CallerLost));
}

#[test]
fn caller_lost_is_counted_when_it_hears_nothing_for_2_s() {
    let mut bench = Bench::talking(&["8001"]);
    bench.desk.faults.push(Fault::ForgetComfort);
    assert_eq!(losses(&bench.leg(FIRST, LegFact::Lost { loss: Loss::Timeout })), 0);
    assert_eq!(losses(&bench.wait(1)), 0);
    let actions = bench.wait(1);
    assert!(notices(&actions).contains(&&What::CallerLost(CallerLoss::DeadAir)));
    assert_eq!(losses(&bench.wait(10)), 0, "once");
}

#[test]
fn f10_silence_is_an_alarm_and_a_question_and_never_an_ending() {
    let mut bench = Bench::talking(&["8001"]);
    let actions = bench.sound(FIRST, Fact::Silent { for_ms: 5_000, ever_heard: false });
    assert!(notices(&actions).contains(&&What::Silent { leg: FIRST, ever_heard: false }));
    assert!(bench.wait(54).is_empty());
    let actions = bench.wait(1);
    assert!(matches!(orders(&actions, FIRST).as_slice(), [LegOrder::Offer { .. }]), "is it still there?");
    assert_eq!(bench.call.state_name(), "talking");
    bench.sound(FIRST, Fact::Resumed);
    assert!(bench.call.next_timeout().is_none());
}

// === Hold, offers, keys ===

#[test]
fn an_agents_hold_in_any_form_is_our_music_and_no_message_to_the_caller() {
    for held in [
        sdp("198.51.100.8", 4_000, "sendonly"),
        sdp("198.51.100.8", 4_000, "inactive"),
        sdp("0.0.0.0", 4_000, "sendrecv"),
        sdp("198.51.100.8", 0, "sendrecv"),
    ] {
        let mut bench = Bench::talking(&["8001"]);
        let actions = bench.leg(FIRST, LegFact::Offered { sdp: Some(held.clone()) });
        assert!(matches!(orders(&actions, FIRST).as_slice(), [LegOrder::Answer { .. }]), "{held:?}");
        assert!(orders(&actions, CALLER).is_empty(), "{held:?}");
        assert_eq!(hears(&actions, CALLER), Some(music()), "{held:?}");
        assert_eq!(bench.call.state_name(), "held");
        let actions = bench.leg(FIRST, LegFact::Offered { sdp: Some(sdp("198.51.100.8", 4_000, "sendrecv")) });
        assert_eq!(hears(&actions, CALLER), Some(Source::Leg(FIRST)), "{held:?}");
        assert_eq!(bench.call.state_name(), "talking");
    }
}

#[test]
fn a_reinvite_without_sdp_gets_our_offer_and_its_ack_concludes_it() {
    let mut bench = Bench::talking(&["8001"]);
    let actions = bench.leg(CALLER, LegFact::Offered { sdp: None });
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Answer { .. }]));
    let actions = bench.leg(CALLER, LegFact::Acked { sdp: Some(sdp("203.0.113.10", 40_002, "sendrecv")) });
    let moved = |action: &Action| match action {
        Action::Media(Order::Agree { leg: CALLER, session }) => session.send_to == "203.0.113.10:40002".parse().ok(),
        _ => false,
    };
    assert!(actions.iter().any(moved));
}

#[test]
fn v25_an_offer_that_points_where_it_must_not_is_refused() {
    for (address, port, code) in [
        ("203.0.113.9", 40_000, None),
        ("127.0.0.1", 40_000, Some(488)),
        ("198.51.100.8", 40_000, Some(488)),
        ("224.0.0.5", 40_000, Some(488)),
        ("255.255.255.255", 40_000, Some(488)),
        ("192.0.2.1", 20_010, Some(488)),
        ("0.0.0.0", 40_000, None),
    ] {
        let offer = Some(sdp(address, port, "sendrecv"));
        let mut bench = Bench::with(decision(Answering::ByPerson, group()), offer, &["8001"]);
        let actions = bench.begin();
        let rejected = orders(&actions, CALLER).into_iter().find_map(|order| match order {
            LegOrder::Reject { code, .. } => Some(code),
            _ => None,
        });
        assert_eq!(rejected, code, "{address}:{port}");
        assert_eq!(losses(&actions), 0);
    }
}

#[test]
fn v25_a_reinvite_that_points_where_it_must_not_leaves_the_session_as_it_was() {
    let mut bench = Bench::talking(&["8001"]);
    let actions = bench.leg(CALLER, LegFact::Offered { sdp: Some(sdp("198.51.100.99", 40_000, "sendrecv")) });
    assert_eq!(orders(&actions, CALLER), [LegOrder::RejectOffer { code: 488 }]);
    assert!(!actions.iter().any(|action| matches!(action, Action::Media(_))));
}

#[test]
fn i44_a_key_passes_once_in_the_form_that_the_other_side_has() {
    let key = Fact::Key { digit: '5', duration_ms: 100 };
    let info = LegFact::Digit { digit: '5', duration: Duration::from_millis(100) };
    // Both have telephone-events: the media plane has relayed it.
    let mut bench = Bench::talking(&["8001"]);
    assert!(orders(&bench.sound(CALLER, key.clone()), FIRST).is_empty());
    let generated = |action: &Action| matches!(action, Action::Media(Order::Key { leg: FIRST, digit: '5', .. }));
    assert_eq!(bench.leg(CALLER, info.clone()).iter().filter(|action| generated(action)).count(), 1);
    // The agent has none: INFO.
    let mut bench = Bench::group(&["8001"]);
    bench.begin();
    bench.leg(FIRST, LegFact::Answered { sdp: Some(plain_sdp("198.51.100.8", 4_000)) });
    let by_info = [LegOrder::Digit { digit: '5', duration_ms: 100 }];
    assert_eq!(orders(&bench.sound(CALLER, key), FIRST), by_info);
    assert_eq!(orders(&bench.leg(CALLER, info), FIRST), by_info);
}

// === Quarantine ===

fn quarantine(bench: &mut Bench) -> Vec<Action> {
    let mut out = Actions::default();
    bench.call.quarantine(bench.now, &bench.site, &mut bench.desk, &mut out);
    assert_eq!(bench.call.state_name(), "quarantined");
    out.into_iter().collect()
}

#[test]
fn f5_a_quarantined_pair_stays_joined_and_serves_bye_and_reinvite() {
    let mut bench = Bench::talking(&["8001"]);
    let actions = quarantine(&mut bench);
    assert!(!actions.iter().any(|action| matches!(action, Action::Leg { .. } | Action::Media(_))));
    let offer = LegFact::Offered { sdp: Some(sdp("203.0.113.9", 40_004, "sendrecv")) };
    assert!(matches!(orders(&bench.leg(CALLER, offer), CALLER).as_slice(), [LegOrder::Answer { .. }]));
    let actions = bench.leg(FIRST, LegFact::HungUp { cause: Cause::default() });
    assert!(is_hang_up(&orders(&actions, CALLER)));
    assert_eq!(losses(&actions), 0);
}

#[test]
fn f5_a_quarantined_caller_is_still_kept_when_the_party_is_lost() {
    let mut bench = Bench::talking(&["8001", "8002"]);
    quarantine(&mut bench);
    let actions = bench.leg(FIRST, LegFact::Lost { loss: Loss::Transport });
    assert!(orders(&actions, CALLER).is_empty());
    assert_eq!(bench.call.state_name(), "recovering");
}

#[test]
fn f5_a_caller_whom_nobody_had_answered_gets_a_second_chance() {
    let mut bench = Bench::group(&["8001"]);
    bench.begin();
    let actions = quarantine(&mut bench);
    assert!(is_hang_up(&orders(&actions, FIRST)));
    assert!(orders(&actions, CALLER).is_empty());
    let actions = bench.wait(2);
    assert_eq!(invites(&actions).len(), 1);
    assert_eq!(bench.call.state_name(), "ringing");
}

#[test]
fn timers_fire_only_for_what_still_is() {
    let mut bench = Bench::talking(&["8001"]);
    for timer in [Timer::RingTimeout, Timer::NextRound, Timer::SecondChance] {
        let actions = bench.event(Event::Timer(timer));
        assert!(matches!(notices(&actions).as_slice(), [What::Ignored { .. }]), "{timer:?}");
        assert_eq!(bench.call.state_name(), "talking");
    }
}
