//! Two re-INVITEs cross on one dialog: 491 means wait and try again. It never ends a call (T10, T11).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::Phase;

#[test]
fn caller_and_agent_hold_at_the_same_moment() {
    let mut w = World::new(51);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.holds(caller);
    w.holds(agent);
    w.run(Duration::from_secs(10));
    assert_eq!((w.phase(caller), w.phase(agent)), (Some(Phase::Up), Some(Phase::Up)));
    w.resumes(caller);
    w.resumes(agent);
    w.run(Duration::from_secs(10));
    assert!(w.talking(caller, agent));
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_hold_that_is_taken_back_at_once_ends_in_talk() {
    for delay_ms in [0, 1, 2, 3, 5, 10, 50, 300] {
        let mut w = World::new(520 + delay_ms);
        let (caller, agent) = w.caller_and_agent_in_talk();
        w.holds(agent);
        w.run(Duration::from_millis(delay_ms));
        w.resumes(agent);
        w.run(Duration::from_secs(10));
        assert!(w.talking(caller, agent), "resumed after {delay_ms} ms");
        w.hangs_up(agent);
        w.run(Duration::from_secs(1));
        w.settle();
    }
}
