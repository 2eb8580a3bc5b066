use serde_json::json;

use super::paths::{self, Kind};
use super::*;
use crate::tickets::ticket::Ticket;

const EXAMPLE: &str = include_str!("../example.json");

fn field(name: &str, from: &[&str], form: Form) -> Field {
    let paths = from.iter().map(|path| (*path).to_owned()).collect();
    Field { name: name.to_owned(), source: Source::First(paths), form }
}

fn mapping(platform: &str, fields: Vec<Field>) -> Mapping {
    Mapping { platform: platform.to_owned(), fields, ..Mapping::default() }
}

fn written(mapping: &Mapping) -> Value {
    serde_json::from_str(&mapping.write(EXAMPLE).unwrap().unwrap()).unwrap()
}

#[test]
fn names_forms_and_objects() {
    let time = |form| Form::Time(form);
    let mapping = mapping(
        "12345",
        vec![
            field("a.level", &["event_level"], Form::AsIs),
            field("a.text", &["event_level"], Form::Text),
            field("zone", &["at"], time(TimeForm::Rfc3339)),
            field("digits", &["at"], time(TimeForm::Digits)),
            field("spaced", &["at"], time(TimeForm::Spaced)),
            field("legs", &["call.leg_ids"], Form::AsIs),
            field("tag", &["tags"], Form::Joined { by: ",".to_owned() }),
            field("phone", &["caller.contact", "caller.number_e164"], Form::AsIs),
            Field { source: Source::Constant("L".to_owned()), ..field("kind", &[], Form::AsIs) },
        ],
    );
    let ids = json!([
        "00000000000000000000000000000001",
        "00000000000000000000000000000002",
        "00000000000000000000000000000003"
    ]);
    assert_eq!(
        written(&mapping),
        json!({
            "a": {"level": 4, "text": "4"},
            "zone": "2025-01-01T08:00:45.000+08:00", "digits": "20250101080045", "spaced": "2025-01-01 08:00:45",
            "legs": ids, "tag": "已转110受理", "phone": "+8613800138000", "kind": "L",
        })
    );
}

#[test]
fn own_and_other_are_the_sides_whichever_way_the_matter_goes() {
    let fields = || vec![field("own", &["own.agent.no"], Form::AsIs), field("other", &["other.agent.no"], Form::AsIs)];
    assert_eq!(written(&mapping("12345", fields())), json!({"own": "1023", "other": "5001"}));
    assert_eq!(written(&mapping("110", fields())), json!({"own": "5001", "other": "1023"}));
}

#[test]
fn a_code_without_a_row_is_never_guessed() {
    let mut table =
        Table { name: "levels".to_owned(), rows: [("3".to_owned(), "03".to_owned())].into(), default: None };
    let of = |table: &Table| mapping("110", vec![field("level", &["event_level"], Form::Code(table.clone()))]);
    let error = of(&table).write(EXAMPLE).unwrap_err();
    assert_eq!(error.to_string(), "`level`: the table `levels` has no row for `4`, and no default");
    table.default = Some("99".to_owned());
    assert_eq!(written(&of(&table)), json!({"level": "99"}));
    table.rows.insert("4".to_owned(), "04".to_owned());
    assert_eq!(written(&of(&table)), json!({"level": "04"}));
}

#[test]
fn what_is_empty_is_written_as_the_store_wants_it() {
    let fields = vec![field("name", &["caller.name"], Form::AsIs), field("flags", &["flags"], Form::AsIs)];
    let of = |blanks| written(&Mapping { blanks, ..mapping("110", fields.clone()) });
    assert_eq!(of(Blanks::Empty), json!({"name": "", "flags": ""}));
    assert_eq!(of(Blanks::Null), json!({"name": null, "flags": null}));
    assert_eq!(of(Blanks::LeftOut), json!({}));
    // Nothing has no code: that is no gap in a table.
    let table = Form::Code(Table { name: "sex".to_owned(), ..Table::default() });
    assert_eq!(written(&mapping("110", vec![field("id", &["caller.id_type"], table)])), json!({"id": ""}));
}

#[test]
fn a_store_is_told_of_the_events_that_it_wants() {
    let only = |event: &str| Mapping { events: vec![event.to_owned()], ..Mapping::default() };
    assert_eq!(only("created").write(EXAMPLE), Ok(None));
    assert_eq!(only("tagged").write(EXAMPLE), Ok(Some("{}".to_owned())));
    for odd in ["", "[]", "{}", "7"] {
        assert_eq!(only("tagged").write(odd), Err(Unmapped::NoTicket), "{odd}");
    }
}

/// Fails when the format gets a member that mappings cannot name, or loses one that they can.
#[test]
fn the_paths_are_those_of_a_ticket_that_has_everything() {
    let mut whole: Value = serde_json::from_str(EXAMPLE).unwrap();
    let moment = "2025-01-01T08:00:45.000+08:00";
    for (path, value) in [
        ("related_id", json!("R")),
        ("stage", json!("S")),
        ("to.record_no", json!("J")),
        ("officer", json!({"name": "", "station": "", "contact": ""})),
        ("incident.time", json!(moment)),
        ("incident.lon", json!(1.0)),
        ("incident.lat", json!(1.0)),
        ("negotiation.basis", json!("")),
        ("negotiation.at", json!(moment)),
        ("return", json!({"reason_code": "", "text": ""})),
        ("supplement", json!({"fields": [], "by": "", "at": moment})),
        ("deadline_at", json!(moment)),
        ("feedback", json!({"result": "", "at": moment, "org": "", "satisfied": true})),
        ("call.ended_at", json!(moment)),
        ("call.q850", json!(16)),
        ("call.mos", json!(4.1)),
    ] {
        *whole.pointer_mut(&format!("/{}", path.replace('.', "/"))).unwrap() = value;
    }
    let ticket: Ticket = serde_json::from_value(whole).unwrap();
    let mut found = Vec::new();
    leaves("", &serde_json::to_value(&ticket).unwrap(), &mut found);
    let mut known: Vec<_> = paths::all().into_iter().map(|(path, kind)| (path.to_owned(), kind)).collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    known.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(known, found);
}

fn leaves(prefix: &str, value: &Value, found: &mut Vec<(String, Kind)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                leaves(&path, value, found);
            }
        }
        Value::Array(_) => found.push((prefix.to_owned(), Kind::List)),
        Value::String(text) if text.len() == 29 && text.ends_with("+08:00") => {
            found.push((prefix.to_owned(), Kind::Time))
        }
        Value::Null => panic!("{prefix} is null: give the test a value for it"),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => found.push((prefix.to_owned(), Kind::Single)),
    }
}

#[test]
fn paths_are_known_for_both_sides_and_a_wrong_one_has_a_neighbour() {
    assert_eq!(paths::kind("own.agent.no"), Some(Kind::Single));
    assert_eq!(paths::kind("other.org_code"), Some(Kind::Single));
    assert_eq!(paths::kind("own.tags"), None);
    assert_eq!(paths::kind("caller"), None, "an object is no value");
    assert_eq!(paths::nearest("citizen.number_raw"), Some("caller.number_raw"));
    assert_eq!(paths::nearest("caller.phone"), Some("caller.number_raw"));
    assert_eq!(paths::nearest("x"), None);
}
