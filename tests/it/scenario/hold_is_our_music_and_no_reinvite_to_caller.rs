//! An agent's hold ends here: the caller hears music and its trunk sees no re-INVITE.

use std::time::Duration;

use crate::world::World;
use crate::world::phone::Ending;

#[test]
fn the_caller_hears_music_and_then_the_agent_again() {
    let mut w = World::new(41);
    let (caller, agent) = w.caller_and_agent_in_talk();
    for _ in 0..2 {
        w.holds(agent);
        w.run(Duration::from_secs(3));
        assert!(w.hears_machine(caller), "music");
        assert!(!w.hears(caller, agent), "a held caller does not hear the agent");
        assert!(!w.hears(agent, caller), "a holding agent is sent nothing");
        w.resumes(agent);
        w.run(Duration::from_secs(2));
        assert!(w.talking(caller, agent));
    }
    assert_eq!(w.phones[caller].got("INVITE"), 0, "no re-INVITE on the caller's trunk");
    assert_eq!(w.dialog(caller).heard.discontinuities, 0, "one SSRC, one sequence");
    assert!(w.dialog(caller).heard.longest_gap < Duration::from_millis(200), "{:?}", w.dialog(caller).heard);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn the_caller_holds_and_comes_back() {
    let mut w = World::new(42);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.holds(caller);
    w.run(Duration::from_secs(3));
    assert!(!w.hears(caller, agent));
    assert!(w.hears_machine(agent), "the agent hears music");
    w.resumes(caller);
    w.run(Duration::from_secs(2));
    assert!(w.talking(caller, agent));
    assert_eq!(w.phones[agent].got("INVITE"), 1, "no re-INVITE on the agent's leg either");
    w.hangs_up(agent);
    w.run(Duration::from_secs(1));
    w.settle();
}

#[test]
fn a_held_caller_hangs_up() {
    let mut w = World::new(43);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.holds(agent);
    w.run(Duration::from_secs(1));
    w.hangs_up(caller);
    assert_eq!(w.until_over(agent), Ending::TheirBye);
    w.settle();
}

#[test]
fn holding_does_not_change_what_a_hang_up_means() {
    // T18: the agent who holds and then hangs up has hung up on purpose.
    let mut w = World::new(44);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.holds(agent);
    w.run(Duration::from_secs(1));
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}
