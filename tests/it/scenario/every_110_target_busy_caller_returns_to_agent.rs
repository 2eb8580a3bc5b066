//! A transfer that fails changes nothing for caller and agent; one whose agent has gone gives the caller back (traps
//! T15, T41; F8; I17).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, Health, OnInvite, OnNotify, Phase};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn whatever_the_target_answers_the_caller_still_talks_to_the_agent() {
    let refuse = |code| OnInvite::Refuse { code, after: Duration::from_millis(300) };
    let cases = [
        (refuse(486), 486),
        (refuse(480), 480),
        (refuse(503), 503),
        (refuse(603), 603),
        (refuse(408), 408),
        (refuse(404), 404),
        (OnInvite::Deaf, 408),
        (OnInvite::RingOut, 480),
    ];
    for (index, (manner, code)) in cases.into_iter().enumerate() {
        let mut w = World::new(420 + index as u64);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        w.on_invite(seat, manner);
        w.transfers(agent, "110");
        let told = w.until_reported(agent);
        assert!(told == code || (told == 480 && matches!(manner, OnInvite::Deaf)), "{manner:?}: told {told}");
        w.must(w.talking(caller, agent), &format!("{manner:?}: caller and agent are in talk"));
        let gap = w.dialog(caller).heard.longest_gap;
        assert!(gap <= Duration::from_millis(60), "{manner:?}: nothing was touched, gap {gap:?} (I17)");
        assert_eq!(w.phones[agent].got("BYE"), 0, "{manner:?}");
        // The transfer is over: another one may follow.
        w.on_invite(seat, OnInvite::Answer { after: SECOND });
        w.transfers(agent, "110");
        w.until_talking(caller, seat);
        w.settle();
    }
}

#[test]
fn the_next_seat_is_tried_and_the_duty_desk_after_it() {
    let mut w = World::new(430);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let duty = w.agent("9001");
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Refuse { code: 486, after: Duration::from_millis(200) });
    w.transfers(agent, "110");
    w.until_talking(caller, duty);
    assert_eq!(w.phones[seat].dialogs.len(), 1, "who was busy is not rung again");
    assert_eq!(w.until_over(agent), Ending::TheirBye);
    w.settle();
}

#[test]
fn an_answer_that_is_hung_up_within_a_second_is_a_refusal() {
    let mut w = World::new(431);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND });
    w.phones[seat].manners.hang_up_after = Some(Duration::from_millis(400));
    w.transfers(agent, "110");
    assert_ne!(w.until_reported(agent), 200, "an answer and a BYE are no success (T38)");
    w.run(Duration::from_millis(200));
    w.must(w.talking(caller, agent), "caller and agent are back in talk within 200 ms (I17)");
    assert_eq!(w.phones[agent].got("BYE"), 0, "I16");
    w.settle();
}

#[test]
fn the_agent_has_gone_and_nobody_takes_the_call_the_caller_is_given_back() {
    let mut w = World::new(432);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Refuse { code: 486, after: SECOND * 2 });
    w.phones[agent].manners.bye_after_refer = Some(Duration::from_millis(100));
    w.transfers(agent, "110");
    w.run(SECOND);
    w.must(w.hears_machine(caller), "the caller hears ringback");
    w.until_talking(caller, agent);
    assert_eq!(w.phones[caller].got("BYE"), 0);
    assert_eq!(w.product.callers_lost(), 0);
    w.settle();
}

/// The transfer has failed, but the telephone has not heard it yet: its BYE is not one that ends the call (T1).
#[test]
fn an_agent_who_leaves_before_it_has_heard_of_the_failure_is_given_the_caller_back() {
    for (seed, leaves_after_ms) in [(436, 300), (437, 3000)] {
        let mut w = World::new(seed);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        w.on_invite(seat, OnInvite::Refuse { code: 486, after: Duration::ZERO });
        let manners = &mut w.phones[agent].manners;
        manners.on_notify = OnNotify::Ignore;
        manners.bye_after_refer = Some(Duration::from_millis(leaves_after_ms));
        w.transfers(agent, "110");
        w.run(Duration::from_millis(leaves_after_ms) + SECOND / 2);
        assert_eq!(w.phones[agent].got("200 BYE"), 1);
        w.must(w.hears_machine(caller), "the caller is kept and hears something");
        w.until_talking(caller, agent);
        assert_eq!(w.product.callers_lost(), 0);
        // It knows now, and a BYE is a BYE again.
        w.hangs_up(agent);
        assert_eq!(w.until_over(caller), Ending::TheirBye);
        w.settle();
    }
}

#[test]
fn an_agent_who_has_heard_of_the_failure_ends_the_call_by_its_bye() {
    let mut w = World::new(438);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Refuse { code: 486, after: Duration::ZERO });
    w.transfers(agent, "110");
    assert_eq!(w.until_reported(agent), 486);
    w.run(SECOND / 10);
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}

/// Nobody takes the call, and the agent who pressed has gone and answers no more: its group is next, then the duty desk.
#[test]
fn the_caller_is_given_back_to_the_group_and_the_duty_desk_when_the_agent_does_not_answer() {
    for (seed, group_is_there) in [(434, true), (435, false)] {
        let mut w = World::new(seed);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let (colleague, duty) = (w.agent("8002"), w.agent("9001"));
        let seat = w.seat();
        w.on_invite(seat, OnInvite::Refuse { code: 486, after: SECOND });
        let busy = OnInvite::Refuse { code: 486, after: Duration::from_millis(100) };
        w.phones[agent].manners.bye_after_refer = Some(Duration::ZERO);
        w.transfers(agent, "110");
        w.run(SECOND / 2);
        // From now on nobody of the 110 side answers, the duty desk that serves both included.
        for party in [agent, duty] {
            w.on_invite(party, busy);
        }
        if !group_is_there {
            w.on_invite(colleague, busy);
        }
        w.run(SECOND * 2);
        if !group_is_there {
            w.on_invite(duty, OnInvite::Answer { after: SECOND });
        }
        w.until_talking(caller, if group_is_there { colleague } else { duty });
        assert_eq!(w.phones[caller].got("BYE"), 0);
        assert_eq!(w.product.callers_lost(), 0);
        w.settle();
    }
}

#[test]
fn the_agents_telephone_dies_during_the_transfer_and_the_target_takes_the_caller() {
    let mut w = World::new(433);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND * 12 });
    w.transfers(agent, "110");
    w.run(Duration::from_millis(500));
    w.phones[agent].set_health(Health::Dead);
    w.until_talking(caller, seat);
    assert_eq!(w.phase(caller), Some(Phase::Up));
    assert_eq!(w.product.callers_lost(), 0, "F34");
    w.settle();
}
