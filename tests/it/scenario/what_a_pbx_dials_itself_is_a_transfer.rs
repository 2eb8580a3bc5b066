//! A PBX that dials 110 itself for its agent: in the citizen's call it is a transfer like any other, with one record, one
//! count and one end, whatever becomes of it.

use std::time::Duration;

use lianxian::call::command::Mode;
use lianxian::call::record::{Outcome, TransferRecord, Trigger};
use lianxian::routing::config::CorrelateBy;

use super::a_pbx_dials_110_itself::{CITIZEN, OFFICE, dials_110_for, office_in_talk, user_to_user, world};
use crate::world::World;
use crate::world::phone::{OnInvite, Phase};

const SECOND: Duration = Duration::from_secs(1);

/// The office's PBX, in talk with a citizen, has dialled 110 for its agent; there is one seat, which does that.
struct Story {
    w: World,
    office: usize,
    citizen: usize,
    seat: usize,
    /// Call-ID of the citizen's leg at the PBX.
    call: String,
}

impl Story {
    fn new(seed: u64, on_invite: OnInvite) -> Self {
        let mut w = world(seed, &[CorrelateBy::UserToUser]);
        let (office, citizen) = office_in_talk(&mut w, CITIZEN);
        let seat = w.seat();
        w.on_invite(seat, on_invite);
        let (call, told) = (w.dialog(office).call_id.clone(), user_to_user(&w, office));
        let headers = [("User-to-User", told), ("X-Agent-Number", "6001".to_owned())];
        dials_110_for(&mut w, office, CITIZEN, &headers);
        Self { w, office, citizen, seat, call }
    }

    /// What was told of the one transfer.
    fn steps(&self) -> Vec<&'static str> {
        assert_eq!(self.w.ledger.steps.len(), 1, "one press, one transfer");
        self.w.ledger.steps.values().next().cloned().unwrap_or_default()
    }

    fn counted(&self, result: &str) -> f64 {
        let series =
            format!("lianxian_transfers_total{{direction=\"OTHER_TO_110\",mode=\"consult\",result=\"{result}\"}}");
        self.w.product.metric(self.w.now, &series).unwrap_or_default()
    }

    /// Everybody hangs up: the one transfer in the citizen's record, which was counted once.
    fn over(mut self, result: &str) -> TransferRecord {
        self.w.run(SECOND);
        if self.w.phase(self.citizen) == Some(Phase::Up) {
            self.w.hangs_up(self.citizen);
        }
        self.w.run(SECOND);
        if matches!(self.w.phase(self.office), Some(Phase::Up)) {
            self.w.hangs_up(self.office);
        }
        self.w.settle();
        assert_eq!(self.counted(result), 1.0, "{result}");
        let all = ["success", "busy", "no_answer", "rejected", "failed", "cancelled", "abandoned", "unknown"];
        assert_eq!(all.into_iter().map(|result| self.counted(result)).sum::<f64>(), 1.0, "and as nothing else");
        let [transfer] = self.w.ledger.transfers.as_slice() else { panic!("{:?}", self.w.ledger.transfers) };
        transfer.clone()
    }
}

#[test]
fn it_has_succeeded_when_the_target_has_taken_the_call() {
    let mut story = Story::new(761, OnInvite::Answer { after: SECOND * 2 });
    let asked = story.w.now;
    story.w.run(SECOND);
    assert_eq!(story.steps(), ["requested", "dialling", "ringing"]);
    story.w.run(SECOND * 3 / 2);
    assert_eq!(story.steps(), ["requested", "dialling", "ringing", "answered"]);
    assert_eq!(story.counted("success"), 0.0, "it has answered half a second ago, and may still hang up (promise 3)");
    story.w.run(SECOND);
    assert_eq!(story.steps(), ["requested", "dialling", "ringing", "answered", "joined"]);
    assert_eq!(story.counted("success"), 1.0);
    let transfer = story.over("success");
    assert_eq!((transfer.trigger, transfer.mode), (Trigger::NewInvite, Mode::Consult));
    assert_eq!(transfer.agent, Some("6001".into()));
    assert_eq!((transfer.from.as_str(), transfer.decision.hotline.as_str()), (OFFICE, "110"));
    let answered = transfer.answered.expect("it was").since(transfer.requested);
    assert!(transfer.requested.since(asked) < SECOND / 10, "when the PBX's INVITE came");
    assert!((SECOND * 2..SECOND * 5 / 2).contains(&answered), "when 110 answered: {answered:?} later");
    let [target] = transfer.targets.as_slice() else { panic!("{:?}", transfer.targets) };
    assert!(matches!(transfer.ended, Some((_, Outcome::Succeeded(leg))) if leg == target.leg));
    assert!(target.presented.is_some(), "what 110 was shown of the citizen");
}

#[test]
fn a_target_that_hangs_up_at_once_has_not_taken_it() {
    let mut story = Story::new(762, OnInvite::Answer { after: SECOND });
    story.w.until_talking(story.office, story.seat);
    story.w.run(SECOND / 2);
    story.w.hangs_up(story.seat);
    story.w.run(SECOND);
    assert_eq!(story.steps(), ["requested", "dialling", "ringing", "answered", "not_taken", "failed"]);
    assert_eq!(story.over("no_answer").answered, None);
}

#[test]
fn a_pbx_that_hangs_up_first_has_given_it_up() {
    for (seed, answered) in [(763, false), (764, true)] {
        let after = if answered { SECOND } else { SECOND * 60 };
        let mut story = Story::new(seed, OnInvite::Answer { after });
        story.w.run(SECOND * 3 / 2);
        story.w.hangs_up(story.office);
        story.w.run(SECOND);
        let rang = ["requested", "dialling", "ringing"].into_iter();
        let told: Vec<_> = rang.chain(answered.then_some("answered")).chain(["cancelled"]).collect();
        assert_eq!(story.steps(), told);
        assert_eq!(story.w.phase(story.citizen), Some(Phase::Up), "the citizen's call is untouched");
        assert_eq!(story.over("cancelled").answered, None);
    }
}

#[test]
fn a_citizen_who_hangs_up_meanwhile_has_abandoned_it() {
    let mut story = Story::new(765, OnInvite::Answer { after: SECOND * 4 });
    story.w.run(SECOND);
    story.w.hangs_up(story.citizen);
    story.w.run(SECOND * 6);
    assert_eq!(story.steps(), ["requested", "dialling", "ringing", "abandoned"], "an answer that comes later is none");
    assert_eq!(story.over("abandoned").answered, None);
}

#[test]
fn a_refer_that_joins_the_two_calls_goes_on_with_the_same_record() {
    for (seed, after, told) in [
        (766, SECOND / 5, ["requested", "dialling", "ringing", "answered", "joined"]),
        (767, SECOND * 4, ["requested", "dialling", "ringing", "answered", "joined"]),
    ] {
        for joins_after in [SECOND / 2, SECOND * 2] {
            let mut story = Story::new(seed, OnInvite::Answer { after });
            story.w.run(joins_after);
            let (office, consultation) = (story.office, story.w.dialog(story.office).call_id.clone());
            let call = story.call.clone();
            story.w.transfers_to(office, &call, &consultation);
            assert_eq!(story.w.until_reported(office), 200, "{after:?}, joined after {joins_after:?}");
            story.w.until_talking(story.citizen, story.seat);
            story.w.run(SECOND * 3);
            assert_eq!(story.steps(), told, "{after:?}, joined after {joins_after:?}");
            let transfer = story.over("success");
            assert_eq!((transfer.trigger, transfer.mode), (Trigger::NewInvite, Mode::Consult));
        }
    }
}

#[test]
fn each_message_may_be_followed_by_a_restart() {
    let mut story = Story::new(768, OnInvite::Answer { after: SECOND });
    for _ in 0..40 {
        story.w.run(SECOND / 10);
        for call in story.w.product.calls() {
            story.w.restore(call);
        }
    }
    assert_eq!(story.steps(), ["requested", "dialling", "ringing", "answered", "joined"]);
    story.over("success");
}
