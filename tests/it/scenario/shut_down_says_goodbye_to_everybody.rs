//! The daemon ends and its patience with calls is over: every leg gets its BYE, CANCEL or final response, and nothing is
//! left for the timers of others to find out.

use std::time::Duration;

use lianxian::switch::Command;

use crate::world::World;
use crate::world::phone::{Ending, OnInvite, Phase};

#[test]
fn those_who_talk_ring_and_wait_are_all_told() {
    let mut w = World::new(970);
    let (talker, agent) = w.caller_and_agent_in_talk();
    let second = w.agent("8002");
    w.on_invite(second, OnInvite::RingOut);
    let rung = w.citizen("13900002222");
    w.calls(rung, "12345");
    w.run(Duration::from_secs(1));
    let waiting = w.citizen("13900003333");
    w.calls(waiting, "12319");
    w.run(Duration::from_secs(2));
    assert_eq!(w.phase(waiting), Some(Phase::Up), "answered on queue");
    // It is no caller's doing and no party's: the judges of promise 1 would call it a loss.
    w.judges_sleep = true;
    w.command(Command::ShutDown);
    w.run(Duration::from_secs(2));
    assert_eq!(w.phase(talker), Some(Phase::Over(Ending::TheirBye)));
    assert_eq!(w.phase(agent), Some(Phase::Over(Ending::TheirBye)));
    assert_eq!(w.phones[rung].got("503 INVITE"), 1);
    assert_eq!(w.phase(second), Some(Phase::Over(Ending::TheirCancel)));
    assert_eq!(w.phase(waiting), Some(Phase::Over(Ending::TheirBye)));
    assert_eq!(w.product.callers_lost(), 0, "a deliberate goodbye is no loss");
    assert!(w.product.calls().is_empty());
    let late = w.citizen("13900004444");
    w.calls(late, "12345");
    w.run(Duration::from_secs(40));
    assert_eq!(w.phones[late].got("503 INVITE"), 1, "no new call");
    assert_eq!(w.product.left_over(), None);
}
