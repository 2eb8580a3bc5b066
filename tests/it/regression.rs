//! One short test for each fixed bug.

use std::time::Duration;

use crate::world::World;
use crate::world::phone::OnInvite;

/// RTCP left for a caller who was not answered yet: from a port that no SDP of ours had named.
#[test]
fn no_rtcp_before_anything_was_agreed() {
    let mut w = World::new(600);
    let agent = w.agent("8001");
    w.on_invite(agent, OnInvite::RingOut);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    // The judge of I13 looks at every packet; reports leave every few seconds.
    w.run(Duration::from_secs(9));
    w.hangs_up(caller);
    w.settle();
}

/// Caller and agent both held, then both telephones restarted: nobody was asked any more, and the call stayed for ever.
#[test]
fn two_who_hold_and_vanish_are_found_out() {
    let mut w = World::new(601);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.holds(caller);
    w.run(Duration::from_secs(3));
    w.holds(agent);
    w.run(Duration::from_secs(3));
    w.phones[caller].forget();
    w.phones[agent].forget();
    w.run(Duration::from_secs(200));
    assert_eq!(w.product.calls(), [], "{}", w.story());
    w.settle();
}
