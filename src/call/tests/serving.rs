//! The caller is served: 180, the plan, the answer.

use super::*;

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
    assert!(bench.call.waits_for().is_some());
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
    assert!(orders(&bench.leg(FIRST, early), CALLER).is_empty(), "many a 183 has no sound behind it");
    let actions = bench.sound(FIRST, Fact::FirstPacket);
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Progress { code: 183, sdp: Some(_) }]));
    assert_eq!(hears(&actions, CALLER), Some(Source::Early(FIRST)));
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

/// F38: where nobody can be reached the caller is told so in the hotline's own words, and then hears music.
#[test]
fn f38_a_hotline_has_an_announcement_of_its_own() {
    let offer = Some(sdp("203.0.113.9", 40_000, "sendrecv"));
    let own = Decision { announcement: Some("all_lines_down".to_owned()), ..decision(Answering::OnQueue, group()) };
    let mut bench = Bench::with(own, offer, &[]);
    let actions = bench.begin();
    let own = Source::Prompt { name: "all_lines_down".to_owned(), repeat: false };
    assert_eq!(hears(&actions, CALLER), Some(own));
    assert_eq!(hears(&bench.wait(3), CALLER), None, "it is not cut short");
    assert_eq!(hears(&bench.sound(CALLER, Fact::PromptEnded), CALLER), Some(music()));
}

#[test]
fn a_service_that_is_the_whole_plan_and_rings_is_left_ringing() {
    let offer = || Some(sdp("203.0.113.9", 40_000, "sendrecv"));
    let mut bench = Bench::with(decision(Answering::ByPerson, outward()), offer(), &[]);
    bench.begin();
    bench.leg(FIRST, LegFact::Progress { code: 180, sdp: None });
    assert!(orders(&bench.wait(20), FIRST).is_empty(), "its queue is not left");
    assert!(bench.call.next_timeout().is_some(), "always with a running deadline");
    let mut bench = Bench::with(decision(Answering::ByPerson, outward()), offer(), &[]);
    bench.begin();
    bench.leg(FIRST, LegFact::Trying);
    assert!(is_hang_up(&orders(&bench.wait(20), FIRST)), "who does not even ring is given up");
}
