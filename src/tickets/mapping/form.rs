//! How a value is written.

use serde_json::Value;

use crate::base::calendar::Moment;

/// How a moment is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeForm {
    /// RFC 3339: `2025-01-01T08:00:45.000+08:00`.
    #[default]
    Rfc3339,
    /// `20250101080045`, Beijing time.
    Digits,
    /// `2025-01-01 08:00:45`, Beijing time.
    Spaced,
}

impl TimeForm {
    /// A moment of the ticket, which is RFC 3339, in this form; what is none passes as it is.
    pub(super) fn write(self, text: &str) -> String {
        let Ok(moment) = text.parse::<Moment>() else { return text.to_owned() };
        let whole = moment.to_string();
        match self {
            Self::Rfc3339 => whole,
            Self::Digits => whole.chars().take(19).filter(char::is_ascii_digit).collect(),
            Self::Spaced => whole.chars().take(19).map(|letter| if letter == 'T' { ' ' } else { letter }).collect(),
        }
    }
}

/// Whether there is nothing to say.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// A single value as text; a list or an object as its JSON.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A list as one text; a single value is a list of one.
pub(super) fn joined(value: &Value, by: &str) -> String {
    match value {
        Value::Array(list) => list.iter().map(scalar).collect::<Vec<_>>().join(by),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => scalar(value),
    }
}
