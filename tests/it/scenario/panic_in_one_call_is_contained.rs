//! A handler panics: its call goes on in quarantine with its sound joined, the others lose nothing (F5, I35).

use std::time::Duration;

use lianxian::call::fault::Fault;

use crate::world::World;
use crate::world::phone::{Ending, Phase};

/// Two calls in talk.
fn two_calls(seed: u64) -> (World, [usize; 2], [usize; 2]) {
    let mut w = World::new(seed);
    w.panics_expected = true;
    let agents = [w.agent("8001"), w.agent("8002")];
    let callers = [w.citizen("13900001111"), w.citizen("13900002222")];
    for (caller, agent) in callers.into_iter().zip(agents) {
        w.calls(caller, "12345");
        w.until_talking(caller, agent);
    }
    (w, callers, agents)
}

#[test]
fn the_call_goes_on_in_quarantine_and_the_other_loses_no_packet() {
    let (mut w, callers, agents) = two_calls(141);
    w.run(Duration::from_secs(2));
    w.product.arm(Fault::Panic);
    w.holds(agents[0]);
    w.run(Duration::from_secs(3));
    assert_eq!(w.product.quarantined(), 1);
    assert_eq!((w.phase(callers[0]), w.phase(agents[0])), (Some(Phase::Up), Some(Phase::Up)), "nobody is hung up");
    assert!(w.talking(callers[1], agents[1]));
    for party in [callers[1], agents[1]] {
        let heard = &w.dialog(party).heard;
        assert!(heard.longest_gap <= Duration::from_millis(40), "the other call lost packets: {heard:?}");
        assert_eq!(heard.discontinuities, 0);
    }
    // re-INVITE is served, and the sound is joined.
    w.resumes(agents[0]);
    w.run(Duration::from_secs(5));
    assert!(w.talking(callers[0], agents[0]));
    // BYE is served.
    w.hangs_up(callers[0]);
    assert_eq!(w.until_over(agents[0]), Ending::TheirBye);
    w.hangs_up(agents[1]);
    assert_eq!(w.until_over(callers[1]), Ending::TheirBye);
    w.settle();
}

#[test]
fn a_panic_as_the_agent_answers_keeps_the_caller() {
    let mut w = World::new(142);
    w.panics_expected = true;
    let agent = w.agent("8001");
    let caller = w.citizen("13900001111");
    w.product.arm(Fault::PanicOnAnswer);
    w.calls(caller, "12345");
    w.run(Duration::from_secs(10));
    assert_eq!(w.product.quarantined(), 1);
    assert!(!matches!(w.phase(caller), Some(Phase::Over(Ending::Refused(_) | Ending::TheirBye))), "the caller is kept");
    w.hangs_up(caller);
    w.hangs_up(agent);
    w.run(Duration::from_secs(40));
    assert!(matches!(w.phase(caller), Some(Phase::Over(_))));
    w.settle();
}
