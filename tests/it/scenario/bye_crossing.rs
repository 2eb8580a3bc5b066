//! Both sides hang up at the same moment: each gets an answer to its BYE (T35, F32).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::Phase;

#[test]
fn crossing_byes_are_both_answered() {
    for delay_ms in 0..6 {
        let mut w = World::new(70 + delay_ms);
        let (caller, agent) = w.caller_and_agent_in_talk();
        w.hangs_up(agent);
        w.run(Duration::from_millis(delay_ms));
        w.hangs_up(caller);
        w.run(Duration::from_secs(2));
        for party in [caller, agent] {
            assert!(matches!(w.phase(party), Some(Phase::Over(_))));
            let sent = w.phones[party].dialogs.last().is_some_and(|dialog| dialog.cseq > 1 || party == agent);
            let answered = w.phones[party].got("200 BYE") + w.phones[party].got("481 BYE");
            assert!(!sent || answered >= 1 || w.phones[party].got("BYE") >= 1, "a BYE met silence after {delay_ms} ms");
        }
        w.settle();
    }
}

#[test]
fn a_bye_that_comes_after_the_end_gets_481() {
    let mut w = World::new(78);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let call_id = w.dialog(agent).call_id.clone();
    w.hangs_up(caller);
    w.run(Duration::from_secs(5));
    let before = w.phones[agent].got("481 BYE");
    w.with(agent, |phone, _| {
        let bye = phone.in_dialog(&call_id, "BYE");
        phone.say(&bye);
    });
    w.run(Duration::from_secs(1));
    assert_eq!(w.phones[agent].got("481 BYE"), before + 1, "ended dialogs are remembered (T35)");
    w.settle();
}
