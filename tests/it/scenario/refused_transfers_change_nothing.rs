//! What may not be transferred is not: nothing is dialled, and who talks goes on talking (traps T13, T33; V20, V37).

use std::time::Duration;

use lianxian::base::ids::{AgentId, CommandId};
use lianxian::base::pii::Pii;
use lianxian::call::command::{Accepted, By, CallSelector, Command, Mode, Particulars, Refusal, Reply};
use lianxian::switch;

use crate::world::World;
use crate::world::phone::{Ending, OnInvite, Phase};

const SECOND: Duration = Duration::from_secs(1);

/// Gives a command and takes its reply.
fn asks(w: &mut World, call: CallSelector, command: Command) -> Reply {
    let id = CommandId(w.product.replies.len() as u64 + 1);
    w.command(switch::Command::Call { id, call, command });
    let (answered, reply) = w.product.replies.last().expect("each command is answered at once");
    assert_eq!(*answered, id);
    *reply
}

fn transfer(to: &str, mode: Mode, by: By) -> Command {
    let particulars = Box::new(Particulars::default());
    Command::Transfer { to: to.to_owned(), mode, territory: None, particulars, by }
}

fn agent_no(number: &str) -> CallSelector {
    CallSelector::Agent(AgentId::from(number))
}

#[test]
fn a_refer_to_what_is_not_configured_gets_603_and_nothing_is_dialled() {
    for (seed, target) in [(460, "0085212345678"), (461, "9999"), (462, "12345")] {
        let mut w = World::new(seed);
        let (caller, agent) = w.caller_and_agent_in_talk();
        w.transfers(agent, target);
        w.run(SECOND);
        assert_eq!(w.referral(agent).answer, Some(603), "{target}");
        w.must(w.talking(caller, agent), "they talk on");
        assert_eq!(w.ledger.counts.get("dialled"), Some(&1), "{target}: nobody but the agent was ever dialled");
        w.settle();
    }
}

/// V37: a 3xx that points back to us, or anywhere, is a seat that has not taken the call, and is not followed.
#[test]
fn v37_a_target_that_redirects_is_not_followed() {
    let mut w = World::new(467);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let (seat, duty) = (w.seat(), w.agent("9001"));
    w.on_invite(seat, OnInvite::Refuse { code: 302, after: Duration::from_millis(100) });
    w.transfers(agent, "110");
    w.until_talking(caller, duty);
    assert_eq!(w.ledger.counts.get("dialled"), Some(&3), "the agent, the seat that redirects, and the duty desk");
    w.settle();
}

#[test]
fn a_second_refer_while_one_is_under_way_gets_491() {
    let mut w = World::new(463);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND * 3 });
    w.transfers(agent, "110");
    w.run(SECOND);
    w.transfers(agent, "110");
    w.run(SECOND);
    assert_eq!(w.referral(agent).answer, Some(491));
    w.until_talking(caller, seat);
    assert_eq!(w.phones[seat].dialogs.len(), 1, "the target was dialled once");
    w.settle();
}

#[test]
fn a_command_names_its_call_and_is_answered_once() {
    let mut w = World::new(464);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND * 2 });
    let of = |number: &str| By::Agent(AgentId::from(number));
    let ask = |w: &mut World, command| asks(w, agent_no("8001"), command);
    assert_eq!(ask(&mut w, transfer("110", Mode::OneClick, of("8002"))), Err(Refusal::NotYourCall));
    assert_eq!(ask(&mut w, transfer("119", Mode::OneClick, of("8001"))), Err(Refusal::NotConfigured));
    assert_eq!(ask(&mut w, transfer("110", Mode::ThreeWay, of("8001"))), Err(Refusal::ModeNotSupported));
    assert_eq!(asks(&mut w, agent_no("8002"), transfer("110", Mode::OneClick, By::Console)), Err(Refusal::NoSuchCall));
    let call_id = CallSelector::SipCallId(w.dialog(agent).call_id.clone());
    let accepted = asks(&mut w, call_id, transfer("110", Mode::OneClick, of("8001")));
    assert!(matches!(accepted, Ok(Accepted::Transfer { .. })), "{accepted:?}");
    assert_eq!(ask(&mut w, transfer("110", Mode::OneClick, of("8001"))), Err(Refusal::TransferInProgress));
    w.until_talking(caller, seat);
    assert_eq!(w.until_over(agent), Ending::TheirBye, "without a REFER our BYE waits for nothing");
    w.settle();
}

/// A CTI server knows the citizen's number and the agent's, each in its own spelling, and not our ids.
#[test]
fn a_call_is_named_by_the_callers_number_however_it_is_written() {
    for (seed, written) in [(468, "13900001111"), (469, "+8613900001111"), (470, "013900001111")] {
        let mut w = World::new(seed);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        let of = |number: &str| CallSelector::Caller(Pii::new(number));
        let order = || transfer("110", Mode::OneClick, By::Console);
        for wrong in ["13900001112", "anonymous", "110", "8001"] {
            assert_eq!(asks(&mut w, of(wrong), order()), Err(Refusal::NoSuchCall), "{wrong}");
        }
        assert!(matches!(asks(&mut w, of(written), order()), Ok(Accepted::Transfer { .. })), "{written}");
        w.until_talking(caller, seat);
        // The agent's own leg may still be on its way out: it names no call any more.
        w.until_over(agent);
        assert_eq!(asks(&mut w, agent_no("8001"), order()), Err(Refusal::NoSuchCall));
        w.settle();
    }
}

#[test]
fn a_transfer_is_cancelled_before_the_answer_and_not_after_it() {
    let mut w = World::new(465);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND * 2 });
    let press = |w: &mut World| match asks(w, agent_no("8001"), transfer("110", Mode::OneClick, By::Console)) {
        Ok(Accepted::Transfer { transfer, .. }) => transfer,
        other => panic!("{other:?}"),
    };
    let first = press(&mut w);
    w.run(SECOND);
    let cancel = |transfer| Command::CancelTransfer { transfer, by: By::Console };
    assert!(matches!(asks(&mut w, agent_no("8001"), cancel(first)), Ok(Accepted::Cancelled { .. })));
    w.run(SECOND);
    assert_eq!(w.phase(seat), Some(Phase::Over(Ending::TheirCancel)));
    w.must(w.talking(caller, agent), "they talk on");
    assert_eq!(asks(&mut w, agent_no("8001"), cancel(first)), Err(Refusal::NoSuchTransfer));
    let second = press(&mut w);
    let up = w.run_until(SECOND * 4, |w| w.phase(seat) == Some(Phase::Up));
    w.must(up, "the target answers");
    w.run(Duration::from_millis(300));
    assert_eq!(asks(&mut w, agent_no("8001"), cancel(second)), Err(Refusal::AlreadyAnswered));
    w.until_talking(caller, seat);
    w.settle();
}

#[test]
fn a_call_that_is_passed_to_and_fro_comes_to_rest() {
    let mut w = World::new(466);
    let police = w.seat();
    w.on_invite(police, OnInvite::Refuse { code: 486, after: Duration::from_millis(100) });
    let clerk = w.agent("8001");
    let duty = w.agent("9001");
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, clerk);
    for round in 0..10 {
        let (from, to, number) = if round % 2 == 0 { (clerk, duty, "110") } else { (duty, clerk, "12345") };
        w.transfers(from, number);
        w.until_talking(caller, to);
        assert_eq!(w.until_over(from), Ending::TheirBye, "round {round}");
    }
    w.transfers(clerk, "110");
    w.run(SECOND);
    assert_eq!(w.referral(clerk).answer, Some(603), "ten transfers are enough (V37)");
    w.must(w.talking(caller, clerk), "they talk on");
    w.settle();
}
