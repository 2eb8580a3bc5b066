//! Emergency first: a flood of ordinary calls takes everything but the reserve, and 110 passes (I39, V11).

use std::time::Duration;

use lianxian::switch::Settings;

use crate::world::phone::{Ending, OnInvite, Phase};
use crate::world::{World, town};

fn with(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = town::settings();
    change(&mut settings);
    settings
}

/// Ordinary callers wait, one after the other, until the limit says 503; then an emergency calls.
fn emergency_passes(seed: u64, settings: Settings, ordinary: usize) {
    let mut w = World::new(seed);
    w.refusals_expected = true;
    w.reload(settings);
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: Duration::from_millis(500) });
    let urgent = w.citizen("13988889999");
    let callers: Vec<usize> = (0..ordinary).map(|index| w.citizen(&format!("1390000{index:04}"))).collect();
    for caller in &callers {
        w.calls(*caller, "12345");
        w.run(Duration::from_millis(20));
    }
    w.run(Duration::from_secs(2));
    let refused = callers.iter().filter(|caller| w.phase(**caller) == Some(Phase::Over(Ending::Refused(503)))).count();
    assert!(refused > 0 && refused < ordinary, "the limit bites: {refused} of {ordinary} are refused");
    w.calls(urgent, "110");
    w.until_talking(urgent, seat);
    for caller in callers {
        w.hangs_up(caller);
    }
    w.hangs_up(urgent);
    w.reload(town::settings());
    w.settle();
}

#[test]
fn calls_at_a_time() {
    emergency_passes(160, with(|settings| (settings.limits.calls, settings.limits.emergency_reserve) = (8, 2)), 12);
}

#[test]
fn channels_of_a_trunk() {
    let settings = with(|settings| {
        for trunk in settings.routing.trunks.iter_mut().filter(|trunk| trunk.id.as_str() == "city") {
            (trunk.limits.calls, trunk.limits.emergency_reserve) = (8, 2);
        }
    });
    emergency_passes(161, settings, 12);
}

#[test]
fn new_calls_a_second_of_a_trunk() {
    let settings = with(|settings| {
        for trunk in settings.sip.trunks.iter_mut().filter(|trunk| trunk.id.as_str() == "city") {
            (trunk.invites_per_second, trunk.invite_burst) = (1, 10);
        }
    });
    emergency_passes(162, settings, 30);
}

#[test]
fn media_ports() {
    // Two hundred pairs in the town; a waiting caller has one.
    let settings = with(|settings| settings.limits.emergency_reserve = 10);
    emergency_passes(163, settings, 200);
}

#[test]
fn a_trusted_trunks_resource_priority_counts_like_an_emergency_number() {
    let mut w = World::new(164);
    w.refusals_expected = true;
    let mut settings = with(|settings| (settings.limits.calls, settings.limits.emergency_reserve) = (3, 2));
    settings.sip.urgent.resource_priority.insert("city".into(), "esnet.0".to_owned());
    w.reload(settings);
    let clerk = w.agent("8001");
    let callers = [w.citizen("13900001111"), w.citizen("13900002222"), w.citizen("13900003333")];
    w.calls(callers[0], "12345");
    w.until_talking(callers[0], clerk);
    w.calls(callers[1], "12345");
    w.run(Duration::from_secs(1));
    assert_eq!(w.phase(callers[1]), Some(Phase::Over(Ending::Refused(503))));
    w.with(callers[2], |phone, now| {
        phone.call_with(now, "12345", &[("Resource-Priority", "esnet.0".to_owned())]);
    });
    w.hangs_up(callers[0]);
    w.until_talking(callers[2], clerk);
    w.hangs_up(callers[2]);
    w.reload(town::settings());
    w.settle();
}
