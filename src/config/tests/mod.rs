//! A good configuration is read; each bad one is refused with the place, the key, the fault and the remedy (F27).

mod bad;
mod territories;
mod ticket_stores;
mod urgent;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::routing::config::Priority;

const MAIN: &str = r#"
[sip]
realm = "hotline.example"
[[sip.listen]]
transport = "udp"
address = "127.0.0.1:5060"
[softphones]
networks = ["127.0.0.0/24"]
[media]
address = "127.0.0.1"
first_port = 20000
last_port = 20999
[limits]
calls = 250
emergency_reserve = 20
"#;
const TRUNKS: &str = r#"
[[trunk]]
id = "carrier"
networks = ["10.1.0.0/16"]
next_hops = ["10.1.0.1:5060"]
[[trunk]]
id = "police"
networks = ["10.2.0.0/16"]
"#;
const HOTLINES: &str = r#"
[[hotline]]
number = "12345"
[[hotline.plan]]
group = "desk"
[[hotline.plan]]
trunk = "carrier"
number = "02112345"
"#;
const AGENTS: &str = r#"
[[group]]
id = "desk"
[[group]]
id = "empty"
[[agent]]
number = "1001"
groups = ["desk"]
secret = "${AGENT_1001}"
"#;
const PROFILE: &str = "rtp_source = \"sdp\"\n";

struct Case {
    files: BTreeMap<PathBuf, String>,
    environment: BTreeMap<String, String>,
    mode: u32,
}

impl Case {
    fn good() -> Self {
        let files = [
            ("c/lianxian.toml", MAIN),
            ("c/trunks.toml", TRUNKS),
            ("c/hotlines.toml", HOTLINES),
            ("c/agents.toml", AGENTS),
            ("c/../sip-profiles/generic.toml", PROFILE),
            ("c/../sip-profiles/softphone.toml", PROFILE),
        ];
        let files = files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into();
        Self { files, environment: [("AGENT_1001".to_owned(), "long-Enough-4-all".to_owned())].into(), mode: 0o600 }
    }

    fn replacing(mut self, file: &str, old: &str, new: &str) -> Self {
        let text = self.files.get_mut(Path::new(file)).unwrap();
        assert!(text.contains(old), "{old} is not in {file}");
        *text = text.replacen(old, new, 1);
        self
    }

    fn load(&self) -> Result<Configuration, Vec<Problem>> {
        let read = |path: &Path| {
            self.files.get(path).cloned().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
        };
        let environment = |name: &str| self.environment.get(name).cloned();
        let read_bytes = |path: &Path| read(path).map(String::into_bytes);
        let sources = Sources {
            read: &read,
            read_bytes: &read_bytes,
            is_folder: &|_| true,
            is_file: &|path| self.files.contains_key(path),
            mode: &|_| Some(self.mode),
            environment: &environment,
        };
        load(Path::new("c/lianxian.toml"), &sources)
    }

    /// Fails unless there is a problem that begins so and names the remedy.
    fn must_be_refused(&self, what: &str, beginning: &str, remedy: &str) {
        let told: Vec<String> = self.load().expect_err(what).iter().map(ToString::to_string).collect();
        let found = told.iter().any(|line| line.starts_with(beginning) && line.contains(remedy));
        assert!(found, "{what}: {told:?} has nothing like {beginning} .. {remedy}");
        assert!(!told.concat().contains("long-Enough"), "a password is never printed");
    }
}

#[test]
fn a_good_configuration_is_read_whole() {
    let configuration = Case::good().load().unwrap();
    assert_eq!(configuration.trunks.trunk.len(), 2);
    assert_eq!(configuration.main.limits.calls.get_ref(), &250);
    assert_eq!(configuration.profiles.len(), 2);
    assert_eq!(configuration.credentials["1001"], Credential::Password("long-Enough-4-all".to_owned()));
    assert!(!format!("{configuration:?}").contains("long-Enough"), "a password is never printed");
}

#[test]
fn the_configuration_that_is_delivered_is_good_and_reaches_routing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let environment = |_: &str| Some("long-Enough-4-all".to_owned());
    let sources = Sources { is_folder: &|_| true, environment: &environment, ..Sources::system() };
    let configuration = load(&root.join("config/lianxian.toml"), &sources).unwrap();
    let routing = configuration.routing();
    assert_eq!(routing.hotline("12345").unwrap().plan.len(), 2);
    assert_eq!(routing.hotline("110").unwrap().tag(), "已转110受理");
    assert!(routing.regions.get("653022000000").is_some_and(|region| region.name == "阿克陶县"));
    assert!(!routing.territories.is_empty());
    let emergency = |number: &&str| routing.hotline(number).unwrap().priority == Priority::Emergency;
    assert!(["110", "119", "120", "122"].iter().all(emergency), "as they are without a word about it");
    let softphone = routing.profile(&routing.softphone_profile).unwrap();
    assert_eq!(
        softphone.media_networks,
        ["127.0.0.1/32".parse().unwrap()],
        "softphones on this machine may speak on it"
    );
    assert!(routing.trunks.iter().all(|trunk| routing.profile(&trunk.profile).is_some()));
}

#[test]
fn every_bad_file_is_refused_with_its_place_and_its_remedy() {
    for &(file, old, new, beginning, remedy) in bad::BAD {
        Case::good().replacing(&format!("c/{file}.toml"), old, new).must_be_refused(new, beginning, remedy);
    }
}

#[test]
fn weak_passwords_are_refused_by_what_makes_them_weak() {
    let weak = [
        ("k7-Q", "shorter than 12"),
        ("aaaaaaaabbbbbbbb", "fewer than 6"),
        ("myPassword-is-7", "common word"),
        ("z1001-yxwvutsr", "the agent's number"),
    ];
    for (password, why) in weak {
        let mut case = Case::good();
        case.environment.insert("AGENT_1001".to_owned(), password.to_owned());
        let problems = case.load().unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].wrong.contains(why), "{password}: {}", problems[0]);
        assert!(!problems[0].to_string().contains(password), "a password is never printed, not even a weak one");
    }
}

#[test]
fn all_problems_of_all_files_are_told_at_once() {
    let case = Case::good()
        .replacing("c/trunks.toml", "id = \"police\"", "id = \"carrier\"")
        .replacing("c/hotlines.toml", "\"desk\"", "\"nobody\"")
        .replacing("c/agents.toml", "groups = [\"desk\"]", "groups = [\"dask\"]");
    let files: Vec<String> =
        case.load().unwrap_err().iter().map(|problem| problem.file.display().to_string()).collect();
    for file in ["c/trunks.toml", "c/hotlines.toml", "c/agents.toml"] {
        assert!(files.iter().any(|told| told == file), "{file} is missing in {files:?}");
    }
}

#[test]
fn profiles_are_checked_in_themselves() {
    let profiles = [
        ("rtp_source = \"networks\"", "media_networks: rtp_source = \"networks\" without networks"),
        ("rtp_source = \"sdp\"\nlearn_window_ms = 300", "learn_window_ms: is not used by this rtp_source"),
        ("rtp_source = \"learn\"\nlearn_window_ms = 60000", "learn_window_ms: 60000 ms; 100 to 5000"),
        ("rtp_source = \"any\"", "rtp_source: unknown variant `any`"),
    ];
    for (text, expected) in profiles {
        let mut case = Case::good();
        case.files.insert(PathBuf::from("c/../sip-profiles/generic.toml"), text.to_owned());
        let problems = case.load().unwrap_err();
        assert!(problems.iter().any(|problem| problem.to_string().contains(expected)), "{expected}: {problems:?}");
    }
}

#[test]
fn columns_are_counted_in_characters() {
    assert_eq!(problem::position("一\n二三x", "一\n二三".len()), (2, 3));
    assert_eq!(problem::position("", 9), (1, 1));
}

/// `config/schemas/` is what the rows say, and every property tells what it is.
#[test]
fn the_schemas_in_the_repository_are_those_of_the_rows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/schemas");
    for (name, schema) in schemas::all() {
        let path = folder.join(format!("{name}.schema.json"));
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let remedy = "cargo run -- check --write-schemas config/schemas";
        assert!(written == schemas::text(&schema), "{} is not up to date; {remedy}", path.display());
        undescribed(schema.as_value(), name);
    }
}

/// Panics at a property without a description.
fn undescribed(schema: &serde_json::Value, place: &str) {
    if let Some(properties) = schema.get("properties").and_then(serde_json::Value::as_object) {
        for (name, property) in properties {
            assert!(property.get("description").is_some(), "{place}.{name} has no doc comment");
        }
    }
    match schema {
        serde_json::Value::Object(members) => {
            members.iter().for_each(|(name, value)| undescribed(value, &format!("{place}.{name}")))
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| undescribed(item, place)),
        _ => {}
    }
}

#[test]
fn a_secret_file_that_others_can_read_is_refused_with_the_line_to_type() {
    let mut case = Case::good().replacing("c/agents.toml", "secret = \"${AGENT_1001}\"", "secret_file = \"of-1001\"");
    case.files.insert(PathBuf::from("c/of-1001"), "long-Enough-4-all\n".to_owned());
    assert!(case.load().is_ok(), "mode 0600");
    for mode in [0o100_644, 0o640, 0o604, 0o620, 0o601] {
        case.mode = mode;
        let problems = case.load().unwrap_err();
        let told = problems[0].to_string();
        assert!(told.starts_with("c/agents.toml:9:15: agent.secret_file: c/of-1001 can be read"), "{told}");
        assert!(told.ends_with("chmod 600 c/of-1001"), "{told}");
    }
}

#[test]
fn there_are_limits_to_the_rows_of_each_file() {
    let agent = |number: usize| {
        format!("[[agent]]\nnumber = \"{number}\"\ngroups = [\"desk\"]\nsecret = \"${{AGENT_1001}}\"\n")
    };
    let mut case = Case::good();
    let many: String = (2_000..7_000).map(agent).collect();
    case.files.get_mut(Path::new("c/agents.toml")).unwrap().push_str(&many);
    let problems = case.load().unwrap_err();
    assert!(problems.iter().any(|problem| problem.wrong == "5001 rows, and this is number 5001"), "{}", problems.len());
}

#[test]
fn problems_are_told_in_the_order_of_their_places() {
    let case = Case::good()
        .replacing("c/lianxian.toml", "first_port = 20000", "first_port = 81")
        .replacing("c/lianxian.toml", "hotline.example", "hot line")
        .replacing("c/agents.toml", "groups = [\"desk\"]", "groups = [\"dask\"]");
    let problems = case.load().unwrap_err();
    let places: Vec<_> = problems.iter().map(|problem| (&problem.file, problem.line, problem.column)).collect();
    assert!(places.is_sorted() && places.len() > 2, "{places:?}");
}

#[test]
fn what_only_a_restart_can_change_refuses_a_reload_by_name() {
    let running = Case::good().load().unwrap();
    let case = Case::good().replacing("c/lianxian.toml", "127.0.0.1:5060", "127.0.0.1:5070").replacing(
        "c/lianxian.toml",
        "last_port = 20999",
        "last_port = 21999",
    );
    let environment = |name: &str| case.environment.get(name).cloned();
    let read = |path: &Path| case.files.get(path).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into());
    let read_bytes = |path: &Path| read(path).map(String::into_bytes);
    let sources = Sources {
        read: &read,
        read_bytes: &read_bytes,
        is_folder: &|_| true,
        is_file: &|path| case.files.contains_key(path),
        mode: &|_| None,
        environment: &environment,
    };
    let told: Vec<String> = reload(&running, &sources).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("c/lianxian.toml:4:1: sip.listen: needs a restart"), "{told:?}");
    assert!(told[1].starts_with("c/lianxian.toml:12:13: media.last_port: needs a restart"), "{told:?}");
}

#[test]
fn tokens_are_read_like_passwords_and_kept_as_digests() {
    let http = |rows: &str| {
        let text = format!("[[http.token]]\nname = \"desk\"\n{rows}\n[media]");
        let mut case = Case::good().replacing("c/lianxian.toml", "[media]", &text);
        let token = "0f4b9c2e7d1a8536e0c4b7a2".to_owned();
        case.files.insert(PathBuf::from("c/token"), format!("{token}\n"));
        case.environment.insert("TOKEN".to_owned(), token);
        case.environment.insert("SHORT".to_owned(), "0f4b9c2e7d1a8536".to_owned());
        case.load()
    };
    let agent = "role = \"agent\"\nagent = \"1001\"\n";
    let by_variable = http(&format!("{agent}secret = \"${{TOKEN}}\"")).unwrap().tokens;
    let by_file = http(&format!("{agent}secret_file = \"token\"")).unwrap().tokens;
    let hex: String = by_file[0].digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let by_digest = http(&format!("{agent}sha256 = \"{hex}\"")).unwrap().tokens;
    assert_eq!((&by_variable, &by_file), (&by_file, &by_digest));
    let bad = [
        ("role = \"agent\"\nsecret = \"${TOKEN}\"", "http.token.agent: role agent without an agent"),
        ("role = \"agent\"\nagent = \"9\"\nsecret = \"${TOKEN}\"", "http.token.agent: there is no agent `9`"),
        ("role = \"system\"\nagent = \"1001\"\nsecret = \"${TOKEN}\"", "http.token.agent: only a token of role"),
        ("role = \"boss\"\nsecret = \"${TOKEN}\"", "http.token.role: unknown variant"),
        ("role = \"system\"", "http.token.secret: token desk has no secret"),
        ("role = \"system\"\nsecret = \"0f4b9c2e7d1a8536e0c4b7a2\"", "http.token.secret: a token is written out"),
        ("role = \"system\"\nsecret = \"${SHORT}\"", "http.token.secret: too short"),
        ("role = \"system\"\nsecret = \"${NONE}\"", "http.token.secret: the environment variable NONE is not set"),
        ("role = \"system\"\nsha256 = \"00\"", "http.token.sha256: no SHA-256 digest"),
        (
            "role = \"system\"\nsecret = \"${TOKEN}\"\n[[http.token]]\nname = \"other\"\nrole = \"system\"\n\
             secret_file = \"token\"",
            "http.token.secret: other has the token of another entry",
        ),
    ];
    for (rows, beginning) in bad {
        let told: Vec<String> = http(rows).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|line| line.contains(beginning)), "{told:?} has nothing like {beginning}");
        assert!(!told.concat().contains("0f4b9c2e"), "a token is never printed");
    }
    let open = Case::good().replacing("c/lianxian.toml", "[media]", "[http]\nlisten = \"0.0.0.0:8080\"\n[media]");
    let told = open.load().unwrap_err()[0].to_string();
    assert!(told.contains("http.listen: 0.0.0.0:8080 is not loopback"), "{told}");
}
