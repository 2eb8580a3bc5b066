//! A caller who waits is served by the plan as it is now, not as it was when the wait began.

use std::time::Duration;

use lianxian::routing::config::{Class, Step};
use lianxian::switch::Settings;

use crate::world::phone::OnInvite;
use crate::world::{World, town};

/// The town, with a last target for 12319.
fn with_a_duty_line() -> Settings {
    let mut settings = town::settings();
    let hotline = settings.routing.hotlines.iter_mut().find(|row| row.number.as_str() == "12319").unwrap();
    hotline.plan.push(Step::Trunk { trunk: "police".into(), number: "12319".to_owned(), class: Class::DutyDesk });
    settings
}

#[test]
fn a_target_that_a_reload_brings_takes_a_caller_who_waited_before() {
    let mut w = World::new(980);
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: Duration::from_millis(500) });
    let caller = w.citizen("13900001111");
    w.calls(caller, "12319");
    w.run(Duration::from_secs(10));
    assert!(w.hears_machine(caller), "nobody is there, and the caller waits with music");
    w.reload(with_a_duty_line());
    w.until_talking(caller, seat);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_hotline_that_a_reload_takes_away_leaves_who_waits_to_those_it_had() {
    let mut w = World::new(981);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12319");
    w.run(Duration::from_secs(10));
    let mut settings = town::settings();
    settings.routing.hotlines.retain(|row| row.number.as_str() != "12319");
    w.reload(settings);
    w.run(Duration::from_secs(10));
    assert!(w.hears_machine(caller));
    let clerk = w.agent("8001");
    w.until_talking(caller, clerk);
    w.hangs_up(caller);
    w.settle();
}
