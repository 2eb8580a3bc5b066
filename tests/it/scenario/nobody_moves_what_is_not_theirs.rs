//! REFER and Replaces of those who may not: a carrier, a colleague, somebody who smuggles headers (T7, T33, T45, V21, V22,
//! V48).

use std::time::Duration;

use lianxian::routing::config::PeerClass;
use lianxian::sip::endpoint::Transfers;

use crate::world::phone::{Ending, Line, Phase};
use crate::world::{World, town};

#[test]
fn a_carriers_refer_and_a_smuggled_header_change_nothing() {
    let mut w = World::new(910);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.transfers(caller, "110");
    w.run(Duration::from_secs(2));
    assert_eq!(w.referral(caller).answer, Some(603), "a carrier moves no call");
    let call_id = w.dialog(agent).call_id.clone();
    for (refer_to, answer) in [
        ("<sip:110@192.0.2.201?P-Asserted-Identity=%3Csip%3A1%40h%3E>", 403),
        ("<sip:110@192.0.2.201;method=BYE>", 403),
        ("110", 400),
    ] {
        w.with(agent, |phone, now| phone.refer_to(now, &call_id, refer_to));
        w.run(Duration::from_secs(2));
        assert_eq!(w.referral(agent).answer, Some(answer), "{refer_to}");
    }
    w.must(w.talking(caller, agent), "they talk on");
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn v22_v48_a_colleagues_dialog_is_neither_replaced_nor_joined() {
    let mut w = World::new(911);
    let (caller, agent) = w.caller_and_agent_in_talk();
    // Over its stream the colleague is known without another challenge.
    let (other_caller, colleague) = (w.citizen("13900002222"), w.agent_over("8002", Line::Tcp));
    w.refusals_expected = true;
    w.calls(other_caller, "12345");
    w.until_talking(other_caller, colleague);
    // The colleague has learnt the three values of the agent's dialog, and uses them as its own.
    let victim = w.dialog(agent).clone();
    w.phones[colleague].dialogs.insert(0, victim.clone());
    let own = w.dialog(colleague).call_id.clone();
    w.transfers_to(colleague, &own, &victim.call_id);
    w.run(Duration::from_secs(2));
    assert_eq!(w.referral(colleague).answer, Some(403));
    w.calls_replacing(colleague, "12345", &victim.call_id);
    w.run(Duration::from_secs(2));
    assert_eq!(w.phones[colleague].got("403 INVITE"), 1, "{:?}", w.phones[colleague].log);
    w.phones[colleague].dialogs.remove(0);
    w.must(w.talking(caller, agent), "the victims talk on");
    w.hangs_up(caller);
    w.hangs_up(other_caller);
    w.settle();
}

#[test]
fn t33_on_the_dialog_of_its_consultation_the_agent_moves_nobody() {
    let mut w = World::new(912);
    let agent = w.agent_over("8001", Line::Tcp);
    let (caller, seat) = (w.citizen("13900001111"), w.seat());
    let county = w.add("96110", town::county(0), Line::Udp);
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    let call = w.dialog(agent).call_id.clone();
    w.calls(agent, "110");
    w.until_talking(agent, seat);
    // In the consultation the agent is the caller: there is nobody behind that dialog whom it could hand on.
    w.transfers(agent, "96110");
    w.run(Duration::from_secs(3));
    assert_eq!(w.referral(agent).answer, Some(403));
    assert_eq!(w.phones[county].got("INVITE"), 0, "nothing is dialled");
    w.must(w.talking(agent, seat), "the consultation goes on");
    assert_eq!(w.phase(caller), Some(Phase::Up), "and so does the citizen's call");
    // On the other one it is the citizen who is moved, and only the citizen.
    w.with(agent, |phone, now| phone.refer(now, &call, "96110"));
    w.until_talking(caller, county);
    w.run(Duration::from_secs(3));
    w.must(w.talking(caller, county) && w.talking(agent, seat), "the consultation is untouched");
    w.hangs_up(caller);
    w.hangs_up(seat);
    w.settle();
}

#[test]
fn t33_the_targets_refer_waits_while_it_is_on_trial_and_then_moves_the_citizen() {
    let mut w = World::new(913);
    let mut settings = town::settings();
    for access in settings.sip.trunks.iter_mut().filter(|access| access.id.as_str() == "police") {
        access.transfers = Transfers::Taken;
    }
    for row in settings.routing.trunks.iter_mut().filter(|row| row.id.as_str() == "police") {
        row.class = PeerClass::Linkage;
    }
    w.reload(settings);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let (seat, county) = (w.seat(), w.add("96110", town::county(0), Line::Udp));
    w.transfers(agent, "110");
    let up = w.run_until(Duration::from_secs(5), |w| w.phase(seat) == Some(Phase::Up));
    w.must(up, "the target has answered");
    w.transfers(seat, "96110");
    w.run(Duration::from_millis(200));
    assert_eq!(w.referral(seat).answer, Some(491), "a transfer is under way");
    assert_eq!(w.phones[county].got("INVITE"), 0);
    w.until_talking(caller, seat);
    assert_eq!(w.until_over(agent), Ending::TheirBye, "the agent's transfer has gone on");
    w.transfers(seat, "96110");
    w.until_talking(caller, county);
    assert_eq!(w.until_over(seat), Ending::TheirBye, "whoever asked is released, and nobody else");
    w.run(Duration::from_secs(2));
    w.must(w.talking(caller, county), "they talk on");
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn t33_a_refer_with_somebody_elses_call_id_moves_nobody() {
    let mut w = World::new(914);
    let (caller, agent) = w.caller_and_agent_in_talk();
    // Over its stream the colleague is known without another challenge.
    let (colleague, seat) = (w.agent_over("8002", Line::Tcp), w.seat());
    let victim = w.dialog(agent).clone();
    w.phones[colleague].dialogs.insert(0, victim.clone());
    w.with(colleague, |phone, now| phone.refer(now, &victim.call_id, "110"));
    w.run(Duration::from_secs(3));
    assert_eq!(w.referral(colleague).answer, None, "whoever speaks in somebody else's dialog meets silence");
    assert_eq!(w.phones[seat].got("INVITE"), 0, "nothing is dialled");
    w.phones[colleague].dialogs.remove(0);
    w.must(w.talking(caller, agent), "the victims talk on");
    w.hangs_up(caller);
    w.settle();
}
