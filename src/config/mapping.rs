//! `mappings/*.toml`: from the rows to what is applied, with everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use super::schema::{BlanksKey, MappedField, MappingFile, OneOrMore, TimeKey};
use super::source::Parsed;
use crate::tickets::mapping::paths::{self, Kind};
use crate::tickets::mapping::{Blanks, Field, Form, Mapping, Source, Table, TimeForm};
use crate::tickets::ticket::Event;

/// The row of a table for every code that has none.
const ANY: &str = "*";

/// A mapping, if nothing is wrong with it.
pub(super) fn build(file: &Parsed<MappingFile>, problems: &mut Vec<Problem>) -> Option<Mapping> {
    let before = problems.len();
    let rows = &file.value;
    if rows.platform.get_ref().is_empty() {
        problems.push(file.problem(&rows.platform, "platform", "no platform", "such as \"110\" or \"12345\""));
    }
    for event in &rows.events {
        if serde_json::from_value::<Event>(event.get_ref().as_str().into()).is_err() {
            let wrong = format!("there is no event `{}`", event.get_ref().escape_debug());
            problems.push(file.problem(event, "events", wrong, "such as \"created\", \"tagged\", \"pushed\""));
        }
    }
    names(file, problems);
    let fields = rows.field.get_ref();
    let fields: Vec<Field> = fields.iter().filter_map(|field| build_field(file, field, problems)).collect();
    let built = Mapping {
        platform: rows.platform.get_ref().clone(),
        events: rows.events.iter().map(|event| event.get_ref().clone()).collect(),
        blanks: match rows.blanks {
            BlanksKey::Empty => Blanks::Empty,
            BlanksKey::Null => Blanks::Null,
            BlanksKey::LeftOut => Blanks::LeftOut,
        },
        fields,
    };
    if problems.len() == before { Some(built) } else { None }
}

/// No name is empty, stands twice, or is an object and a value at once.
fn names(file: &Parsed<MappingFile>, problems: &mut Vec<Problem>) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let fields = file.value.field.get_ref();
    if fields.is_empty() {
        problems.push(file.problem(&file.value.field, "field", "no field", "at least one { name = .., from = .. }"));
    }
    for field in fields {
        let name = field.name.get_ref().as_str();
        let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        let wrong = if name.split('.').any(str::is_empty) {
            format!("`{}` is no name", name.escape_debug())
        } else if seen.iter().any(|other| *other == name || within(name, other) || within(other, name)) {
            format!("`{name}` is written by another field already")
        } else {
            seen.insert(name);
            continue;
        };
        problems.push(file.problem(&field.name, "field.name", wrong, "another name for each field; a.b is b in a"));
    }
}

fn build_field(file: &Parsed<MappingFile>, field: &MappedField, problems: &mut Vec<Problem>) -> Option<Field> {
    let name = field.name.get_ref();
    let forms = [field.time.is_some(), field.table.is_some(), field.join.is_some(), field.text];
    let forms = forms.into_iter().filter(|given| *given).count();
    let mut refuse = |key: &str, wrong: String, right: &str| {
        problems.push(file.problem(&field.name, format!("field.{key}"), wrong, right));
    };
    match (&field.from, &field.constant) {
        (None, Some(constant)) if forms == 0 => {
            let source = Source::Constant(constant.get_ref().clone());
            return Some(Field { name: name.clone(), source, form: Form::AsIs });
        }
        (None, Some(_)) => refuse("constant", format!("`{name}` is a constant with a form"), "the text as it is to be"),
        (Some(_), None) if forms > 1 => {
            refuse("name", format!("`{name}` has more than one form"), "one of time, table, join, text");
        }
        (Some(from), None) => {
            let kind = kind(file, from, problems)?;
            let form = form(file, field, kind, problems)?;
            let source = Source::First(from.get_ref().paths().to_vec());
            return Some(Field { name: name.clone(), source, form });
        }
        (Some(_), Some(_)) | (None, None) => {
            refuse("from", format!("`{name}` has no source, or two"), "exactly one of from, constant");
        }
    }
    None
}

/// What is in the members that it is taken from: in all of them the same.
fn kind(file: &Parsed<MappingFile>, from: &super::Placed<OneOrMore>, problems: &mut Vec<Problem>) -> Option<Kind> {
    let mut kinds = Vec::new();
    for path in from.get_ref().paths() {
        match paths::kind(path) {
            Some(kind) => kinds.push(kind),
            None => {
                let wrong = format!("a ticket has no `{}`", path.escape_debug());
                let right = paths::nearest(path).unwrap_or("such as caller.name or own.agent.no");
                problems.push(file.problem(from, "field.from", wrong, right));
                return None;
            }
        }
    }
    let first = kinds.first().copied();
    if first.is_none() || kinds.iter().any(|kind| Some(*kind) != first) {
        let wrong = "no member, or members of different kinds";
        problems.push(file.problem(from, "field.from", wrong, "texts, times or lists, not mixed"));
        return None;
    }
    first
}

fn form(file: &Parsed<MappingFile>, field: &MappedField, kind: Kind, problems: &mut Vec<Problem>) -> Option<Form> {
    let mut refuse = |key: &str, wrong: &str, right: &str| {
        problems.push(file.problem(&field.name, format!("field.{key}"), wrong, right));
        None
    };
    match (kind, &field.table, &field.join) {
        (Kind::Time, None, None) if field.text => refuse("text", "a time is a text already", "time = \"digits\""),
        (Kind::Time, None, None) => Some(Form::Time(time(field.time.unwrap_or(file.value.times)))),
        (Kind::Single | Kind::List, _, _) if field.time.is_some() => {
            refuse("time", "is no time", "a member that is a time, such as call.started_at")
        }
        (Kind::Single, Some(named), None) => {
            let Some(rows) = file.value.table.get(named.get_ref()) else {
                let wrong = format!("there is no table `{}`", named.get_ref().escape_debug());
                let right = format!("[table.{}]", named.get_ref().escape_debug());
                problems.push(file.problem(named, "field.table", wrong, right));
                return None;
            };
            Some(Form::Code(table(named.get_ref(), rows)))
        }
        (Kind::Single, None, None) => Some(if field.text { Form::Text } else { Form::AsIs }),
        (Kind::List, None, Some(by)) => Some(Form::Joined { by: by.clone() }),
        (Kind::List, None, None) if !field.text => Some(Form::AsIs),
        // The tags are among the lists: their text is the policy's, on every platform.
        (Kind::List | Kind::Time, Some(_), _) => refuse("table", "has no code", "no table for a list or a time"),
        (Kind::List, None, None) => refuse("text", "is a list", "join = \",\""),
        (Kind::Single | Kind::Time, _, Some(_)) => refuse("join", "is no list", "a list, such as tags"),
    }
}

fn table(name: &str, rows: &BTreeMap<String, String>) -> Table {
    let mut rows = rows.clone();
    let default = rows.remove(ANY);
    Table { name: name.to_owned(), rows, default }
}

const fn time(key: TimeKey) -> TimeForm {
    match key {
        TimeKey::Rfc3339 => TimeForm::Rfc3339,
        TimeKey::Digits => TimeForm::Digits,
        TimeKey::Spaced => TimeForm::Spaced,
    }
}
