//! A target that answers and sends no sound has the call all the same; the agent stays until it is heard (F9, I16).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, Health, OnInvite, Phase};

const SECOND: Duration = Duration::from_secs(1);

fn silent_target(seed: u64) -> (World, usize, usize, usize) {
    let mut w = World::new(seed);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND });
    w.phones[seat].set_health(Health::Mute);
    w.transfers(agent, "110");
    let up = w.run_until(SECOND * 3, |w| w.phase(seat) == Some(Phase::Up));
    w.must(up, "the target answers");
    (w, caller, agent, seat)
}

#[test]
fn the_agent_is_not_released_by_us_and_all_three_are_joined() {
    let (mut w, caller, agent, seat) = silent_target(450);
    let answered = w.now;
    assert_eq!(w.until_reported(agent), 200, "answered is answered");
    let waited = w.now - answered;
    assert!(waited >= SECOND * 2 && waited < SECOND * 3, "the last report after {waited:?}");
    w.run(SECOND * 4);
    assert_eq!(w.phase(agent), Some(Phase::Up), "we do not release the agent (I16)");
    assert_eq!(w.phase(seat), Some(Phase::Up), "we never hang up on a silent target");
    assert_eq!(w.dialog(caller).heard.digits(), "");
    assert!(w.dialog(caller).heard.longest_gap <= Duration::from_millis(200));
    w.hangs_up(seat);
    w.run(SECOND);
    w.must(w.talking(caller, agent), "the target has left; the two go on");
    w.settle();
}

#[test]
fn the_agent_leaves_a_silent_target_and_the_group_is_rung_beside_it() {
    let (mut w, caller, agent, seat) = silent_target(451);
    let helper = w.agent("8002");
    assert_eq!(w.until_reported(agent), 200);
    w.hangs_up(agent);
    assert_eq!(w.until_over(agent), Ending::Mine);
    // Whoever is rung: the agent who had the call first, else the group.
    w.phones[agent].manners.on_invite = OnInvite::Refuse { code: 486, after: Duration::from_millis(100) };
    let joined = w.run_until(SECOND * 20, |w| w.phase(helper) == Some(Phase::Up));
    w.must(joined, "somebody of the group joins");
    assert_eq!(w.phase(seat), Some(Phase::Up), "the target is kept");
    assert_eq!(w.phase(caller), Some(Phase::Up));
    assert_eq!(w.product.callers_lost(), 0);
    w.settle();
}

#[test]
fn the_target_is_heard_at_last_and_nobody_else_is_needed() {
    let (mut w, caller, agent, seat) = silent_target(452);
    assert_eq!(w.until_reported(agent), 200);
    w.hangs_up(agent);
    w.run(SECOND * 3);
    w.must(w.hears_machine(caller), "the caller hears ringback");
    w.phones[seat].set_health(Health::Well);
    w.until_talking(caller, seat);
    w.settle();
}
