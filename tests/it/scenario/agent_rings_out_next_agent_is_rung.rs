//! An agent who does not take the call is not the end of it.

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, OnInvite, Phase};

/// The first agent does `what`; the second answers.
fn second_agent_takes_it(seed: u64, what: OnInvite) -> (World, usize, usize, usize) {
    let mut w = World::new(seed);
    let (first, second) = (w.agent("8001"), w.agent("8002"));
    w.on_invite(first, what);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, second);
    (w, caller, first, second)
}

#[test]
fn an_agent_who_does_not_answer_is_cancelled_and_the_next_is_rung() {
    let (mut w, caller, first, second) = second_agent_takes_it(11, OnInvite::RingOut);
    assert_eq!(w.phase(first), Some(Phase::Over(Ending::TheirCancel)));
    assert_eq!(w.phones[first].got("CANCEL"), 1);
    w.hangs_up(second);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}

#[test]
fn an_agent_who_refuses_is_passed_over() {
    for (seed, code) in [(12, 486), (13, 480), (14, 603), (15, 404), (16, 500), (17, 503)] {
        let after = Duration::from_millis(300);
        let (mut w, caller, first, _) = second_agent_takes_it(seed, OnInvite::Refuse { code, after });
        assert_eq!(w.phase(first), Some(Phase::Over(Ending::Refused(code))));
        assert_eq!(w.phones[first].got("INVITE"), 1, "a refusal is not repeated at once");
        w.hangs_up(caller);
        w.settle();
    }
}

#[test]
fn a_telephone_that_is_off_does_not_stop_the_hunt() {
    let (mut w, caller, first, _) = second_agent_takes_it(18, OnInvite::Deaf);
    assert_eq!(w.phones[first].got("CANCEL"), 0, "no CANCEL before a provisional (RFC 3261 9.1)");
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn when_the_group_is_busy_the_duty_desk_is_rung() {
    let mut w = World::new(19);
    let (clerk, duty) = (w.agent("8001"), w.agent("9001"));
    w.on_invite(clerk, OnInvite::Refuse { code: 486, after: Duration::from_millis(100) });
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, duty);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn the_police_trunk_is_busy_and_the_duty_desk_takes_the_emergency_call() {
    for (seed, code) in [(20, 486), (21, 503), (22, 480), (23, 600)] {
        let mut w = World::new(seed);
        let (seat, duty) = (w.seat(), w.agent("9001"));
        w.on_invite(seat, OnInvite::Refuse { code, after: Duration::from_millis(50) });
        let caller = w.citizen("13900001111");
        w.calls(caller, "110");
        w.until_talking(caller, duty);
        w.hangs_up(caller);
        w.settle();
    }
}
