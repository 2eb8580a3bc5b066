//! The caller hangs up at each step of a transfer: everybody is told within a second, and the transferor how it ended
//! (T14, F33, I18).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{OnInvite, Phase};

#[test]
fn at_each_tenth_of_a_second_of_a_transfer() {
    for step in 0..45 {
        let mut w = World::new(440);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        w.on_invite(seat, OnInvite::Answer { after: Duration::from_secs(1) });
        w.transfers(agent, "110");
        w.run(Duration::from_millis(step * 100));
        w.hangs_up(caller);
        w.run(Duration::from_millis(1500));
        for party in [agent, seat] {
            let phase = w.phase(party);
            w.must(matches!(phase, None | Some(Phase::Over(_))), &format!("step {step}: party {party} is {phase:?}"));
        }
        w.settle();
    }
}

#[test]
fn the_agent_gone_and_then_the_caller() {
    let mut w = World::new(441);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::RingOut);
    w.phones[agent].manners.bye_after_refer = Some(Duration::from_millis(50));
    w.transfers(agent, "110");
    w.run(Duration::from_secs(3));
    w.hangs_up(caller);
    w.run(Duration::from_secs(2));
    w.must(matches!(w.phase(seat), Some(Phase::Over(_))), "the target rings no more");
    w.settle();
}
