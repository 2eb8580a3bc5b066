//! Ticket stores and their mappings: what is delivered, and what is refused.

use serde_json::{Value, json};

use super::*;
use crate::delivery::Secret;
use crate::tickets::mapping::Mapping;

const EXAMPLE: &str = include_str!("../../tickets/example.json");

const STORE: &str = r#"
[[ticket_store]]
name = "foreign"
url = "https://store.example/orders"
mapping = "m.toml"
auth = "key"
header = "x-api-key"
secret = "${STORE_KEY}"
success = { member = "success", value = "true" }
"#;

const MAPPING: &str = r#"
platform = "110"
field = [
    { name = "a.b", from = "caller.name" },
    { name = "tags", from = "tags", join = "," },
    { name = "level", from = "event_level", table = "levels" },
]
[table.levels]
4 = "04"
"#;

fn case() -> Case {
    let mut case = Case::good();
    case.files.get_mut(Path::new("c/lianxian.toml")).unwrap().push_str(STORE);
    case.files.insert("c/m.toml".into(), MAPPING.to_owned());
    case.environment.insert("STORE_KEY".to_owned(), "k-17-store".to_owned());
    case.replacing("c/hotlines.toml", "\"12345\"", "\"12345\"\nticket_store = \"foreign\"")
}

#[test]
fn a_ticket_store_is_read_whole_and_its_secret_is_never_printed() {
    let configuration = case().load().unwrap();
    let stores = configuration.ticket_stores(&Secret::new("own-token"));
    let names: Vec<&str> = stores.iter().map(|store| &*store.name).collect();
    assert_eq!(names, ["foreign"], "without [http] there is no built-in one");
    assert_eq!(stores[0].mapping.as_ref().unwrap().fields.len(), 3);
    assert_eq!(&*configuration.ticket_store_of()[&"12345".into()], "foreign");
    assert!(!format!("{configuration:?}").contains("k-17"), "a secret is never printed");

    let text = "[http]\nlisten = \"127.0.0.1:8085\"\n[media]";
    let configuration = Case::good().replacing("c/lianxian.toml", "[media]", text).load().unwrap();
    let stores = configuration.ticket_stores(&Secret::new("own-token"));
    assert_eq!(&*stores[0].name, "builtin");
    assert_eq!(&*configuration.ticket_store_of()[&"12345".into()], "builtin");
    assert!(!format!("{stores:?}").contains("own-token"));
    assert_eq!(
        &*Case::good().load().unwrap().ticket_store_of()[&"12345".into()],
        "none",
        "nowhere to go, so it is kept"
    );
}

#[test]
fn every_bad_ticket_store_is_refused_with_its_place_and_its_remedy() {
    for (old, new, beginning, remedy) in [
        ("name = \"foreign\"", "name = \"builtin\"", "c/lianxian.toml:18:8: ticket_store.name: `builtin`", "another"),
        (
            "https://store.example",
            "http://10.1.1.1",
            "c/lianxian.toml:19:7: ticket_store.url: http to",
            "allow_plaintext",
        ),
        ("https://store.example", "https://u:p@x", "c/lianxian.toml:19:7: ticket_store.url: a name or", "https://HOST"),
        ("\"m.toml\"", "\"n.toml\"", "c/n.toml:1:1", "UTF-8"),
        ("header = \"x-api-key\"", "", "c/lianxian.toml:18:8: ticket_store.header", "x-api-key"),
        ("\"x-api-key\"", "\"Host\"", "c/lianxian.toml:22:10: ticket_store.header: `Host`", "x-api-key"),
        ("auth = \"key\"", "auth = \"bearer\"", "c/lianxian.toml:18:8: ticket_store.header", "auth = \"key\""),
        (
            "\"${STORE_KEY}\"",
            "\"k-17-store\"",
            "c/lianxian.toml:23:10: ticket_store.secret: a secret is written",
            "${NAME}",
        ),
        ("\"${STORE_KEY}\"", "\"${NOWHERE}\"", "c/lianxian.toml:23:10: ticket_store.secret: the env", "set it"),
        ("secret = \"${STORE_KEY}\"", "", "c/lianxian.toml:18:8: ticket_store.secret", "secret_file"),
        ("mapping =", "timeout_s = 0\nmapping =", "c/lianxian.toml:20:13: ticket_store.timeout_s: 0", "1 to 120"),
        ("mapping =", "ca_file = \"m.toml\"\nmapping =", "c/lianxian.toml:20:11: ticket_store.ca_file", "PEM"),
        ("mapping =", "retries = 3\nmapping =", "c/lianxian.toml:20:1", "expected"),
    ] {
        case().replacing("c/lianxian.toml", old, new).must_be_refused(new, beginning, remedy);
    }
    let beginning = "c/hotlines.toml:4:16: hotline.ticket_store: there is no ticket store `foreing`";
    case().replacing("c/hotlines.toml", "foreign", "foreing").must_be_refused("a name", beginning, "builtin");
}

#[test]
fn every_bad_mapping_is_refused_with_its_place_and_its_remedy() {
    for (old, new, beginning, remedy) in [
        ("\"caller.name\"", "\"citizen.name\"", "c/m.toml:4:28: field.from: a ticket has no `citizen.name`", "name"),
        ("\"caller.name\"", "\"caller\"", "c/m.toml:4:28: field.from: a ticket has no `caller`", "caller."),
        ("\"caller.name\"", "[\"caller.name\", \"at\"]", "c/m.toml:4:28: field.from: no member, or", "mixed"),
        ("\"levels\"", "\"grades\"", "c/m.toml:6:53: field.table: there is no table `grades`", "[table.grades]"),
        ("join = \",\"", "table = \"levels\"", "c/m.toml:5:14: field.table: has no code", "list"),
        ("join = \",\"", "text = true", "c/m.toml:5:14: field.text: is a list", "join"),
        ("table = \"levels\"", "join = \",\"", "c/m.toml:6:14: field.join: is no list", "tags"),
        ("table = \"levels\"", "time = \"digits\"", "c/m.toml:6:14: field.time: is no time", "call.started_at"),
        (
            "table = \"levels\"",
            "table = \"levels\", text = true",
            "c/m.toml:6:14: field.name: `level` has more",
            "one of",
        ),
        ("\"level\"", "\"a\"", "c/m.toml:6:14: field.name: `a` is written", "another name"),
        ("\"level\"", "\"a..c\"", "c/m.toml:6:14: field.name: `a..c` is no name", "another name"),
        ("from = \"caller.name\"", "constant = \"x\", text = true", "c/m.toml:4:14: field.constant", "as it is"),
        (", from = \"caller.name\"", "", "c/m.toml:4:14: field.from: `a.b` has no source", "exactly one"),
        ("platform = \"110\"", "platform = \"\"", "c/m.toml:2:12: platform", "110"),
        ("field", "events = [\"taged\"]\nfield", "c/m.toml:3:11: events: there is no event `taged`", "tagged"),
        ("field", "times = \"swatch\"\nfield", "c/m.toml:3:9: times: unknown variant", "digits"),
    ] {
        case().replacing("c/m.toml", old, new).must_be_refused(new, beginning, remedy);
    }
}

/// A mapping of `config/mappings/`, read as an operator's configuration reads it.
fn delivered(name: &str) -> Mapping {
    let mut case = case();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/mappings/{name}.toml"));
    case.files.insert("c/m.toml".into(), std::fs::read_to_string(path).unwrap());
    let stores = case.load().unwrap().ticket_stores(&Secret::new("own-token"));
    stores[0].mapping.clone().unwrap()
}

fn written(name: &str) -> Value {
    serde_json::from_str(&delivered(name).write(EXAMPLE).unwrap().unwrap()).unwrap()
}

#[test]
fn the_example_for_the_police() {
    let expected = json!({
        "jjbh": "000000000000000000000000000000c1-0", "glzjjdbh": "", "xzqhdm": "653001", "xzqhmc": "阿图什市",
        "jjdwdm": "653001000000", "jjdwmc": "", "jjybh": "5001", "jjyxm": "", "jqlyfs": "01", "jjlyh": "",
        "bjsj": "20250101080000", "jjsj": "20250101080005", "bjdh": "013800138000", "lxdh": "013800138000",
        "bjrxm": "", "bjrxbdm": "0", "bjrzjdm": "", "bjrzjhm": "", "jqdz": "", "bjrdwxzb": "", "bjrdwyzb": "",
        "bjnr": "", "jqlbdm": "3", "sfswybj": "0", "jqdjdm": "04", "jqclztdm": "07", "jqbq": "已转110受理",
        "sfbm": "0", "gxsj": "20250101080045", "ldbh": "000000000000000000000000000000c1",
        "sjbh": "01920000-0000-7000-8000-000000000001",
    });
    assert_eq!(written("police110"), expected);
}

#[test]
fn the_example_for_a_12345_platform() {
    let expected = json!({
        "contactPhone": "013800138000", "appealType": "求助", "appealSubject": "道路交通事故",
        "incidentAddress": "阿图什市", "urgencyLevel": "紧急", "remark": "已转110受理", "orderNo": "GD-0001",
        "linkageId": "000000000000000000000000000000c1", "eventId": "01920000-0000-7000-8000-000000000001",
        "status": "结案", "acceptorNo": "1023", "acceptTime": "2025-01-01 08:00:00",
    });
    assert_eq!(written("gov12345"), expected);

    let expected = json!({
        "order_no": "GD-0001", "acceptor_no": "1023", "acceptor_name": "李某", "raise_name": "",
        "raise_phone": "013800138000", "classification": "道路交通事故", "urgent_level": "紧急",
        "raise_category": "求助", "raise_channel": "电话", "content": "", "raise_time": "2025-01-01 08:00:00",
        "notes": "已转110受理", "status": "结案", "receive_category": "电话转接", "is_secrecy": "否",
        "handle_department": "", "transfer_time": "2025-01-01 08:00:44", "transfer_no": "1023",
        "transfer_name": "李某", "transfer_opinion": "已转出", "finish_time": "",
        "linkage_id": "000000000000000000000000000000c1", "event_id": "01920000-0000-7000-8000-000000000001",
    });
    assert_eq!(written("gov12345-appeal"), expected);
}
