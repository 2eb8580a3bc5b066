//! The transferor's goodbye, in every order: before, while and after the target answers, or never; and whatever its
//! telephone says to our reports. The caller reaches the target all the same, and is never alone.

use std::time::Duration;

use super::Town;
use crate::wire::desk::{Goodbye, OnNotify};
use crate::wire::loopback::Loopback;
use crate::wire::sound::{AGENT_HZ, CITIZEN_HZ, THIRD_HZ};

#[test]
fn a_bye_at_once_after_the_202() {
    leaves("goodbye-0", Duration::ZERO);
}

#[test]
fn a_bye_50_ms_after_the_202() {
    leaves("goodbye-50", Duration::from_millis(50));
}

#[test]
fn a_bye_280_ms_after_the_202() {
    leaves("goodbye-280", Duration::from_millis(280));
}

/// The target has answered by then, and the last NOTIFY is not out yet.
#[test]
fn a_bye_a_second_after_the_202() {
    leaves("goodbye-1000", Duration::from_secs(1));
}

/// The telephone hangs up by itself; the target rings for 300 ms.
fn leaves(name: &str, after: Duration) {
    let net = Loopback::new(name);
    let mut town = Town::new(&net, 1, OnNotify::Takes, Goodbye::After(after));
    let mut seat = town.seat(0, "desk_answers").start(&net);
    let citizen = town.citizen_talks(&net, Duration::from_millis(4_500));
    town.desk.refers_to("110");
    town.seat.speak_to(seat.media());
    town.desk.waits_for("200 BYE");
    citizen.passes();
    seat.passes();
    assert_eq!(town.desk.when("BYE"), None, "our BYE crossed into a dialog that was over");
    // The agent, ringback, the target: something all the time.
    let heard = town.citizen.finish();
    heard.must_hear(THIRD_HZ, Duration::from_millis(1_500));
    heard.must_never_be_silent();
    town.seat.finish().must_hear(CITIZEN_HZ, Duration::from_millis(1_500));
    town.daemon.ends_clean();
}

#[test]
fn a_telephone_that_never_says_bye_is_told_and_then_hung_up() {
    let (desk, told) = stays("goodbye-never", OnNotify::Takes, Duration::from_millis(4_500));
    let position = |what: &str| desk.iter().position(|word| word == what).unwrap_or_else(|| panic!("{what}: {desk:?}"));
    // Trap rule 3: 202, NOTIFY 100, .., the last NOTIFY, BYE.
    let first = desk.iter().position(|word| word.starts_with("NOTIFY")).expect("a first NOTIFY");
    assert_eq!(desk[first], "NOTIFY 100 active", "{desk:?}");
    assert!(position("202 REFER") < first, "{desk:?}");
    assert!(position("NOTIFY 200 terminated") < position("BYE"), "{desk:?}");
    assert!(told < Duration::from_secs(1), "our BYE came {told:?} after the last NOTIFY was answered");
}

#[test]
fn a_telephone_that_has_forgotten_its_transfer_is_hung_up_all_the_same() {
    let (desk, _) = stays("goodbye-481", OnNotify::Forgets, Duration::from_millis(6_500));
    assert!(desk.contains(&"BYE".to_owned()), "{desk:?}");
}

#[test]
fn a_telephone_that_answers_no_notify_is_hung_up_after_4_seconds() {
    let (_, told) = stays("goodbye-deaf", OnNotify::Ignores, Duration::from_millis(9_500));
    // Four seconds in all: the last report waits a second for the answer to the one before.
    assert!(told > Duration::from_millis(2_500) && told < Duration::from_secs(6), "hung up after {told:?}");
}

/// What the desk saw, and how long after the last NOTIFY our BYE came.
fn stays(name: &str, on_notify: OnNotify, talk: Duration) -> (Vec<String>, Duration) {
    let net = Loopback::new(name);
    let mut town = Town::new(&net, 1, on_notify, Goodbye::Never);
    let mut seat = town.seat(0, "desk_answers").start(&net);
    let citizen = town.citizen_talks(&net, talk);
    town.desk.refers_to("110");
    town.seat.speak_to(seat.media());
    let released = town.desk.waits_for("BYE");
    let told = town.desk.when("NOTIFY 200 terminated").map_or(Duration::ZERO, |at| released - at);
    citizen.passes();
    seat.passes();
    let heard = town.citizen.finish();
    heard.must_switch(AGENT_HZ, THIRD_HZ);
    heard.must_never_be_silent();
    town.seat.finish().must_hear(CITIZEN_HZ, Duration::from_millis(1_500));
    town.daemon.ends_clean();
    (town.desk.words(), told)
}
