//! The health of gateways: asked by OPTIONS, left alone while dead, tried by one call when they come back (T36, F7).

use std::time::Duration;

use super::silent_gateway_is_followed_in_2_s::{settle, world};
use crate::world::phone::{Health, OnInvite};
use crate::world::{World, town};

const FIVE: Duration = Duration::from_secs(5);

/// What was last told of a gateway.
fn told(w: &World, index: usize) -> Option<&'static str> {
    let of = w.product.gateways.iter().rev().find(|(_, change)| change.address == town::target(index));
    of.map(|(_, change)| change.state)
}

#[test]
fn a_gateway_that_falls_silent_is_down_within_15_s_and_no_call_waits_for_it() {
    for seed in 140..148 {
        let (mut w, [dead, well], _) = world(seed, FIVE);
        w.run(Duration::from_secs(12));
        assert_eq!(told(&w, 0), None);
        w.dies(dead);
        w.run(Duration::from_secs(15));
        assert_eq!(told(&w, 0), Some("down"));
        assert_eq!(told(&w, 1), None);
        let caller = w.citizen("13900001111");
        let called = w.now;
        w.calls(caller, "110");
        w.run_until(FIVE, |w| w.phones[well].got("INVITE") > 0);
        assert!(w.now - called < Duration::from_millis(500), "{:?}", w.now - called);
        assert_eq!(w.phones[dead].got("INVITE"), 0);
        w.until_talking(caller, well);
        w.hangs_up(caller);
        settle(&mut w);
    }
}

#[test]
fn a_gateway_that_answers_503_to_options_is_not_healthy() {
    let (mut w, [sick, well], _) = world(150, FIVE);
    w.phones[sick].manners.on_options = 503;
    w.run(Duration::from_secs(8));
    assert_eq!(told(&w, 0), Some("down"));
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.until_talking(caller, well);
    assert_eq!(w.phones[sick].got("INVITE"), 0);
    w.hangs_up(caller);
    settle(&mut w);
}

#[test]
fn a_gateway_that_comes_back_is_half_open_and_then_up() {
    let (mut w, [dead, well], _) = world(151, FIVE);
    w.dies(dead);
    w.run(Duration::from_secs(15));
    assert_eq!(told(&w, 0), Some("down"));
    w.phones[dead].set_health(Health::Well);
    let back = w.run_until(Duration::from_secs(8), |w| told(w, 0) == Some("half_open"));
    w.must(back, "the next probe is answered");
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.until_talking(caller, well);
    assert_eq!(w.phones[dead].got("INVITE"), 0, "an emergency is no trial while another gateway works");
    let up = w.run_until(Duration::from_secs(8), |w| told(w, 0) == Some("up"));
    w.must(up, "so is the one after it");
    w.hangs_up(caller);
    settle(&mut w);
}

#[test]
fn retry_after_is_honoured() {
    let (mut w, [full, next], _) = world(152, FIVE);
    w.on_invite(full, OnInvite::Refuse { code: 503, after: Duration::from_millis(20) });
    w.phones[full].manners.retry_after_s = Some(20);
    let first = w.citizen("13900001111");
    w.calls(first, "110");
    w.until_talking(first, next);
    assert_eq!(told(&w, 0), Some("down"));
    let asked = w.phones[full].got("OPTIONS");
    w.run(Duration::from_secs(15));
    assert_eq!(w.phones[full].got("OPTIONS"), asked, "it is not even asked");
    w.on_invite(full, OnInvite::Answer { after: Duration::from_secs(1) });
    w.phones[full].manners.retry_after_s = None;
    w.run(Duration::from_secs(12));
    assert_eq!(told(&w, 0), Some("up"));
    w.hangs_up(first);
    settle(&mut w);
}

#[test]
fn when_every_gateway_is_down_an_emergency_still_tries_them_after_the_duty_desk() {
    let (mut w, gateways, duty) = world(153, FIVE);
    gateways.into_iter().for_each(|gateway| w.dies(gateway));
    w.run(Duration::from_secs(16));
    w.dies(duty);
    w.on_invite(duty, OnInvite::Deaf);
    // The trunk is back, but nobody knows yet.
    w.phones[gateways[0]].set_health(Health::Well);
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.until_talking(caller, gateways[0]);
    w.hangs_up(caller);
    settle(&mut w);
}
