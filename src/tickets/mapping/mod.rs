//! A ticket in the words of a ticket store that has a format of its own.
//!
//! Decides: which of our members stands under which of their names, in which form and with which codes.
//! Invariants: a mapping that is built names only members that a ticket has ([`paths`]); a code without a row is never
//! guessed - it has the table's own default, or the record is not sent ([`Unmapped`]); the two tags of the policy pass as
//! they are, never through a table (R14, R15).
//! Does not do: read a file (`config`), send (`delivery`).
//!
//! A mapping works on the text of the sealed ticket, so that it needs no knowledge of the ticket's version beyond the names
//! it was written for.

mod form;
pub mod paths;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use self::form::TimeForm;
use self::form::{is_empty, scalar};

/// One ticket store's format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The platform whose records these are, such as `110`: `own.` and `other.` in a path are its side and the opposite
    /// one, whichever of the two handed the matter over.
    pub platform: String,
    /// The events that this ticket store is told of, in the words of the format; all, if there is none.
    pub events: Vec<String>,
    /// What is written where there is nothing.
    pub blanks: Blanks,
    /// Their members, in the order of writing.
    pub fields: Vec<Field>,
}

/// What is written for a member that is null, empty or an empty list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blanks {
    /// An empty text.
    #[default]
    Empty,
    /// `null`.
    Null,
    /// Nothing: the member is left out.
    LeftOut,
}

/// One of their members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name; dots make objects within objects.
    pub name: String,
    /// What it says.
    pub source: Source,
    /// In which form.
    pub form: Form,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The same in every record.
    Constant(String),
    /// The first of these paths where there is something.
    First(Vec<String>),
}

/// The form of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it stands in the ticket.
    AsIs,
    /// As text: `4` becomes `"4"`.
    Text,
    /// A moment.
    Time(TimeForm),
    /// A code of theirs for ours.
    Code(Table),
    /// A list as one text.
    Joined {
        /// What stands between two of them.
        by: String,
    },
}

/// Codes: theirs by ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name, for people.
    pub name: String,
    /// The rows. `true` and `false` are written so.
    pub rows: BTreeMap<String, String>,
    /// What is written for a code that has no row; none: such a record is refused.
    pub default: Option<String>,
}

/// A ticket that cannot be said in a ticket store's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmapped {
    /// The mapping is to be completed.
    #[error("`{field}`: the table `{table}` has no row for `{code}`, and no default")]
    Code {
        /// Their name.
        field: String,
        /// The table.
        table: String,
        /// Our code.
        code: String,
    },
    /// Ours to mend.
    #[error("the record is no JSON object")]
    NoTicket,
}

impl Mapping {
    /// A sealed ticket in the ticket store's words; none, if it is not told of such events.
    pub fn write(&self, ticket: &str) -> Result<Option<String>, Unmapped> {
        let ticket: Value = serde_json::from_str(ticket).map_err(|_| Unmapped::NoTicket)?;
        let event = ticket.get("event").and_then(Value::as_str).ok_or(Unmapped::NoTicket)?;
        if !self.events.is_empty() && !self.events.iter().any(|known| known == event) {
            return Ok(None);
        }
        let mut written = Map::new();
        for field in &self.fields {
            let value = match &field.source {
                Source::Constant(text) => Value::String(text.clone()),
                Source::First(paths) => self.value(&ticket, paths, field)?,
            };
            let value = match self.blanks {
                Blanks::LeftOut if is_empty(&value) => continue,
                Blanks::Null if is_empty(&value) => Value::Null,
                Blanks::Empty if is_empty(&value) => Value::String(String::new()),
                Blanks::LeftOut | Blanks::Null | Blanks::Empty => value,
            };
            put(&mut written, &field.name, value);
        }
        Ok(Some(Value::Object(written).to_string()))
    }

    /// The first value that is there, in its form.
    fn value(&self, ticket: &Value, paths: &[String], field: &Field) -> Result<Value, Unmapped> {
        let found = paths.iter().filter_map(|path| self.at(ticket, path)).find(|value| !is_empty(value));
        let Some(value) = found else { return Ok(Value::Null) };
        Ok(match &field.form {
            Form::AsIs => value.clone(),
            Form::Text => Value::String(scalar(value)),
            Form::Time(form) => Value::String(form.write(&scalar(value))),
            Form::Joined { by } => Value::String(form::joined(value, by)),
            Form::Code(table) => {
                let code = scalar(value);
                let theirs = table.rows.get(&code).or(table.default.as_ref());
                let missing = || Unmapped::Code { field: field.name.clone(), table: table.name.clone(), code };
                Value::String(theirs.cloned().ok_or_else(missing)?)
            }
        })
    }

    fn at<'a>(&self, ticket: &'a Value, path: &str) -> Option<&'a Value> {
        let (root, rest) = path.split_once('.').unwrap_or((path, ""));
        let side = match root {
            "own" => self.side(ticket, true),
            "other" => self.side(ticket, false),
            _ => return walk(ticket, path),
        };
        walk(side?, rest)
    }

    /// Our platform's side of the handover, or the opposite one.
    fn side<'a>(&self, ticket: &'a Value, own: bool) -> Option<&'a Value> {
        let (from, to) = (ticket.get("from")?, ticket.get("to")?);
        let sends = from.get("platform").and_then(Value::as_str) == Some(&*self.platform);
        Some(if sends == own { from } else { to })
    }
}

fn walk<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// Puts a value under a name whose dots make objects. Names that stand in each other's way are refused when the mapping
/// is read; here the later one would win.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            object.insert(name.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
