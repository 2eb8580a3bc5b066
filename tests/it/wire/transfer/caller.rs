//! The caller hangs up in the middle of a transfer: everybody is let go (F33, I18).

use std::time::Duration;

use super::Town;
use crate::wire::desk::{Goodbye, OnNotify};
use crate::wire::loopback::Loopback;

#[test]
fn a_caller_who_hangs_up_while_the_target_rings_takes_everybody_along() {
    let net = Loopback::new("caller-leaves");
    let mut town = Town::new(&net, 1, OnNotify::Takes, Goodbye::Never);
    let mut seat = town.seat(0, "seat_rings").start(&net);
    let citizen = town.citizen_talks(&net, Duration::from_millis(2_500));
    town.desk.refers_to("110");
    citizen.passes();
    seat.says("cancelled");
    seat.passes();
    town.desk.waits_for("BYE");
    let words = town.desk.words();
    assert!(!words.iter().any(|word| word.starts_with("NOTIFY 2")), "nobody took the call: {words:?}");
    town.daemon.ends_clean();
}

/// Trap T13: the second press while the first one is under way is put off, and changes nothing.
#[test]
fn a_second_press_is_put_off() {
    let net = Loopback::new("pressed-twice");
    let mut town = Town::new(&net, 1, OnNotify::Takes, Goodbye::Never);
    let seat = town.seat(0, "seat_rings").start(&net);
    let citizen = town.citizen_talks(&net, Duration::from_millis(2_500));
    town.desk.refers_to("110");
    town.desk.waits_for("NOTIFY 180 active");
    town.desk.refers_to("110");
    town.desk.waits_for("491 REFER");
    citizen.passes();
    seat.passes();
    town.desk.waits_for("BYE");
    town.daemon.ends_clean();
}

/// The agent has gone, and nobody takes the call: the caller is given back, here to the same desk.
#[test]
fn a_caller_whom_nobody_takes_and_whose_agent_has_gone_comes_back_to_the_desk() {
    let net = Loopback::new("caller-given-back");
    let mut town = Town::new(&net, 1, OnNotify::Takes, Goodbye::After(Duration::ZERO));
    let seat = town.seat(0, "seat_rings").start(&net);
    let mut citizen = town.citizen_talks(&net, Duration::from_secs(13));
    town.desk.refers_to("110");
    town.desk.waits_for("200 BYE");
    seat.passes();
    // The desk rings anew: a second INVITE of the same PBX.
    super::super::loopback::wait_for("the desk to be rung again", Duration::from_secs(10), || {
        let invites = town.desk.words().into_iter().filter(|word| word == "INVITE").count();
        (invites == 2).then_some(())
    });
    assert!(citizen.runs(), "the caller was lost");
    citizen.passes();
    town.daemon.ends_clean();
}
