//! What must hold after every step, whatever happened: one function, [`after`], called by the world each time.
//!
//! Each invariant is a small function that bears its number (reference: promises, I1 to I45) and judges from what was
//! seen on the wire, never from what the product says of itself, except where the invariant is about just that.

mod caller;
mod identity;
mod journal;
mod media;
mod resources;
mod sip;
mod tickets;
mod transfers;

use std::collections::BTreeSet;

use lianxian::base::time::Instant;
use lianxian::metrics::Exposition;

use super::ledger::Ledger;
use super::phone::Phone;
use super::step::{Effect, Step};
use super::store::SimStore;

/// An invariant that did not hold.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Its number, such as `I12`.
    pub number: &'static str,
    /// What was seen.
    pub seen: String,
    /// When.
    pub at: Instant,
    /// What the wall clock said then.
    pub wall_s: i64,
}

/// What an invariant says: nothing, or what it saw.
pub type Verdict = Result<(), String>;

/// What the judges may look at besides the ledger.
pub struct Scene<'a> {
    /// The parties.
    pub phones: &'a [Phone],
    /// The numbers that the configuration lets the product dial.
    pub dialable: &'a BTreeSet<String>,
    /// Whether a caller may be refused in this story (404, 503 ..).
    pub refusals_expected: bool,
    /// Whether telephones are told success right behind the 202 in this story (trap T43).
    pub success_at_once: bool,
    /// Whether a planted panic is expected in this story.
    pub panics_expected: bool,
    /// The next deadline of the product.
    pub next_timeout: Option<Instant>,
    /// Whether it is time to look for what is late.
    pub look: bool,
    /// The farthest deadline of the product, when it is time to look.
    pub latest_timer: Option<Instant>,
    /// What the wall clock says, in seconds since 1970.
    pub wall_s: i64,
    /// The store.
    pub store: &'a SimStore,
    /// What an operator reads of the product.
    pub metrics: &'a Exposition,
}

type EffectJudge = fn(&Ledger, &Scene<'_>, &Step, &Effect) -> Verdict;
type StepJudge = fn(&Ledger, &Scene<'_>, &Step) -> Verdict;
type EndJudge = fn(&Ledger, &Scene<'_>, Instant) -> Verdict;

/// Judged for each thing that comes out, before it is entered in the ledger.
const EACH_EFFECT: &[(&str, EffectJudge)] = &[
    ("I16", caller::i16_nobody_is_released_before_the_target_answers),
    ("I1", sip::i1_one_final_response),
    ("I2", sip::i2_no_response_to_ack_or_response),
    ("I4", sip::i4_repeated_request_has_no_second_effect),
    ("I5", sip::i5_our_cseq_grows),
    ("I6", sip::i6_one_reinvite_at_a_time),
    ("I7", sip::i7_sdp_version_counts_changes),
    ("I8", sip::i8_nothing_of_one_leg_on_another),
    ("I11", resources::i11_port_owned_once_and_quarantined),
    ("I12", media::i12_sound_stays_in_its_call),
    ("I13", media::i13_sound_goes_where_sdp_says),
    ("I14", media::i14_nobody_hears_himself),
    ("I19", caller::i19_caller_is_not_hung_up),
    ("I21", identity::i21_the_callers_number_is_shown),
    ("I22", identity::i22_a_withheld_number_stays_in_the_trust_domain),
    ("I23", identity::i23_what_a_stranger_asserts_goes_nowhere),
    ("I24", sip::i24_only_configured_numbers_are_dialled),
    ("I25", tickets::i25_a_tag_says_that_the_target_took_the_call),
    ("I25", tickets::i25_records_are_kept_apart),
    ("I26", journal::i26_a_success_is_on_disk_before_it_is_told),
    ("I28", journal::i28_entries_come_in_order),
    ("I35", resources::i35_no_panic),
    ("I39", caller::i39_an_emergency_is_admitted),
    ("I43", sip::i43_max_forwards_falls),
    ("I45", caller::i45_every_end_has_a_cause),
    ("T38", transfers::t38_a_transfer_is_told_from_its_beginning_to_its_one_end),
    ("T38", transfers::t38_no_transfer_is_left_open_by_its_call),
    ("I45", journal::i45_the_journal_has_every_end_and_its_cause),
    ("I45", journal::i45_record_and_journal_agree),
    ("T30", journal::t30_joined_calls_are_one_contact),
    ("I45", tickets::i45_a_record_has_the_cause),
    ("T39", tickets::t39_results_are_true),
];

/// Judged once after each step.
const EACH_STEP: &[(&str, StepJudge)] = &[
    ("I5", sip::i5_lower_cseq_does_not_act),
    ("I10", resources::i10_no_timer_beyond_a_day),
    ("I36", resources::i36_outputs_are_bounded),
    ("I37", resources::i37_time_never_goes_back),
];

/// Judged after a step, but at most every 100 ms of virtual time: they wait for something to be late.
const NOW_AND_THEN: &[(&str, StepJudge)] = &[
    ("I3", sip::i3_every_2xx_is_acknowledged),
    ("I14", media::i14_both_hear_each_other),
    ("I15", caller::i15_caller_hears_somebody),
    ("I17", caller::i17_failure_of_the_service_leg_is_not_silence),
    ("I18", caller::i18_hang_up_is_carried_out),
    ("I44", media::i44_keys_once_and_in_order),
];

/// Judged at the end, when everything has settled.
const AT_THE_END: &[(&str, EndJudge)] = &[
    ("I1", sip::i1_every_invite_was_answered),
    ("I41", sip::i41_every_refer_was_settled),
    ("I25", tickets::i25_every_transfer_was_told_once),
    ("I31", resources::i31_counters_agree),
    ("I45", journal::i45_every_journal_ends),
];

/// Takes one step into the ledger and judges it.
pub fn after(ledger: &mut Ledger, scene: &Scene<'_>, step: &Step) -> Vec<Violation> {
    let mut violations = Vec::new();
    ledger.enter_cause(step);
    for effect in &step.effects {
        for (number, judge) in EACH_EFFECT {
            note(&mut violations, number, (step.at, scene), judge(ledger, scene, step, effect));
        }
        ledger.enter_effect(step.at, effect);
    }
    for (number, judge) in EACH_STEP {
        note(&mut violations, number, (step.at, scene), judge(ledger, scene, step));
    }
    if scene.look {
        for (number, judge) in NOW_AND_THEN {
            note(&mut violations, number, (step.at, scene), judge(ledger, scene, step));
        }
    }
    ledger.last_step_at = step.at;
    violations
}

/// Judges what must hold when all is over.
pub fn at_the_end(ledger: &Ledger, scene: &Scene<'_>, now: Instant) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, judge) in AT_THE_END {
        note(&mut violations, number, (now, scene), judge(ledger, scene, now));
    }
    violations
}

fn note(violations: &mut Vec<Violation>, number: &'static str, when: (Instant, &Scene<'_>), verdict: Verdict) {
    if let Err(seen) = verdict {
        violations.push(Violation { number, seen, at: when.0, wall_s: when.1.wall_s });
    }
}
