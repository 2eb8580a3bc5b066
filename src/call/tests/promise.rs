//! Promise 1: the caller is never lost.

use super::*;

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
    let asked = |actions: &[Action], leg| matches!(orders(actions, leg).as_slice(), [LegOrder::Offer { .. }]);
    assert!(asked(&actions, FIRST), "is it still there?");
    assert_eq!(hears(&actions, CALLER), Some(music()), "no dead air meanwhile");
    assert!(bench.wait(54).is_empty());
    assert!(asked(&bench.wait(1), FIRST));
    assert_eq!(bench.call.state_name(), "talking");
    let actions = bench.sound(FIRST, Fact::Resumed);
    assert_eq!(hears(&actions, CALLER), Some(Source::Leg(FIRST)));
    assert!(bench.call.next_timeout().is_none());
    // A caller may have its reasons to be silent: the agent hears the silence, and nobody asks before 60 s.
    let actions = bench.sound(CALLER, Fact::Silent { for_ms: 5_000, ever_heard: true });
    assert!(orders(&actions, CALLER).is_empty() && hears(&actions, FIRST).is_none());
    assert!(asked(&bench.wait(55), CALLER));
}

/// Its reports are a second witness: nobody who gives them is asked, let alone lost, and its caller hears a quiet line.
#[test]
fn f10_who_pauses_and_reports_is_there() {
    let mut bench = Bench::talking(&["8001"]);
    let asked = |actions: &[Action], leg| matches!(orders(actions, leg).as_slice(), [LegOrder::Offer { .. }]);
    let actions = bench.sound(FIRST, Fact::Paused { ever_heard: true });
    assert!(notices(&actions).contains(&&What::Silent { leg: FIRST, ever_heard: true }));
    assert!(orders(&actions, FIRST).is_empty() && hears(&actions, CALLER).is_none());
    let actions = bench.wait(55);
    assert!(notices(&actions).contains(&&What::SilentTooLong { leg: FIRST }));
    assert!(!asked(&actions, FIRST) && losses(&actions) == 0);
    // The reports end: now it is asked, and at the next minute again.
    let actions = bench.sound(FIRST, Fact::Silent { for_ms: 70_000, ever_heard: true });
    assert!(asked(&actions, FIRST) && hears(&actions, CALLER) == Some(music()));
    assert!(asked(&bench.wait(60), FIRST));
    let actions = bench.sound(FIRST, Fact::Paused { ever_heard: true });
    assert_eq!(hears(&actions, CALLER), Some(Source::Leg(FIRST)), "it reports again");
    assert!(!asked(&bench.wait(60), FIRST));
    assert_eq!(bench.call.state_name(), "talking");
}

#[test]
fn who_holds_is_asked_now_and_then_whether_it_is_still_there() {
    let mut bench = Bench::talking(&["8001"]);
    bench.leg(FIRST, LegFact::Offered { sdp: Some(sdp("198.51.100.8", 4_000, "inactive")) });
    let actions = bench.wait(60);
    let asked = orders(&actions, FIRST);
    let [LegOrder::Offer { sdp }] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(sdp.windows(10).any(|line| line == b"a=inactive"), "the hold is not lifted by the question");
    assert!(!notices(&actions).iter().any(|what| matches!(what, What::SilentTooLong { .. })));
    assert_eq!(bench.call.state_name(), "held");
}

#[test]
fn early_media_that_falls_silent_gives_way_to_ringback() {
    let offer = Some(sdp("203.0.113.9", 40_000, "sendrecv"));
    let mut bench = Bench::with(decision(Answering::OnQueue, outward()), offer, &[]);
    bench.begin();
    bench.leg(FIRST, LegFact::Progress { code: 183, sdp: Some(sdp("203.0.113.7", 5_000, "sendrecv")) });
    assert_eq!(hears(&bench.sound(FIRST, Fact::FirstPacket), CALLER), Some(Source::Early(FIRST)));
    let silent = Fact::Silent { for_ms: 5_000, ever_heard: true };
    assert_eq!(hears(&bench.sound(FIRST, silent), CALLER), Some(Source::Ringback));
    assert_eq!(hears(&bench.sound(FIRST, Fact::Resumed), CALLER), Some(Source::Early(FIRST)));
}

#[test]
fn a_port_that_cannot_be_bound_is_exchanged_for_another() {
    let mut bench = Bench::group(&["8001"]);
    bench.begin();
    let actions = bench.sound(CALLER, Fact::OpenFailed);
    assert!(actions.iter().any(|action| matches!(action, Action::Media(Order::Open { leg: CALLER, .. }))));
    assert_eq!(losses(&actions), 0);
    let accepted = orders(&bench.leg(FIRST, answered("198.51.100.8", 4_000)), CALLER);
    let port = bench.call.legs.get(CALLER).and_then(crate::call::leg::Leg::port).unwrap();
    let line = format!("m=audio {port} ");
    let said = |sdp: &Bytes| String::from_utf8_lossy(sdp).contains(&line);
    assert!(matches!(accepted.as_slice(), [LegOrder::Accept { sdp }] if said(sdp)), "{accepted:?}");
    // The party's: it is let go, and the caller is kept.
    let actions = bench.sound(FIRST, Fact::OpenFailed);
    assert!(is_hang_up(&orders(&actions, FIRST)));
    assert_eq!(bench.call.state_name(), "recovering");
}

#[test]
fn three_more_ports_are_tried_and_then_the_loss_is_counted() {
    let mut bench = Bench::group(&[]);
    bench.begin();
    let lost: usize = (0..4).map(|_| losses(&bench.sound(CALLER, Fact::OpenFailed))).sum();
    assert_eq!(lost, 1);
}
