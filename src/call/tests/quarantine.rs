//! What is left of a call whose handler panicked (F5).

use super::*;

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
    let of_hunt = |wait| Timer::Hunt { hunt: HuntId(1), wait };
    for timer in [of_hunt(Wait::RingTimeout), of_hunt(Wait::NextRound), Timer::SecondChance] {
        let actions = bench.event(Event::Timer(timer));
        assert!(matches!(notices(&actions).as_slice(), [What::Ignored { .. }]), "{timer:?}");
        assert_eq!(bench.call.state_name(), "talking");
    }
}

#[test]
fn a_quarantined_callers_announcement_ends_in_music() {
    let offer = Some(sdp("203.0.113.9", 40_000, "sendrecv"));
    let mut bench = Bench::with(decision(Answering::OnQueue, group()), offer, &[]);
    bench.begin();
    quarantine(&mut bench);
    assert_eq!(hears(&bench.sound(CALLER, Fact::PromptEnded), CALLER), Some(music()));
}

#[test]
fn the_death_of_a_quarantined_party_is_noticed() {
    let mut bench = Bench::talking(&["8001", "8002"]);
    quarantine(&mut bench);
    let actions = bench.sound(FIRST, Fact::Silent { for_ms: 5_000, ever_heard: true });
    assert!(matches!(orders(&actions, FIRST).as_slice(), [LegOrder::Offer { .. }]));
    assert_eq!(hears(&actions, CALLER), Some(music()));
}

#[test]
fn an_invite_that_panics_each_time_is_refused_in_the_end() {
    let mut bench = Bench::group(&["8001"]);
    for _ in 0..3 {
        assert!(orders(&quarantine(&mut bench), CALLER).is_empty());
    }
    let mut out = Actions::default();
    bench.call.quarantine(bench.now, &bench.site, &mut bench.desk, &mut out);
    let actions: Vec<Action> = out.into_iter().collect();
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Reject { code: 503, .. }]));
}
