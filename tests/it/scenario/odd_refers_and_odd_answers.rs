//! What has crashed the REFER path of others: two REFERs at once, odd Refer-To forms, a target that declines, one that
//! answers without SDP (trap T13).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, Line, OnInvite, Phase};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn of_two_refers_at_once_one_is_accepted_and_the_target_is_dialled_once() {
    for (seed, line) in [(484, Line::Udp), (485, Line::Tcp)] {
        let mut w = World::new(seed);
        let (agent, caller) = (w.agent_over("8001", line), w.citizen("13900001111"));
        w.calls(caller, "12345");
        w.until_talking(caller, agent);
        let seat = w.seat();
        w.on_invite(seat, OnInvite::Answer { after: SECOND * 2 });
        w.transfers(agent, "110");
        w.transfers(agent, "110");
        w.run(SECOND);
        assert_eq!((w.phones[agent].got("202 REFER"), w.phones[agent].got("491 REFER")), (1, 1), "{line:?}");
        w.until_talking(caller, seat);
        assert_eq!(w.until_over(agent), Ending::TheirBye);
        assert_eq!(w.phones[seat].dialogs.len(), 1, "{line:?}: the target was dialled once");
        w.settle();
    }
}

#[test]
fn whatever_stands_in_refer_to_the_call_goes_on_and_the_next_press_works() {
    let long = format!("<sip:{}@192.0.2.201>", "1".repeat(8000));
    // 400: it cannot be read; 403: it asks for what no REFER may; 603: it names nobody of ours.
    let forms = [
        ("", 400),
        ("<>", 400),
        ("<sip:>", 400),
        ("<sip:192.0.2.201>", 603),
        ("<sip:@192.0.2.201>", 603),
        ("<mailto:110@192.0.2.201>", 403),
        ("<http://192.0.2.201/110>", 403),
        ("<urn:service:sos>", 403),
        ("<sip:110@192.0.2.201", 400),
        ("<sip:110@192.0.2.201?Replaces=>", 400),
        ("<sip:%31%31%30%00@192.0.2.201>", 403),
        ("<sip:110@192.0.2.201>, <sip:12345@192.0.2.201>", 400),
        (long.as_str(), 400),
    ];
    let mut w = World::new(486);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let call_id = w.dialog(agent).call_id.clone();
    let mut seen = Vec::new();
    for (refer_to, _) in forms {
        w.with(agent, |phone, now| phone.refer_to(now, &call_id, refer_to));
        w.run(SECOND);
        let code = w.referral(agent).answer;
        seen.push((refer_to.chars().take(70).collect::<String>(), code));
        w.must(w.talking(caller, agent), &format!("{refer_to}: they talk on"));
    }
    let wanted: Vec<_> = forms.iter().map(|(form, code)| (form.chars().take(70).collect(), Some(*code))).collect();
    assert_eq!(seen, wanted);
    assert_eq!(w.ledger.counts.get("dialled"), Some(&1), "nobody but the agent was ever dialled");
    let seat = w.seat();
    w.with(agent, |phone, now| phone.refer_to(now, &call_id, "\"Police\" <sip:%31%31%30@192.0.2.201;user=phone>;x=1"));
    w.until_talking(caller, seat);
    w.settle();
}

#[test]
fn a_target_that_answers_without_sdp_is_let_go_and_the_two_talk_on() {
    for (seed, agent_leaves) in [(487, false), (488, true)] {
        let mut w = World::new(seed);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        w.phones[seat].manners.answers_without_sdp = true;
        w.phones[agent].manners.bye_after_refer = agent_leaves.then_some(SECOND / 4);
        w.transfers(agent, "110");
        let over = w.run_until(SECOND * 5, |w| matches!(w.phase(seat), Some(Phase::Over(_))));
        w.must(over, "a callee without sound is no callee");
        assert_eq!(w.phase(seat), Some(Phase::Over(Ending::TheirBye)), "acknowledged and hung up");
        if !agent_leaves {
            assert_ne!(w.until_reported(agent), 200);
        }
        // Given back, if the agent has left; never parted from it, if not.
        w.until_talking(caller, agent);
        assert_eq!(w.product.callers_lost(), 0);
        w.settle();
    }
}

#[test]
fn a_bye_right_behind_the_refer_frees_the_agent_and_keeps_the_caller() {
    for (seed, line) in [(489, Line::Udp), (490, Line::Tcp)] {
        let mut w = World::new(seed);
        let (agent, caller) = (w.agent_over("8001", line), w.citizen("13900001111"));
        w.calls(caller, "12345");
        w.until_talking(caller, agent);
        let seat = w.seat();
        w.on_invite(seat, OnInvite::Answer { after: SECOND * 2 });
        w.transfers(agent, "110");
        // The 202 is still on its way.
        w.hangs_up(agent);
        w.run(SECOND);
        assert_eq!(w.phase(agent), Some(Phase::Over(Ending::Mine)), "{line:?}");
        assert_eq!(w.phones[agent].got("200 BYE"), 1, "{line:?}");
        w.must(w.hears_machine(caller), "ringback");
        w.until_talking(caller, seat);
        assert_eq!(w.product.callers_lost(), 0);
        w.settle();
    }
}
