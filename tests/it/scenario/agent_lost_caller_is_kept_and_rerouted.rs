//! A service leg that is lost, not hung up, never takes the caller with it (I19, F31, F34).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, Line, Phase};
use crate::world::sip_writer::SipText;

/// How the agent is lost.
#[derive(Clone, Copy, Debug)]
enum LostBy {
    /// The telephone restarted; it answers our INFO with 481.
    Restart,
    /// The telephone is off; our INFO is never answered.
    Silence,
    /// The connection of the telephone broke and it is gone.
    Connection,
}

fn lose(w: &mut World, caller: usize, agent: usize, how: LostBy) {
    match how {
        LostBy::Restart => w.phones[agent].forget(),
        LostBy::Silence => w.dies(agent),
        LostBy::Connection => {
            w.dies(agent);
            w.break_connection(agent);
        }
    }
    // A key makes the product ask for the agent.
    w.with(caller, |phone, now| {
        let call_id = phone.last().expect("in talk").call_id.clone();
        phone.press_by_info(now, &call_id, '1');
    });
}

#[test]
fn the_caller_is_kept_hears_something_and_reaches_the_next_agent() {
    for (seed, how) in [(131, LostBy::Restart), (132, LostBy::Silence), (133, LostBy::Connection)] {
        let mut w = World::new(seed);
        let line = if matches!(how, LostBy::Connection) { Line::Tcp } else { Line::Udp };
        let agent = w.agent_over("8001", line);
        // A telephone that knows only INFO, so that the caller's key asks it something.
        w.phones[agent].manners.codecs = crate::world::phone::codecs(&[(8, "PCMA")]);
        let caller = w.citizen("13900001111");
        w.calls(caller, "12345");
        w.until_talking(caller, agent);
        let second = w.agent("8002");
        lose(&mut w, caller, agent, how);
        let taken = w.run_until(Duration::from_secs(120), |w| w.talking(caller, second) || w.talking(caller, agent));
        w.must(taken, &format!("{how:?}: the caller is rerouted"));
        assert_eq!(w.phase(caller), Some(Phase::Up), "{how:?}");
        assert_eq!(w.phones[caller].got("BYE"), 0, "{how:?}");
        assert_eq!(w.product.callers_lost(), 0, "{how:?}");
        w.hangs_up(caller);
        w.settle();
    }
}

#[test]
fn the_caller_hears_something_all_the_time_until_somebody_comes() {
    let mut w = World::new(134);
    let agent = w.agent("8001");
    w.phones[agent].manners.codecs = crate::world::phone::codecs(&[(8, "PCMA")]);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    lose(&mut w, caller, agent, LostBy::Restart);
    w.run(Duration::from_millis(100));
    w.dies(agent);
    w.run(Duration::from_secs(60));
    assert_eq!(w.phase(caller), Some(Phase::Up), "kept for as long as the caller stays");
    assert!(w.hears_machine(caller));
    let duty = w.agent("9001");
    w.until_talking(caller, duty);
    w.hangs_up(duty);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}

#[test]
fn the_police_trunk_restarts_in_talk_and_the_caller_is_kept() {
    let mut w = World::new(135);
    let (seat, duty) = (w.seat(), w.agent("9001"));
    w.phones[seat].manners.codecs = crate::world::phone::codecs(&[(8, "PCMA")]);
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.until_talking(caller, seat);
    w.phones[seat].forget();
    w.on_invite(seat, crate::world::phone::OnInvite::Refuse { code: 503, after: Duration::from_millis(10) });
    let call_id = w.dialog(caller).call_id.clone();
    w.with(caller, |phone, now| phone.press_by_info(now, &call_id, '1'));
    w.until_talking(caller, duty);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_caller_whose_telephone_restarted_is_let_go_and_the_agent_is_free() {
    let mut w = World::new(136);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.phones[caller].forget();
    // The agent hangs up: our BYE to the caller is answered 481.
    w.hangs_up(agent);
    w.run(Duration::from_secs(2));
    assert_eq!(w.phase(agent), Some(Phase::Over(Ending::Mine)));
    w.settle();
    let other = w.citizen("13900002222");
    w.calls(other, "12345");
    w.until_talking(other, agent);
    w.hangs_up(other);
    w.settle();
}

#[test]
fn an_in_dialog_request_of_a_restarted_trunk_is_481_and_the_call_goes_on() {
    let mut w = World::new(137);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let bye = SipText::request("BYE", "sip:12345@192.0.2.201")
        .with("Via", format!("SIP/2.0/UDP {};branch=z9hG4bKnew", w.phones[caller].address))
        .with("Max-Forwards", "70")
        .with("From", "<sip:13900001111@198.51.100.101>;tag=new")
        .with("To", "<sip:12345@192.0.2.201>;tag=unknown")
        .with("Call-ID", "a-new-call-id")
        .with("CSeq", "1 BYE");
    w.with(caller, |phone, _| phone.say(&bye));
    w.run(Duration::from_secs(1));
    assert_eq!(w.phones[caller].got("481 BYE"), 1);
    assert!(w.talking(caller, agent));
    w.hangs_up(caller);
    w.settle();
}
