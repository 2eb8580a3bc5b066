//! Names, closed labels, and totals that are followed.

use super::*;
use crate::base::ids::{CallId, HotlineId, LegId, TransferId, TrunkId};
use crate::base::time::Instant;
use crate::call::command::{Mode, Urgency};
use crate::call::notice::{CallerLoss, Notice, RefusedFor, TransferStep, What};
use crate::call::record::{Trigger, Who};
use crate::media::counters::Counters;
use crate::routing::config::Priority;
use crate::routing::decision::{Answering, Referral};
use crate::routing::{CallerId, Decision};
use crate::sip::fact::{Observation, Peer};

fn value(text: &str, series: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned))
}

fn notice(what: What) -> Notice {
    Notice { call: CallId(7), at: Instant::START, what }
}

#[test]
fn a_lost_caller_and_a_message_are_counted_under_their_documented_names() {
    let (mut recorder, exposition) = create();
    assert_eq!(value(&exposition.text(), "lianxian_caller_lost_total").as_deref(), Some("0"), "0 is shown, not absent");
    recorder.notice(&notice(What::CallerLost(CallerLoss::DeadAir)));
    recorder.observe(&Observation::Request { method: "INVITE", inbound: true });
    recorder.observe(&Observation::Response { code: 486, inbound: false });
    recorder.observe(&Observation::ParseError { reason: "not_sip" });
    recorder.notice(&notice(What::Refused { code: 503, why: RefusedFor::CallLimit }));
    let text = exposition.text();
    for series in [
        "lianxian_caller_lost_total",
        "lianxian_sip_requests_total{dir=\"in\",method=\"INVITE\"}",
        "lianxian_sip_responses_total{code_class=\"4xx\",dir=\"out\"}",
        "lianxian_sip_parse_errors_total{reason=\"not_sip\"}",
        "lianxian_calls_refused_total{reason=\"call_limit\"}",
        "lianxian_up",
    ] {
        assert_eq!(value(&text, series).as_deref(), Some("1"), "{series} in\n{text}");
    }
    assert!(text.contains("lianxian_build_info{commit="));
    assert!(text.contains("process_open_fds"));
}

#[test]
fn totals_are_followed_and_a_restarted_worker_does_not_run_backwards() {
    let (mut recorder, exposition) = create();
    let lost = |packets| Counters { lost_packets: packets, opened: 3, closed: 1, ..Counters::default() };
    for (total, shown) in [(5, "5"), (5, "5"), (9, "9"), (2, "9"), (3, "10")] {
        recorder.media(&lost(total));
        assert_eq!(value(&exposition.text(), "lianxian_rtp_lost_packets_total").as_deref(), Some(shown));
    }
    assert_eq!(value(&exposition.text(), "lianxian_rtp_legs").as_deref(), Some("2"));
}

#[test]
fn each_leg_that_closed_is_in_the_jitter_once() {
    let (mut recorder, exposition) = create();
    for jitter in [[2, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0], [2, 0, 1, 0, 0, 0, 1]] {
        recorder.media(&Counters { jitter, ..Counters::default() });
    }
    for (series, shown) in [("bucket{le=\"0.005\"}", "2"), ("bucket{le=\"0.02\"}", "3"), ("count", "4")] {
        let series = format!("lianxian_rtp_jitter_seconds_{series}");
        assert_eq!(value(&exposition.text(), &series).as_deref(), Some(shown), "{series}");
    }
}

#[test]
fn v31_a_hundred_thousand_callers_make_no_new_series() {
    let (mut recorder, exposition) = create();
    let call = |recorder: &mut Recorder, number: u64| {
        let caller = crate::base::pii::Pii::new(format!("139{number:08}"));
        let hotline = HotlineId::from("12345");
        let (leg, who) = (LegId(number), Who::Caller(Peer::Trunk(TrunkId::from("city"))));
        recorder.notice(&notice(What::Arrived { hotline, priority: Priority::Normal, caller, leg, who }));
        recorder.observe(&Observation::Request { method: "other", inbound: true });
        recorder.observe(&Observation::Response { code: 100 + u16::try_from(number % 600).unwrap(), inbound: true });
    };
    for number in 0..600 {
        call(&mut recorder, number);
    }
    let series = exposition.text().lines().count();
    for number in 0..100_000 {
        call(&mut recorder, number);
    }
    let text = exposition.text();
    assert_eq!(text.lines().count(), series);
    assert!(!text.contains("139000"), "no caller's number is shown");
}

#[test]
fn t38_a_transfer_whose_call_was_restored_after_a_fault_is_no_success_and_nothing_is_kept_of_it() {
    let (mut recorder, exposition) = create();
    let mut step = |step| recorder.notice(&notice(What::Transfer { transfer: TransferId(1), step }));
    let decision = std::sync::Arc::new(Decision {
        hotline: HotlineId::from("110"),
        priority: Priority::Emergency,
        answering: Answering::ByPerson,
        announcement: None,
        ring_timeout: std::time::Duration::from_secs(20),
        plan: Vec::new(),
        territory: None,
        caller_id: CallerId::plain("13900001111"),
        referral: Some(Referral { agent: None, hotline: HotlineId::from("12345") }),
        why: Vec::new(),
    });
    let (trigger, mode, urgency) = (Trigger::Refer, Mode::OneClick, Urgency::Urgent);
    step(TransferStep::Requested { trigger, mode, urgency, decision });
    step(TransferStep::Answered { leg: LegId(3) });
    step(TransferStep::Unknown);
    // What comes behind the end changes nothing.
    step(TransferStep::Joined { leg: LegId(3) });
    let text = exposition.text();
    let total = |result: &str| {
        let labels = format!("direction=\"12345_TO_110\",mode=\"one_click\",result=\"{result}\"");
        value(&text, &format!("lianxian_transfers_total{{{labels}}}"))
    };
    assert_eq!(total("unknown").as_deref(), Some("1"));
    assert_eq!(total("success").as_deref(), Some("0"));
    assert!(!text.contains("lianxian_transfer_press_to_answer_seconds_count"), "no answer that counts");
}
