//! REFER and Replaces of those who may not: a carrier, a colleague, somebody who smuggles headers (T7, T45, V21, V22, V48).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::Line;

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
