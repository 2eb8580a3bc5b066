//! A jump of the wall clock changes no timer and no call (I37, F21).

use std::time::Duration;

use crate::world::World;

#[test]
fn a_jump_of_an_hour_either_way_changes_nothing() {
    let outcome = |jump_s: i64| {
        let mut w = World::new(111);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let next = w.product.next_timeout();
        w.wall.step(jump_s);
        assert_eq!(w.product.next_timeout(), next, "no deadline moves");
        w.run(Duration::from_secs(20));
        assert!(w.talking(caller, agent));
        w.hangs_up(caller);
        w.settle();
        (w.now, w.phones[caller].log.clone(), w.phones[agent].log.clone())
    };
    let still = outcome(0);
    assert_eq!(outcome(3600), still);
    assert_eq!(outcome(-3600), still);
}
