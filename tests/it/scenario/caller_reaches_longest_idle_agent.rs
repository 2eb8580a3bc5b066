//! The main road: a citizen calls 12345, the agent who has been idle longest answers, both hear each other.

use std::time::Duration;

use lianxian::switch::Command;

use crate::world::World;
use crate::world::phone::{Ending, Line, OnInvite, Phase};

#[test]
fn caller_and_agent_hear_each_other_and_the_agent_sees_the_number() {
    let mut w = World::new(1);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.run(Duration::from_secs(5));
    assert!(w.talking(caller, agent));
    assert_eq!(w.dialog(agent).remote_number(), "13900001111");
    assert_eq!(w.dialog(caller).provisionals.first(), Some(&100));
    assert!(w.dialog(caller).provisionals.contains(&180), "the caller hears ringing until a person answers");
    assert!(w.dialog(caller).heard.longest_gap < Duration::from_millis(200), "{:?}", w.dialog(caller).heard);
    assert!(w.dialog(agent).heard.longest_gap < Duration::from_millis(200), "{:?}", w.dialog(agent).heard);
    assert_eq!(w.dialog(caller).heard.discontinuities, 0);
    w.hangs_up(caller);
    w.run(Duration::from_secs(1));
    assert_eq!(w.phase(agent), Some(Phase::Over(Ending::TheirBye)));
    w.settle();
}

#[test]
fn the_agent_hangs_up_and_the_caller_gets_a_bye() {
    let mut w = World::new(2);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}

#[test]
fn the_longest_idle_agent_is_rung_first() {
    let mut w = World::new(3);
    let agents: Vec<usize> = ["8001", "8002", "8003"].iter().map(|number| w.agent(number)).collect();
    for (round, expected) in [0, 1, 2, 0, 1, 2].into_iter().enumerate() {
        let caller = w.citizen(&format!("1390000{round:04}"));
        w.calls(caller, "12345");
        w.until_talking(caller, agents[expected]);
        w.hangs_up(caller);
        w.run(Duration::from_secs(1));
    }
    w.settle();
}

#[test]
fn a_softphone_over_tcp_is_reached_over_its_own_connection() {
    let mut w = World::new(4);
    let agent = w.agent_over("8001", Line::Tcp);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}

#[test]
fn nobody_is_there_the_caller_waits_and_is_served_when_somebody_comes() {
    let mut w = World::new(5);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.run(Duration::from_secs(30));
    assert_eq!(w.phase(caller), Some(Phase::Calling), "an unanswered caller is never refused for want of agents");
    let agent = w.agent("8001");
    w.until_talking(caller, agent);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn answer_on_queue_answers_at_once_and_plays_until_a_person_comes() {
    let mut w = World::new(6);
    let agent = w.agent("8001");
    w.on_invite(agent, OnInvite::Answer { after: Duration::from_secs(5) });
    let caller = w.citizen("13900001111");
    w.calls(caller, "12319");
    w.run(Duration::from_secs(2));
    assert_eq!(w.phase(caller), Some(Phase::Up));
    assert!(w.hears_machine(caller));
    w.until_talking(caller, agent);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_number_that_is_no_hotline_is_404() {
    let mut w = World::new(7);
    w.refusals_expected = true;
    let caller = w.citizen("13900001111");
    w.calls(caller, "00442079460000");
    assert_eq!(w.until_over(caller), Ending::Refused(404));
    w.settle();
}

#[test]
fn a_draining_switch_refuses_new_calls_and_lets_the_old_ones_finish() {
    let mut w = World::new(8);
    w.refusals_expected = true;
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.agent("8002");
    w.command(Command::Drain);
    let late = w.citizen("13900002222");
    w.calls(late, "12345");
    assert_eq!(w.until_over(late), Ending::Refused(503));
    assert!(w.talking(caller, agent));
    w.hangs_up(caller);
    w.settle();
}
