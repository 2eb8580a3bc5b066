//! How the target answers: each way of not taking a call leaves caller and agent as they were, with the true code for the
//! agent (trap T41), and the next seat takes it if there is one.

use std::net::UdpSocket;
use std::time::Duration;

use super::Town;
use crate::wire::desk::{Goodbye, OnNotify, response};
use crate::wire::loopback::Loopback;
use crate::wire::sipp::SippSetup;
use crate::wire::sound::{AGENT_HZ, CITIZEN_HZ, THIRD_HZ};

#[test]
fn a_busy_target_is_told_as_486() {
    refused("target-486", 486);
}

#[test]
fn an_absent_target_is_told_as_480() {
    refused("target-480", 480);
}

#[test]
fn a_congested_gateway_is_told_as_503() {
    refused("target-503", 503);
}

#[test]
fn a_declining_target_is_told_as_603() {
    refused("target-603", 603);
}

#[test]
fn a_target_that_times_out_behind_its_gateway_is_told_as_408() {
    refused("target-408", 408);
}

fn refused(name: &str, code: u16) {
    let net = Loopback::new(name);
    let mut town = Town::new(&net, 1, OnNotify::Takes, Goodbye::Never);
    let seat = SippSetup { code, ..town.seat(0, "seat_refuses") }.start(&net);
    let citizen = town.citizen_talks(&net, Duration::from_millis(3_500));
    town.desk.refers_to("110");
    seat.passes();
    town.stays_with_the_desk(citizen, code..=code);
}

#[test]
fn after_a_busy_seat_the_next_one_takes_the_call() {
    let net = Loopback::new("target-next");
    let mut town = Town::new(&net, 2, OnNotify::Takes, Goodbye::Never);
    let busy = town.seat(0, "seat_refuses").start(&net);
    let mut seat = town.seat(1, "desk_answers").start(&net);
    let citizen = town.citizen_talks(&net, Duration::from_millis(5_500));
    town.desk.refers_to("110");
    busy.passes();
    town.seat.speak_to(seat.media());
    town.desk.waits_for("NOTIFY 200 terminated");
    town.desk.waits_for("BYE");
    citizen.passes();
    seat.passes();
    town.citizen.finish().must_switch(AGENT_HZ, THIRD_HZ);
    town.daemon.ends_clean();
}

#[test]
fn a_gateway_that_says_nothing_at_all_is_given_up_for_the_next_one() {
    let net = Loopback::new("target-no-100");
    let mut town = Town::new(&net, 2, OnNotify::Takes, Goodbye::Never);
    let silent = UdpSocket::bind((town.seats[0], 5060)).expect("the seat's address is free");
    let mut seat = town.seat(1, "desk_answers").start(&net);
    let citizen = town.citizen_talks(&net, Duration::from_millis(8_500));
    town.desk.refers_to("110");
    town.seat.speak_to(seat.media());
    town.desk.waits_for("NOTIFY 200 terminated");
    citizen.passes();
    seat.passes();
    // It wakes up after all: the abandoned INVITE is cancelled at its first provisional (RFC 3261 9.1).
    let hears = |method: &str| loop {
        let mut buffer = [0; 4_096];
        let (length, from) = silent.recv_from(&mut buffer).unwrap_or_else(|error| panic!("no {method}: {error}"));
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.starts_with(method) {
            return (text, from);
        }
    };
    silent.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out can be set");
    let (invite, daemon) = hears("INVITE");
    let says = |request: &str, status| {
        silent.send_to(response(request, status, ";tag=late", "").as_bytes(), daemon).expect("loopback carries it");
    };
    says(&invite, "180 Ringing");
    says(&hears("CANCEL").0, "200 OK");
    says(&invite, "487 Request Terminated");
    hears("ACK");
    let heard = town.citizen.finish();
    heard.must_switch(AGENT_HZ, THIRD_HZ);
    heard.must_never_be_silent();
    town.daemon.ends_clean();
}

#[test]
fn a_seat_that_nobody_answers_is_cancelled() {
    let net = Loopback::new("target-no-answer");
    let mut town = Town::new(&net, 1, OnNotify::Takes, Goodbye::Never);
    let mut seat = town.seat(0, "seat_rings").start(&net);
    let citizen = town.citizen_talks(&net, Duration::from_secs(9));
    town.desk.refers_to("110");
    seat.says("cancelled");
    seat.passes();
    town.stays_with_the_desk(citizen, 400..=699);
}

#[test]
fn a_seat_that_answers_and_hangs_up_has_not_taken_the_call() {
    let net = Loopback::new("target-leaves");
    let mut town = Town::new(&net, 1, OnNotify::Takes, Goodbye::Never);
    let seat = town.seat(0, "seat_leaves").start(&net);
    let citizen = town.citizen_talks(&net, Duration::from_millis(4_500));
    town.desk.refers_to("110");
    seat.passes();
    town.stays_with_the_desk(citizen, 400..=699);
}

/// F9: all three are together, and the agent is not released by us.
#[test]
fn a_seat_that_answers_and_says_nothing_keeps_the_agent() {
    let net = Loopback::new("target-mute");
    let mut town = Town::new(&net, 1, OnNotify::Takes, Goodbye::Never);
    // Somebody sits there who hears, but whose microphone is off.
    let seat = town.seat(0, "desk_answers").start(&net);
    let citizen = town.citizen_talks(&net, Duration::from_millis(5_500));
    town.desk.refers_to("110");
    let told = town.desk.waits_for("NOTIFY 200 terminated");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(town.desk.when("BYE"), None, "the agent was released");
    citizen.passes();
    seat.passes();
    let released = town.desk.waits_for("BYE");
    assert!(released - told > Duration::from_millis(900), "released {:?} after the last NOTIFY", released - told);
    let heard = town.citizen.finish();
    heard.must_hear(AGENT_HZ, Duration::from_secs(3));
    heard.must_never_be_silent();
    town.seat.finish().must_hear(CITIZEN_HZ, Duration::from_secs(2));
    town.daemon.ends_clean();
}
