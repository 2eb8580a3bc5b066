//! INVITE with Replaces: the newcomer takes the place of the agent's leg, and the caller is joined with it (RFC 3891).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, Line, OnInvite, Phase};

#[test]
fn the_caller_talks_on_and_the_old_leg_is_released() {
    let mut w = World::new(470);
    let agent = w.agent_over("8001", Line::Tcp);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    let old = w.dialog(agent).call_id.clone();
    // The judges would take the agent's own INVITE for a call of its own.
    w.judges_sleep = true;
    let new = w.calls_replacing(agent, "12345", &old);
    w.run(Duration::from_secs(2));
    let phase = |w: &World, call_id: &str| {
        w.phones[agent].dialogs.iter().find(|dialog| dialog.call_id == call_id).map(|dialog| dialog.phase)
    };
    assert_eq!(phase(&w, &new), Some(Phase::Up));
    assert_eq!(phase(&w, &old), Some(Phase::Over(Ending::TheirBye)));
    w.must(w.talking(caller, agent), "the caller talks to the agent's new telephone");
    assert_eq!(w.phones[caller].got("BYE") + w.phones[caller].got("INVITE"), 0, "the caller's leg was not touched");
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}

#[test]
fn a_call_that_rings_is_taken_on_the_agents_other_telephone() {
    let mut w = World::new(471);
    let agent = w.agent_over("8001", Line::Tcp);
    w.on_invite(agent, OnInvite::RingOut);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    let rings = w.run_until(Duration::from_secs(5), |w| w.phase(agent) == Some(Phase::Ringing));
    w.must(rings, "the agent's telephone rings");
    let old = w.dialog(agent).call_id.clone();
    w.judges_sleep = true;
    w.calls_replacing(agent, "12345", &old);
    w.run(Duration::from_secs(2));
    assert_eq!(w.phones[agent].dialogs[0].phase, Phase::Over(Ending::TheirCancel));
    w.must(w.talking(caller, agent), "the caller talks to the agent's other telephone");
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}

#[test]
fn nobody_takes_the_place_of_a_caller() {
    let mut w = World::new(472);
    let agent = w.agent_over("8001", Line::Tcp);
    let target = w.agent("8002");
    w.refusals_expected = true;
    w.calls(agent, "12345");
    w.until_talking(agent, target);
    let own = w.dialog(agent).call_id.clone();
    w.calls_replacing(agent, "12345", &own);
    w.run(Duration::from_secs(2));
    assert_eq!(w.phones[agent].got("603 INVITE"), 1, "{:?}", w.phones[agent].log);
    assert_eq!(w.phones[agent].dialogs[0].phase, Phase::Up, "the call is as it was");
    w.settle();
}
