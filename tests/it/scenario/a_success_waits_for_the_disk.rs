//! Whoever hands a citizen over is told of the success, and released, when it is on disk; the citizen waits for nothing,
//! and nobody waits for a disk that does not come (I26, F19).

use std::time::Duration;

use lianxian::base::ids::CommandId;
use lianxian::base::time::Instant;
use lianxian::call::command::{By, CallSelector, Command, Mode, Particulars};
use lianxian::switch;
use lianxian::tickets::fact::{Fact, Outcome};

use crate::world::World;
use crate::world::phone::{Ending, OnInvite, Phase};
use crate::world::store::Disk;

const SECOND: Duration = Duration::from_secs(1);
const LATE: &str = "lianxian_transfers_unproven_total{reason=\"late\"}";
const FAILED: &str = "lianxian_transfers_unproven_total{reason=\"failed\"}";

/// Caller and agent in talk, a seat at 110 that answers after a second, and that disk from now on.
fn in_talk(seed: u64, disk: Disk) -> (World, usize, usize, usize) {
    let mut w = World::new(seed);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND });
    w.run(SECOND);
    w.store.disk = disk;
    (w, caller, agent, seat)
}

/// Until the caller talks to the seat, which is soon after this: its answer.
fn joined(w: &mut World, caller: usize, seat: usize) -> Instant {
    let up = w.run_until(SECOND * 5, |w| w.phase(seat) == Some(Phase::Up));
    w.must(up, "the seat answers");
    let answered = w.now;
    w.until_talking(caller, seat);
    let join = w.now - answered;
    assert!(join < SECOND / 2, "the caller talks to the seat after {join:?}");
    answered
}

fn alarms(w: &World) -> (f64, f64) {
    (w.product.metric(w.now, LATE).unwrap(), w.product.metric(w.now, FAILED).unwrap())
}

#[test]
fn the_report_waits_half_a_second_at_most_and_the_citizen_not_at_all() {
    let (slow, very_slow) = (Disk::Slow(SECOND / 5), Disk::Slow(SECOND * 2));
    for (seed, disk, waits_ms, seen) in [
        (1101, Disk::Good, 1000..1100, (0.0, 0.0)),
        (1102, slow, 1190..1300, (0.0, 0.0)),
        (1103, very_slow, 1490..1600, (1.0, 0.0)),
        (1104, Disk::Dumb, 1490..1600, (1.0, 0.0)),
        (1105, Disk::Broken, 1000..1100, (0.0, 1.0)),
    ] {
        let (mut w, caller, agent, seat) = in_talk(seed, disk);
        w.transfers(agent, "110");
        let answered = joined(&mut w, caller, seat);
        assert_eq!(w.until_reported(agent), 200, "{disk:?}");
        let reported = (w.now - answered).as_millis();
        assert!(waits_ms.contains(&reported), "{disk:?}: reported after {reported} ms");
        assert_eq!(w.until_over(agent), Ending::TheirBye, "{disk:?}");
        assert_eq!(alarms(&w), seen, "{disk:?}");
        w.must(w.talking(caller, seat), "nothing of that reaches the citizen");
        w.settle();
    }
}

#[test]
fn our_bye_to_an_agent_who_asked_by_command_waits_as_well() {
    let (mut w, caller, agent, seat) = in_talk(1110, Disk::Dumb);
    let call = CallSelector::SipCallId(w.dialog(agent).call_id.clone());
    let command = Command::Transfer {
        to: "110".to_owned(),
        mode: Mode::OneClick,
        territory: None,
        particulars: Box::new(Particulars::default()),
        by: By::Console,
    };
    w.command(switch::Command::Call { id: CommandId(1), call, command });
    assert!(w.product.replies.last().is_some_and(|(_, reply)| reply.is_ok()), "202 waits for no disk");
    let answered = joined(&mut w, caller, seat);
    assert_eq!(w.until_over(agent), Ending::TheirBye);
    let released = (w.now - answered).as_millis();
    assert!((1490..1600).contains(&released), "released after {released} ms");
    assert_eq!(alarms(&w), (1.0, 0.0));
    w.settle();
}

#[test]
fn a_target_that_goes_while_the_success_waits_leaves_the_caller_to_the_agent() {
    let (mut w, caller, agent, seat) = in_talk(1120, Disk::Dumb);
    w.transfers(agent, "110");
    joined(&mut w, caller, seat);
    w.run(SECOND + SECOND / 4);
    w.hangs_up(seat);
    assert_eq!(w.until_reported(agent), 480, "a telephone that hears of a success hangs up on the caller");
    w.until_talking(caller, agent);
    w.run(SECOND * 3);
    w.must(w.talking(caller, agent), "the two go on");
    assert_eq!(w.product.callers_lost(), 0);
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye, "it has the call again, and ends it");
    w.settle();
}

#[test]
fn a_caller_who_goes_while_the_success_waits_takes_everybody_along_and_the_agent_is_told() {
    let (mut w, caller, agent, seat) = in_talk(1130, Disk::Dumb);
    w.transfers(agent, "110");
    joined(&mut w, caller, seat);
    w.run(SECOND + SECOND / 4);
    w.hangs_up(caller);
    assert_eq!(w.until_over(seat), Ending::TheirBye);
    assert_eq!(w.until_reported(agent), 200, "what is told is what happened (T41)");
    assert_eq!(w.until_over(agent), Ending::TheirBye);
    w.settle();
}

#[test]
fn the_journal_of_a_transfer_says_who_had_the_call_and_when() {
    let (mut w, caller, agent, seat) = in_talk(1140, Disk::Good);
    w.transfers(agent, "110");
    w.until_talking(caller, seat);
    w.until_over(agent);
    w.hangs_up(caller);
    w.settle();
    let journal = w.ledger.journals.values().next().unwrap();
    let (mut asked, mut ended) = (0, 0);
    for fact in &journal.facts {
        match fact {
            Fact::TransferRequested { from, to, agent, trigger, mode, .. } => {
                asked += 1;
                let agent = agent.as_ref().map(ToString::to_string);
                let said = [from.as_str(), to.as_str(), agent.as_deref().unwrap_or_default(), trigger, mode];
                assert_eq!(said, ["12345", "110", "8001", "refer", "one_click"]);
            }
            Fact::TransferEnded { outcome, leg, code, .. } => {
                ended += 1;
                assert_eq!((*outcome, *code), (Outcome::Succeeded, None));
                assert!(journal.joined.contains(&leg.unwrap()));
            }
            _ => {}
        }
    }
    assert_eq!((asked, ended), (1, 1));
    assert_eq!(journal.joined.len(), 2, "the agent, then the seat");
    assert_eq!(journal.facts.last(), Some(&Fact::Ended { why: "caller_hung_up".to_owned(), joined: None }));
}
