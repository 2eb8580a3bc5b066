//! An agent answers while our CANCEL is on its way: the 200 gets its ACK, then a BYE (F32).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, OnInvite, Phase};

#[test]
fn the_200_is_acknowledged_and_hung_up() {
    for (seed, after_ms) in [(61, 0), (62, 1), (63, 500), (64, 3000), (65, 20_000)] {
        let mut w = World::new(seed);
        let agent = w.agent("8001");
        w.on_invite(agent, OnInvite::AnswerDespiteCancel { after: Duration::from_millis(after_ms) });
        let caller = w.citizen("13900001111");
        w.calls(caller, "12345");
        w.run(Duration::from_secs(2));
        w.hangs_up(caller);
        w.run(Duration::from_secs(25));
        assert_eq!(w.phase(caller), Some(Phase::Over(Ending::Mine)));
        assert_eq!(w.phase(agent), Some(Phase::Over(Ending::TheirBye)), "200 {after_ms} ms after the CANCEL");
        assert!(w.phones[agent].got("ACK") >= 1);
        w.settle();
    }
}

#[test]
fn a_late_200_of_the_first_agent_does_not_disturb_the_talk_with_the_second() {
    let mut w = World::new(66);
    let (first, second) = (w.agent("8001"), w.agent("8002"));
    w.on_invite(first, OnInvite::AnswerDespiteCancel { after: Duration::from_millis(1500) });
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, second);
    w.run(Duration::from_secs(5));
    assert!(w.talking(caller, second));
    assert_eq!(w.phase(first), Some(Phase::Over(Ending::TheirBye)));
    w.hangs_up(caller);
    w.settle();
}
