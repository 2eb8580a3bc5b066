//! The caller gives up before anybody has answered.

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, OnInvite, Phase};

#[test]
fn the_ringing_agent_is_cancelled_and_everything_is_forgotten() {
    let mut w = World::new(31);
    let agent = w.agent("8001");
    w.on_invite(agent, OnInvite::RingOut);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.run(Duration::from_secs(3));
    w.hangs_up(caller);
    w.run(Duration::from_secs(1));
    assert_eq!(w.phase(caller), Some(Phase::Over(Ending::Mine)));
    assert_eq!(w.phones[caller].got("487 INVITE"), 1);
    assert_eq!(w.phase(agent), Some(Phase::Over(Ending::TheirCancel)));
    w.settle();
}

#[test]
fn a_cancel_at_any_moment_ends_in_one_state() {
    for at_ms in (0..1600).step_by(37) {
        let mut w = World::new(1000 + at_ms);
        let agent = w.agent("8001");
        let caller = w.citizen("13900001111");
        w.calls(caller, "12345");
        w.run(Duration::from_millis(at_ms));
        w.hangs_up(caller);
        w.run(Duration::from_secs(5));
        assert!(matches!(w.phase(caller), Some(Phase::Over(_))), "cancelled at {at_ms} ms: {:?}", w.phase(caller));
        assert!(!matches!(w.phase(agent), Some(Phase::Up | Phase::Ringing)), "cancelled at {at_ms} ms");
        w.settle();
    }
}
