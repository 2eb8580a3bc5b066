//! REFER with Replaces: the agent has rung the target in a call of its own, and joins it with the citizen's call (traps
//! T28, T29, T31, T33, T40, T44).

use std::time::Duration;

use lianxian::call::command::Mode;
use lianxian::call::record::Trigger;
use lianxian::routing::config::{Class, PeerClass, Step, Trunk};
use lianxian::routing::gateway::Gateway;
use lianxian::sip::endpoint::{Transfers, TrunkAccess};
use lianxian::switch::Command;

use crate::world::phone::{Ending, Line, OnInvite, OnNotify, Phase};
use crate::world::sdp_writer::Direction;
use crate::world::sound::Sound;
use crate::world::{World, town};

const SECOND: Duration = Duration::from_secs(1);

/// The citizen's call is held by the agent, who has a call of its own to 110.
struct Consultation {
    w: World,
    caller: usize,
    agent: usize,
    seat: usize,
    /// The agent's dialog with the citizen.
    call: String,
    /// The agent's dialog with the seat.
    consultation: String,
}

impl Consultation {
    /// The seat has been rung by the agent, and does this with the INVITE.
    fn ringing(seed: u64, on_invite: OnInvite) -> Self {
        let mut w = World::new(seed);
        // Over its stream the agent is known without another challenge.
        let agent = w.agent_over("8001", Line::Tcp);
        let caller = w.citizen("13900001111");
        w.calls(caller, "12345");
        w.until_talking(caller, agent);
        let seat = w.seat();
        w.on_invite(seat, on_invite);
        let call = w.dialog(agent).call_id.clone();
        w.holds(agent);
        w.run(SECOND);
        w.must(w.hears_machine(caller), "music");
        w.calls(agent, "110");
        w.run(SECOND);
        let consultation = w.dialog(agent).call_id.clone();
        Self { w, caller, agent, seat, call, consultation }
    }

    /// Agent and seat talk.
    fn talking(seed: u64) -> Self {
        let mut story = Self::ringing(seed, OnInvite::Answer { after: SECOND });
        story.w.until_talking(story.agent, story.seat);
        story
    }

    /// REFER on the dialog with the citizen, naming the other one.
    fn joins(&mut self) {
        let (call, consultation) = (self.call.clone(), self.consultation.clone());
        self.w.transfers_to(self.agent, &call, &consultation);
    }

    /// REFER on the dialog of the consultation, naming the one with the citizen.
    fn joins_the_other_way_round(&mut self) {
        let (call, consultation) = (self.call.clone(), self.consultation.clone());
        self.w.transfers_to(self.agent, &consultation, &call);
    }

    fn phase(&self, call_id: &str) -> Option<Phase> {
        self.w.phones[self.agent].dialogs.iter().find(|dialog| dialog.call_id == call_id).map(|dialog| dialog.phase)
    }

    /// The citizen has the target, and the agent is free.
    fn has_gone_well(mut self) {
        self.w.until_talking(self.caller, self.seat);
        self.w.run(SECOND * 3);
        self.w.must(self.w.talking(self.caller, self.seat), "citizen and target are in talk");
        for call_id in [&self.call, &self.consultation] {
            let phase = self.phase(call_id);
            self.w.must(matches!(phase, Some(Phase::Over(_))), &format!("the agent is free, not {phase:?}"));
        }
        assert_eq!(self.w.phones[self.caller].got("INVITE"), 0, "the citizen's leg was not touched");
        assert_eq!(self.w.phones[self.seat].got("BYE"), 0);
        assert_eq!(self.w.product.callers_lost(), 0);
        self.w.hangs_up(self.seat);
        assert_eq!(self.w.until_over(self.caller), Ending::TheirBye);
        self.w.settle();
    }

    /// Nothing has become of it: the agent has the citizen.
    fn has_come_to_nothing(&mut self) {
        let (agent, call) = (self.agent, self.call.clone());
        self.w.must(self.phase(&call) == Some(Phase::Up), "the agent still has the citizen");
        if self.phase(&self.consultation) == Some(Phase::Up) {
            let consultation = self.consultation.clone();
            self.w.with(agent, |phone, now| phone.hang_up(now, &consultation));
        }
        self.w.run(SECOND);
        self.w.resumes(agent);
        let caller = self.caller;
        self.w.until_talking(caller, agent);
        self.w.settle();
    }
}

#[test]
fn the_target_has_the_citizen_and_the_agent_is_released_on_both_dialogs() {
    let mut story = Consultation::talking(480);
    story.joins();
    assert_eq!(story.w.until_reported(story.agent), 200);
    let seat = story.w.dialog(story.seat);
    assert_eq!(seat.remote_number(), "8001", "the agent had called");
    let told = story.w.ledger.legs[&seat.call_id].told_again.as_deref();
    assert_eq!(told, Some("13900001111"), "the seat is told whom it talks to now (T20)");
    let heard = &story.w.dialog(story.caller).heard;
    assert!(heard.longest_gap <= Duration::from_millis(60), "the citizen's gap: {:?}", heard.longest_gap);
    assert!(heard.count(Sound::Machine) > 0, "music while the agent held");
    story.has_gone_well();
}

#[test]
fn the_join_is_told_counted_and_recorded_once_with_its_own_times() {
    for (seed, rings, other_way) in [(505, false, false), (506, false, true), (507, true, false)] {
        let mut story = match rings {
            true => Consultation::ringing(seed, OnInvite::Answer { after: SECOND * 4 }),
            false => Consultation::talking(seed),
        };
        story.w.run(SECOND);
        let asked = story.w.now;
        if other_way {
            story.joins_the_other_way_round();
        } else {
            story.joins();
        }
        let (caller, seat) = (story.caller, story.seat);
        story.w.until_talking(caller, seat);
        story.w.run(SECOND * 4);
        let told: Vec<_> = story.w.ledger.steps.values().cloned().collect();
        assert_eq!(told, [["requested", "dialling", "ringing", "answered", "joined"]], "{rings} {other_way}");
        let counted = "lianxian_transfers_total{direction=\"12345_TO_110\",mode=\"consult\",result=\"success\"}";
        assert_eq!(story.w.product.metric(story.w.now, counted), Some(1.0), "{rings} {other_way}");
        story.w.hangs_up(seat);
        story.w.until_over(caller);
        story.w.settle();
        let shown = "lianxian_caller_id_presented_total{result=\"number\",trunk=\"police\"}";
        assert_eq!(story.w.product.metric(story.w.now, shown), Some(1.0), "one leg in two records is one leg");
        let [transfer] = story.w.ledger.transfers.as_slice() else { panic!("{:?}", story.w.ledger.transfers) };
        assert_eq!((transfer.trigger, transfer.mode), (Trigger::Refer, Mode::Consult));
        assert_eq!((transfer.agent.clone(), transfer.from.as_str()), (Some("8001".into()), "12345"));
        assert!(transfer.requested.since(asked) < SECOND / 2, "asked for by the REFER");
        let answered = transfer.answered.expect("it was");
        assert_eq!(answered > asked, rings, "answered when the target answered, in the consultation or after it");
        assert_eq!(transfer.attempts.len(), 1);
    }
}

#[test]
fn t17_the_held_citizen_hears_music_all_the_time_and_after_the_join_nobody_is_on_hold() {
    let mut story = Consultation::talking(504);
    let (caller, agent, seat) = (story.caller, story.agent, story.seat);
    for _ in 0..5 {
        story.w.run(SECOND);
        story.w.must(story.w.hears_machine(caller), "music while agent and target talk");
        story.w.must(!story.w.hears(caller, agent) && !story.w.hears(caller, seat), "and nobody else");
        story.w.must(!story.w.hears(seat, caller), "nor does the target hear the citizen yet");
    }
    story.joins();
    assert_eq!(story.w.until_reported(agent), 200);
    story.w.until_talking(caller, seat);
    story.w.run(SECOND);
    for party in [caller, seat] {
        let session = story.w.dialog(party).theirs.as_ref().map(|sdp| sdp.direction);
        assert_eq!(session, Some(Direction::Both), "party {party} is not on hold");
        story.w.must(!story.w.hears_machine(party), "no music any more");
    }
    let heard = &story.w.dialog(caller).heard;
    assert!(heard.longest_gap <= Duration::from_millis(200), "the citizen's gap: {:?}", heard.longest_gap);
    story.has_gone_well();
}

#[test]
fn an_agent_behind_a_pbx_joins_its_two_calls_as_well() {
    let mut w = World::new(496);
    let agent = office(&mut w);
    let caller = w.citizen("13900001111");
    let seat = w.seat();
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    let call = w.dialog(agent).call_id.clone();
    w.calls(agent, "110");
    w.until_talking(agent, seat);
    let consultation = w.dialog(agent).call_id.clone();
    let mut story = Consultation { w, caller, agent, seat, call, consultation };
    story.joins();
    assert_eq!(story.w.until_reported(story.agent), 200);
    story.has_gone_well();
}

#[test]
fn t33_two_citizens_of_one_pbx_are_not_joined() {
    let mut w = World::new(502);
    let agent = office(&mut w);
    let mut calls = Vec::new();
    for (number, hotline) in [("13900001111", "12345"), ("13900002222", "12319")] {
        let caller = w.citizen(number);
        w.calls(caller, hotline);
        w.until_talking(caller, agent);
        calls.push(w.dialog(agent).call_id.clone());
    }
    w.transfers_to(agent, &calls[0], &calls[1]);
    w.run(SECOND * 2);
    assert_eq!(w.referral(agent).answer, Some(603));
    assert!(w.phones[agent].dialogs.iter().all(|dialog| dialog.phase == Phase::Up), "both calls are as they were");
    w.settle();
}

/// The hotline's agents sit behind a PBX from now on.
fn office(w: &mut World) -> usize {
    let mut settings = town::settings();
    settings.sip.trunks.push(TrunkAccess {
        id: "office".into(),
        networks: vec!["172.21.0.0/16".parse().unwrap()],
        transfers: Transfers::Taken,
        ..settings.sip.trunks[0].clone()
    });
    settings.routing.trunks.push(Trunk {
        id: "office".into(),
        networks: vec!["172.21.0.0/16".parse().unwrap()],
        gateways: Gateway::in_order(["172.21.0.101:5060".parse().unwrap()]),
        class: PeerClass::Pbx,
        ..settings.routing.trunks[1].clone()
    });
    for row in settings.routing.hotlines.iter_mut().filter(|row| ["12345", "12319"].contains(&row.number.as_str())) {
        row.plan = vec![Step::Trunk { trunk: "office".into(), number: "6000".to_owned(), class: Class::Normal }];
    }
    w.reload(settings);
    w.add("6000", "172.21.0.101:5060".parse().unwrap(), Line::Udp)
}

#[test]
fn the_refer_may_come_on_the_consultation_as_well() {
    let mut story = Consultation::talking(481);
    story.joins_the_other_way_round();
    assert_eq!(story.w.until_reported(story.agent), 200);
    story.has_gone_well();
}

#[test]
fn asked_on_the_consultation_a_failure_ends_the_consultation_and_leaves_the_citizen_with_the_agent() {
    let mut story = Consultation::talking(497);
    story.joins_the_other_way_round();
    story.w.run(SECOND / 2);
    story.w.hangs_up(story.seat);
    assert_eq!(story.w.until_reported(story.agent), 480);
    story.w.run(SECOND);
    assert_eq!(story.phase(&story.consultation), Some(Phase::Over(Ending::TheirBye)));
    story.has_come_to_nothing();
}

#[test]
fn asked_on_the_consultation_a_telephone_that_ignores_the_last_report_is_let_go_all_the_same() {
    let mut story = Consultation::talking(503);
    story.w.phones[story.agent].manners.on_notify = OnNotify::Ignore;
    story.joins_the_other_way_round();
    story.w.run(SECOND / 2);
    story.w.hangs_up(story.seat);
    story.w.run(SECOND * 6);
    assert_eq!(story.phase(&story.consultation), Some(Phase::Over(Ending::TheirBye)));
    story.has_come_to_nothing();
}

#[test]
fn asked_on_the_consultation_the_agent_is_told_though_its_other_call_is_over() {
    for (seed, after_ms) in [(498, 60), (499, 400), (500, 1100)] {
        let mut story = Consultation::talking(seed);
        story.joins_the_other_way_round();
        story.w.run(Duration::from_millis(after_ms));
        let call = story.call.clone();
        story.w.with(story.agent, |phone, now| phone.hang_up(now, &call));
        assert_eq!(story.w.until_reported(story.agent), 200, "{after_ms} ms");
        story.has_gone_well();
    }
}

#[test]
fn whoever_is_left_when_the_daemon_ends_is_let_go_on_every_dialog() {
    let mut story = Consultation::talking(501);
    story.joins_the_other_way_round();
    story.w.run(SECOND / 2);
    story.w.judges_sleep = true;
    story.w.command(Command::ShutDown);
    story.w.run(SECOND * 2);
    for call_id in [&story.call, &story.consultation] {
        assert_eq!(story.phase(call_id), Some(Phase::Over(Ending::TheirBye)));
    }
    story.w.settle();
}

#[test]
fn a_target_that_still_rings_answers_the_citizen() {
    let mut story = Consultation::ringing(482, OnInvite::Answer { after: SECOND * 4 });
    assert_eq!(story.w.phase(story.seat), Some(Phase::Ringing));
    story.joins();
    story.w.run(SECOND);
    story.w.must(story.w.hears_machine(story.caller), "music while the target rings");
    assert_eq!(story.w.until_reported(story.agent), 200);
    assert_eq!(story.w.phones[story.seat].dialogs.len(), 1, "it was rung once");
    story.has_gone_well();
}

#[test]
fn a_target_that_rang_and_refuses_leaves_the_citizen_with_the_agent() {
    let mut story = Consultation::ringing(483, OnInvite::Refuse { code: 486, after: SECOND * 3 });
    story.joins();
    // The next seat group, then the duty desk of the town: nobody is there.
    assert_eq!(story.w.until_reported(story.agent), 486);
    story.has_come_to_nothing();
}

#[test]
fn a_target_that_hangs_up_at_once_has_not_taken_the_citizen() {
    let mut story = Consultation::talking(484);
    story.joins();
    story.w.run(SECOND / 2);
    story.w.hangs_up(story.seat);
    assert_eq!(story.w.until_reported(story.agent), 480);
    story.has_come_to_nothing();
}

#[test]
fn a_target_that_cannot_follow_leaves_the_citizen_with_the_agent() {
    let mut story = Consultation::talking(485);
    story.w.phones[story.seat].manners.refuses_offers = Some(488);
    story.joins();
    assert_eq!(story.w.until_reported(story.agent), 480);
    story.has_come_to_nothing();
}

#[test]
fn an_agent_who_hangs_up_after_its_refer_leaves_the_citizen_with_the_target() {
    for (seed, after_ms) in [(486, 0), (487, 60), (488, 300), (489, 1100)] {
        let mut story = Consultation::talking(seed);
        story.joins();
        story.w.run(Duration::from_millis(after_ms));
        for call_id in [story.call.clone(), story.consultation.clone()] {
            story.w.with(story.agent, |phone, now| phone.hang_up(now, &call_id));
        }
        if after_ms == 0 {
            // The BYE may overtake the REFER: then there was never a transfer, and the agent has ended its calls.
            story.w.run(SECOND * 5);
            story.w.settle();
        } else {
            story.has_gone_well();
        }
    }
}

#[test]
fn t29_what_names_no_dialog_or_one_that_talks_already_is_reported_as_it_would_be_by_the_target() {
    let mut story = Consultation::talking(490);
    let dialog = story.w.dialog(story.agent).clone();
    let to_tag = dialog.remote_tag.clone().unwrap();
    let (call_id, from_tag) = (dialog.call_id.replace('@', "%40"), dialog.local_tag.clone());
    for (value, code) in [
        (format!("{call_id}%3Bto-tag%3D{to_tag}%3Bfrom-tag%3Dother"), 481),
        (format!("{call_id}%3Bto-tag%3Dother%3Bfrom-tag%3D{from_tag}"), 481),
        (format!("nobody%3Bto-tag%3D{to_tag}%3Bfrom-tag%3D{from_tag}"), 481),
        (format!("{call_id}%3Bto-tag%3D{to_tag}%3Bfrom-tag%3D{from_tag}%3Bearly-only"), 486),
    ] {
        let call = story.call.clone();
        let refer_to = format!("<sip:110@192.0.2.201?Replaces={value}>");
        story.w.with(story.agent, |phone, now| phone.refer_to(now, &call, &refer_to));
        story.w.run(SECOND * 2);
        let referral = &story.w.phones[story.agent].dialogs[0].referral;
        assert_eq!((referral.answer, referral.reports.last()), (Some(202), Some(&(code, true))), "{value}");
        story.w.must(story.w.talking(story.agent, story.seat), "agent and target talk on");
    }
    story.has_come_to_nothing();
}

#[test]
fn two_consultations_are_not_joined() {
    let mut story = Consultation::talking(491);
    let other = story.w.agent("8002");
    story.w.with(story.agent, |phone, now| {
        phone.call(now, "12345");
    });
    story.w.until_talking(story.agent, other);
    let third = story.w.dialog(story.agent).call_id.clone();
    let consultation = story.consultation.clone();
    story.w.transfers_to(story.agent, &consultation, &third);
    story.w.run(SECOND * 2);
    assert_eq!(story.w.referral(story.agent).answer, Some(403));
    // Nor is a colleague of the same hotline a target.
    let call = story.call.clone();
    story.w.transfers_to(story.agent, &call, &third);
    story.w.run(SECOND * 2);
    assert_eq!(story.w.phones[story.agent].dialogs[0].referral.answer, Some(603));
    story.w.must(story.w.talking(story.agent, other), "they talk on");
    story.w.settle();
}

#[test]
fn a_citizen_who_hangs_up_takes_everybody_along() {
    for (seed, after_ms) in [(492, 20), (493, 200), (494, 900), (495, 1500)] {
        let mut story = Consultation::talking(seed);
        story.joins();
        story.w.run(Duration::from_millis(after_ms));
        story.w.hangs_up(story.caller);
        story.w.run(SECOND * 3);
        let phase = story.w.phase(story.seat);
        story.w.must(matches!(phase, Some(Phase::Over(_))), &format!("{after_ms} ms: the target is {phase:?}"));
        story.w.settle();
    }
}
