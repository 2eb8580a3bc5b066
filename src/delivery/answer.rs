//! What an answer means.
//!
//! **Refused** is said of a record, and only of a record: it sets the event aside until a person sees to it (F16). What
//! speaks of the way there - a wrong token, a wrong path, a redirect, an overloaded or broken ticket store - is **not
//! now**: after somebody has mended it, everything flows by itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::settings::{Answers, Replays};
use crate::base::pii::Pii;
use crate::tickets::parcel::Verdict;

/// The longest reason and the longest receipt, in characters.
const LONGEST: usize = 300;

/// Digits in a row that could be somebody's number.
const NUMBER: usize = 7;

/// The verdict on an answer that came in whole.
pub(super) fn verdict(answers: &Answers, status: u16, after: Option<Duration>, body: &[u8]) -> Verdict {
    let not_now = |why: String| Verdict::NotNow { why, after };
    match status {
        200..=299 => taken(answers, status, body),
        300..=399 => not_now(format!("{status}: it redirects elsewhere, and redirects are not followed")),
        401 | 403 => not_now(format!("{status}: it does not accept our credentials{}", said(body))),
        404 | 405 | 421 => not_now(format!("{status}: the url is wrong{}", said(body))),
        407 | 408 | 425 | 429 => not_now(format!("{status}{}", said(body))),
        409 if answers.replays == Replays::Taken => {
            Verdict::Taken { receipt: receipt(answers, 409, &read(body).unwrap_or_default()) }
        }
        400..=499 => Verdict::Refused { why: format!("{status}{}", said(body)) },
        _ => not_now(format!("{status}{}", said(body))),
    }
}

/// 2xx: taken, unless the body has to say so and does not.
fn taken(answers: &Answers, status: u16, body: &[u8]) -> Verdict {
    let json = read(body);
    let Some(success) = &answers.success else {
        return Verdict::Taken { receipt: receipt(answers, status, &json.unwrap_or_default()) };
    };
    let garbage = |what: &str| Verdict::NotNow { why: format!("{status}, but {what}"), after: None };
    let Some(json) = json else { return garbage("the body is no JSON") };
    match text(&json, &success.member) {
        Some(value) if value == success.value => Verdict::Taken { receipt: receipt(answers, status, &json) },
        Some(value) => {
            let why = format!("{status}, but `{}` is {}{}", success.member, clean(&value), said(body));
            Verdict::Refused { why }
        }
        None => garbage(&format!("the body has no `{}`", success.member)),
    }
}

/// How long it asks us to wait: seconds, or a date (RFC 9110 10.2.3).
pub(super) fn retry_after(header: Option<&[u8]>, unix_ms: u64) -> Option<Duration> {
    let text = std::str::from_utf8(header?).ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date: SystemTime = httpdate::parse_http_date(text).ok()?;
    let date = date.duration_since(UNIX_EPOCH).ok()?;
    Some(date.saturating_sub(Duration::from_millis(unix_ms)))
}

fn receipt(answers: &Answers, status: u16, json: &Value) -> String {
    let named = answers.receipt.as_ref().and_then(|member| text(json, member));
    named.map_or_else(|| status.to_string(), |text| shortened(text.chars()))
}

fn read(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

/// A scalar member of a JSON value as text.
fn text(json: &Value, path: &str) -> Option<String> {
    match path.split('.').try_fold(json, |value, name| value.get(name))? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What it says about itself, for people.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!(": {}", clean(text)) }
}

/// A text of somebody else's, fit for a log: short, on one line, and without numbers that could be a citizen's.
pub(super) fn clean(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let (run, after) = rest.split_at(digits.max(first.len_utf8()));
        if digits >= NUMBER {
            masked.push_str(&Pii::new(run).to_string())
        } else {
            masked.push_str(run)
        }
        rest = after;
        if masked.len() > 4 * LONGEST {
            break;
        }
    }
    shortened(masked.chars())
}

fn shortened(letters: impl Iterator<Item = char>) -> String {
    letters.map(|letter| if letter.is_control() { ' ' } else { letter }).take(LONGEST).collect()
}
