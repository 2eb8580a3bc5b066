//! A gateway that says nothing costs 2 s and no more; of two that answer the first has the call (F7).

use std::time::Duration;

use lianxian::routing::gateway::Gateway;
use lianxian::switch::Settings;

use crate::world::phone::{Ending, Line, OnInvite, Phase};
use crate::world::{World, town};

/// The town with two gateways to the police. They are asked every `interval`.
pub(super) fn two_gateways(interval: Duration) -> Settings {
    let mut settings = town::settings();
    for trunk in settings.routing.trunks.iter_mut().filter(|trunk| trunk.id.as_str() == "police") {
        trunk.gateways = Gateway::in_order([town::target(0), town::target(1)]);
        trunk.probe_interval = interval;
    }
    settings
}

/// A world with two gateways to the police, both well, and an agent at the duty desk.
pub(super) fn world(seed: u64, interval: Duration) -> (World, [usize; 2], usize) {
    let mut w = World::new(seed);
    let gateways = [0, 1].map(|index| w.add("110", town::target(index), Line::Udp));
    let duty = w.agent("9001");
    w.reload(two_gateways(interval));
    (w, gateways, duty)
}

/// Nobody is asked any more, so that everything comes to rest.
pub(super) fn settle(w: &mut World) {
    w.reload(two_gateways(Duration::ZERO));
    w.settle();
}

#[test]
fn the_next_gateway_is_called_after_2_s_and_takes_the_call() {
    for seed in 100..110 {
        let (mut w, [silent, next], _) = world(seed, Duration::ZERO);
        w.dies(silent);
        let caller = w.citizen("13900001111");
        let called = w.now;
        w.calls(caller, "110");
        let arrived = w.run_until(Duration::from_secs(5), |w| w.phones[next].got("INVITE") > 0);
        w.must(arrived, "the next gateway is called");
        let waited = w.now - called;
        assert!((2_000..2_300).contains(&waited.as_millis()), "{waited:?}");
        w.until_talking(caller, next);
        w.hangs_up(caller);
        settle(&mut w);
    }
}

#[test]
fn the_abandoned_gateway_is_cancelled_at_its_first_word() {
    let (mut w, [slow, next], _) = world(111, Duration::ZERO);
    w.dies(slow);
    w.on_invite(next, OnInvite::Answer { after: Duration::from_secs(8) });
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.run(Duration::from_millis(2_500));
    assert_eq!(w.phones[next].got("INVITE"), 1);
    // It hears the next repetition of its INVITE, 3.5 s after the first.
    w.phones[slow].set_health(crate::world::phone::Health::Well);
    w.on_invite(slow, OnInvite::RingOut);
    w.run(Duration::from_millis(1_500));
    assert_eq!(w.phones[slow].got("CANCEL"), 1);
    assert_eq!(w.phase(slow), Some(Phase::Over(Ending::TheirCancel)));
    w.until_talking(caller, next);
    w.hangs_up(caller);
    settle(&mut w);
}

#[test]
fn a_late_200_of_the_abandoned_gateway_is_acknowledged_and_ended() {
    let (mut w, [slow, next], _) = world(112, Duration::ZERO);
    w.on_invite(slow, OnInvite::Mute { after: Duration::from_secs(4) });
    w.on_invite(next, OnInvite::Answer { after: Duration::from_secs(1) });
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.until_talking(caller, next);
    w.run(Duration::from_secs(3));
    assert_eq!((w.phones[slow].got("ACK"), w.phones[slow].got("BYE")), (1, 1), "{}", w.story());
    assert!(w.talking(caller, next));
    w.hangs_up(caller);
    settle(&mut w);
}

#[test]
fn an_answer_of_the_abandoned_gateway_that_comes_first_has_the_call() {
    let (mut w, [slow, next], _) = world(113, Duration::ZERO);
    w.on_invite(slow, OnInvite::Mute { after: Duration::from_millis(2_600) });
    w.on_invite(next, OnInvite::RingOut);
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.until_talking(caller, slow);
    w.run(Duration::from_secs(1));
    assert_eq!(w.phones[next].got("CANCEL"), 1);
    w.hangs_up(caller);
    settle(&mut w);
}

#[test]
fn when_both_gateways_are_dead_the_duty_desk_has_the_emergency_call_in_5_s() {
    let (mut w, gateways, duty) = world(114, Duration::ZERO);
    gateways.into_iter().for_each(|gateway| w.dies(gateway));
    let caller = w.citizen("13900001111");
    let called = w.now;
    w.calls(caller, "110");
    let rung = w.run_until(Duration::from_secs(6), |w| w.phones[duty].got("INVITE") > 0);
    w.must(rung, "the duty desk is rung");
    assert!(w.now - called < Duration::from_secs(5), "{:?}", w.now - called);
    w.until_talking(caller, duty);
    w.hangs_up(caller);
    settle(&mut w);
}
