//! What `hotlines.toml` may say, and of whom.

use super::territories::service;
use super::{Files, Staff, at_most, call_target, number, unique};
use crate::base::organisation::{is_credit_code, is_police_code};
use crate::base::tag;
use crate::config::Problem;
use crate::config::schema::{HotlineEntry, StepEntry};
use crate::routing::config::Platform;

/// The short numbers of a province, its ordinary numbers included.
const HOTLINES: usize = 2_000;

/// Each is compared with every key that an agent presses.
const FEATURE_CODES: usize = 100;

pub(super) fn hotlines(files: &Files<'_>, staff: &Staff<'_>, problems: &mut Vec<Problem>) {
    let file = files.hotlines;
    unique(file, file.value.hotline.iter().map(|hotline| &hotline.number), "hotline.number", problems);
    at_most(file, file.value.hotline.iter().map(|hotline| &hotline.number), HOTLINES, "hotline.number", problems);
    for hotline in &file.value.hotline {
        number(file, &hotline.number, "hotline.number", problems);
        if !(5..=180).contains(hotline.ring_timeout_s.get_ref()) {
            let wrong = format!("{} s", hotline.ring_timeout_s.get_ref());
            problems.push(file.problem(&hotline.ring_timeout_s, "hotline.ring_timeout_s", wrong, "5 to 180"));
        }
        if hotline.plan.get_ref().is_empty() {
            let wrong = format!("hotline {} has no step: nobody would be called", hotline.number.get_ref());
            problems.push(file.problem(&hotline.plan, "hotline.plan", wrong, STEP));
        }
        for step in hotline.plan.get_ref() {
            let StepEntry { group, trunk, number, class: _ } = step.get_ref();
            call_target(file, staff, "hotline.plan", step, [group, trunk, number], problems);
        }
        hotline_tag(files, hotline, problems);
        organisation(files, hotline, problems);
    }
    feature_codes(files, problems);
}

/// A code that is the beginning of another would never let that one come to its end.
fn feature_codes(files: &Files<'_>, problems: &mut Vec<Problem>) {
    let file = files.hotlines;
    let codes = &file.value.feature_code;
    for (index, row) in codes.iter().enumerate() {
        let code = row.code.get_ref();
        let key = |c: char| matches!(c, '0'..='9' | 'A'..='D' | '*' | '#');
        if !code.starts_with(['*', '#']) || !(2..=16).contains(&code.len()) || !code.chars().all(key) {
            let wrong = format!("`{}` is no code", code.escape_debug());
            let right = "2 to 16 of the keys 0-9 * # A-D, * or # first";
            problems.push(file.problem(&row.code, "feature_code.code", wrong, right));
        }
        for other in codes.iter().take(index) {
            let (one, two) = (other.code.get_ref(), code);
            if one.starts_with(two.as_str()) || two.starts_with(one.as_str()) {
                for (place, code, other) in [(&other.code, one, two), (&row.code, two, one)] {
                    let wrong = format!("`{code}` and `{other}` begin alike");
                    let right = "codes of which none begins another";
                    problems.push(file.problem(place, "feature_code.code", wrong, right));
                }
            }
        }
        if let Some(to) = &row.to {
            service(files, file, to, "feature_code.to", problems);
        }
    }
    at_most(file, codes.iter().map(|row| &row.code), FEATURE_CODES, "feature_code.code", problems);
}

const STEP: &str = "steps { group = \"..\" } or { trunk = \"..\", number = \"..\" }";

/// The policy prescribes two tags letter for letter: with another text the other platform does not find the record. And
/// what was handed to anybody else must not look as if one of those two had it.
fn hotline_tag(files: &Files<'_>, hotline: &HotlineEntry, problems: &mut Vec<Problem>) {
    let Some(tag) = &hotline.tag else { return };
    let text = tag.get_ref();
    let mut refuse = |wrong: &str, right: &str| {
        let wrong = format!("`{}` {wrong}", text.escape_debug());
        problems.push(files.hotlines.problem(tag, "hotline.tag", wrong, right));
    };
    match tag::prescribed(platform(hotline).word()) {
        Some(prescribed) if prescribed != text => refuse("is not the prescribed tag", prescribed),
        Some(_) => {}
        None if [tag::TRANSFERRED_TO_110, tag::TRANSFERRED_TO_12345].contains(&text.as_str()) => {
            refuse("is the tag of another platform", "a tag that names this one, such as 已转119受理");
        }
        None if text.is_empty() || text.chars().count() > 32 || text.chars().any(char::is_control) => {
            refuse("is no tag", "1 to 32 characters, such as 已转119受理");
        }
        None => {}
    }
}

/// A code that is wrong in one sign files every record with somebody else.
fn organisation(files: &Files<'_>, hotline: &HotlineEntry, problems: &mut Vec<Problem>) {
    let Some(code) = &hotline.org_code else { return };
    let (fits, right) = match platform(hotline) {
        Platform::Police | Platform::Traffic => {
            (is_police_code(code.get_ref()), "the 12 digits of a police organ, such as 653001000000")
        }
        Platform::Government | Platform::Fire | Platform::Medical | Platform::Utility => (
            is_credit_code(code.get_ref()),
            "a unified social credit code: 17 digits or capital letters and the sign that checks them (GB 32100)",
        ),
    };
    if !fits {
        let wrong = format!("`{}` is no code of such an organisation", code.get_ref().escape_debug());
        problems.push(files.hotlines.problem(code, "hotline.org_code", wrong, right));
    }
}

fn platform(hotline: &HotlineEntry) -> Platform {
    hotline.platform.unwrap_or_else(|| Platform::of(hotline.number.get_ref()))
}
