//! A good configuration is read; each bad one is refused with the place, the key, the fault and the remedy (F27).

mod territories;

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
        Self { files, environment: [("AGENT_1001".to_owned(), "long-Enough-4-all".to_owned())].into() }
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
        let sources = Sources { read: &read, read_bytes: &read_bytes, is_folder: &|_| true, environment: &environment };
        load(Path::new("c/lianxian.toml"), &sources)
    }
}

#[test]
fn a_good_configuration_is_read_whole() {
    let configuration = Case::good().load().unwrap();
    assert_eq!(configuration.trunks.trunk.len(), 2);
    assert_eq!(configuration.main.limits.calls.get_ref(), &2_000);
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

/// File, what stands there, what stands there instead, the beginning of the problem, and a word of its remedy.
const BAD: [(&str, &str, &str, &str, &str); 59] = [
    (
        "trunks",
        "id = \"police\"",
        "id = \"police\"\nnumber = \"zero\"",
        "c/trunks.toml:8:10: trunk.number: `zero` is no telephone number",
        "digits",
    ),
    (
        "trunks",
        "id = \"police\"",
        "id = \"police\"\narea_code = \"21345\"",
        "c/trunks.toml:8:13: trunk.area_code: `21345` is no area code",
        "021",
    ),
    (
        "trunks",
        "id = \"police\"",
        "id = \"police\"\ndomain = \"ims example\"",
        "c/trunks.toml:8:10: trunk.domain: `ims example` is no host name",
        "ims.example.cn",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[outbound]\nfrom = \"own_number\"\n",
        "c/trunks.toml:1:1: trunk.profile: `generic` shows the trunk",
        "number =",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[inbound]\ncaller_from = [\"pai\", \"pai\"]\n",
        "c/../sip-profiles/generic.toml:3:15: inbound.caller_from: a source stands there twice",
        "once",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[outbound]\nsent_bare = [\"110x\"]\n",
        "c/../sip-profiles/generic.toml:3:14: outbound.sent_bare: `110x` is no number",
        "digits",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[outbound]\nphone_context = \"86\"\n",
        "c/../sip-profiles/generic.toml:3:17: outbound.phone_context: `86` is no country",
        "+86",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[outbound]\nretry_with_own_number_on = [486]\n",
        "c/../sip-profiles/generic.toml:3:29: outbound.retry_with_own_number_on: 486 never",
        "403",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[outbound]\nretry_with_own_number_on_q850 = [17]\n",
        "c/../sip-profiles/generic.toml:3:34: outbound.retry_with_own_number_on_q850: 17 never",
        "21",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[outbound]\nheaders.From = \"{number}\"\n",
        "c/../sip-profiles/generic.toml:3:16: outbound.headers: From is written",
        "X-Agent",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[outbound]\nheaders.X-A = \"{nummer}\"\n",
        "c/../sip-profiles/generic.toml:3:15: outbound.headers: `{nummer}` has a placeholder",
        "{number}",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[outbound]\ncall_info = \"desk\"\n",
        "c/../sip-profiles/generic.toml:3:13: outbound.call_info: `desk` is no address",
        "https://",
    ),
    (
        "../sip-profiles/generic",
        "\"sdp\"\n",
        "\"sdp\"\n[outbound]\npai = true\n",
        "c/../sip-profiles/generic.toml:3:1: outbound.pai: unknown field",
        "asserted_identity",
    ),
    ("lianxian", "[sip]", "[sip", "c/lianxian.toml:2:5: ", ""),
    ("lianxian", "realm", "relam", "c/lianxian.toml:3:1: sip.relam: unknown field `relam`", "realm"),
    ("lianxian", "realm = \"hotline.example\"", "", "c/lianxian.toml:2:1: sip: the key `realm` is missing", "realm"),
    (
        "lianxian",
        "hotline.example",
        "hot line",
        "c/lianxian.toml:3:9: sip.realm: `hot line` is no host name",
        "letters",
    ),
    ("lianxian", "\"udp\"", "\"sctp\"", "c/lianxian.toml:5:13: sip.listen.transport: unknown variant `sctp`", "`tcp`"),
    ("lianxian", "127.0.0.1:5060", "localhost:5060", "c/lianxian.toml:6:11: sip.listen.address: ", ""),
    ("lianxian", "127.0.0.1:5060", "127.0.0.1:0", "c/lianxian.toml:6:11: sip.listen.address: port 0", "5060"),
    (
        "lianxian",
        "127.0.0.1:5060",
        "0.0.0.0:5060",
        "c/lianxian.toml:6:11: sip.listen.address: 0.0.0.0 cannot",
        "advertise",
    ),
    (
        "lianxian",
        "5060\"",
        "5060\"\nadvertise = \"[::1]:5060\"",
        "c/lianxian.toml:7:13: sip.listen.advertise: ",
        "family",
    ),
    (
        "lianxian",
        "[softphones]",
        "[[sip.listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:5060\"\n[softphones]",
        "c/lianxian.toml:9:11: sip.listen.address: 127.0.0.1:5060 is listened on twice",
        "once",
    ),
    (
        "lianxian",
        "127.0.0.0/24",
        "127.0.0.7/24",
        "c/lianxian.toml:8:12: softphones.networks: 127.0.0.7/24",
        "127.0.0.0/24",
    ),
    ("lianxian", "127.0.0.0/24", "127.0.0.0/33", "c/lianxian.toml:8:13: softphones.networks: ", ""),
    (
        "lianxian",
        "[media]",
        "default_expires_s = 9000\n[media]",
        "c/lianxian.toml:9:21: softphones.default_expires_s: 9000 s is not between",
        "min_expires_s",
    ),
    ("lianxian", "address = \"127.0.0.1\"", "address = \"::\"", "c/lianxian.toml:10:11: media.address: ", "peers"),
    (
        "lianxian",
        "first_port = 20000",
        "first_port = 20001",
        "c/lianxian.toml:11:14: media.first_port: 20001 is odd",
        "even",
    ),
    ("lianxian", "first_port = 20000", "first_port = 80", "c/lianxian.toml:11:14: media.first_port: 80", "1024"),
    ("lianxian", "last_port = 20999", "last_port = 19999", "c/lianxian.toml:12:13: media.last_port: ", "odd"),
    ("lianxian", "last_port = 20999", "last_port = 70000", "c/lianxian.toml:12:13: media.last_port: ", "u16"),
    (
        "lianxian",
        "first_port = 20000",
        "first_port = 5000",
        "c/lianxian.toml:11:14: media.first_port: 5000 to 20999",
        "without",
    ),
    ("lianxian", "[media]", "[limits]\ncalls = 0\n[media]", "c/lianxian.toml:10:9: limits.calls: 0", "1 to"),
    (
        "lianxian",
        "[media]",
        "[limits]\ncalls = 10\nemergency_reserve = 10\n[media]",
        "c/lianxian.toml:11:21: limits.emergency_reserve: 10",
        "less",
    ),
    (
        "lianxian",
        "[media]",
        "[admin]\nlisten = \"0.0.0.0:9464\"\n[media]",
        "c/lianxian.toml:10:10: admin.listen: ",
        "loopback",
    ),
    (
        "lianxian",
        "[media]",
        "[log]\nlevel = \"loud\"\n[media]",
        "c/lianxian.toml:10:9: log.level: unknown variant",
        "info",
    ),
    ("trunks", "id = \"police\"", "id = \"carrier\"", "c/trunks.toml:7:6: trunk.id: `carrier` stands twice", "once"),
    ("trunks", "id = \"police\"", "id = \"公安\"", "c/trunks.toml:7:6: trunk.id: `公安` is no identifier", "letters"),
    (
        "trunks",
        "10.2.0.0/16",
        "10.1.7.0/24",
        "c/trunks.toml:8:12: trunk.networks: 10.1.7.0/24 overlaps with trunk carrier",
        "one trunk",
    ),
    ("trunks", "[\"10.2.0.0/16\"]", "[]", "c/trunks.toml:8:12: trunk.networks: no network", "at least one"),
    ("trunks", "10.1.0.1:5060", "10.1.0.1:0", "c/trunks.toml:5:14: trunk.next_hops: ", "ADDRESS:PORT"),
    (
        "trunks",
        "\"10.1.0.1:5060\"",
        "\"10.1.0.1:5060\", { address = \"10.1.0.1:5060\", priority = 2 }",
        "c/trunks.toml:5:31: trunk.next_hops: 10.1.0.1:5060 stands there twice",
        "each address once",
    ),
    (
        "trunks",
        "[\"10.1.0.1:5060\"]",
        "[\"10.1.0.1:5060\"]\nemergency_reserve = 501",
        "c/trunks.toml:6:21: trunk.emergency_reserve: 501 of 500 calls",
        "at most as many as `calls`",
    ),
    (
        "trunks",
        "id = \"police\"",
        "id = \"police\"\nprofile = \"hauwei\"",
        "c/trunks.toml:8:11: trunk.profile: there is no profile `hauwei`",
        "sip-profiles",
    ),
    (
        "trunks",
        "id = \"police\"",
        "id = \"police\"\nprofile = \"../../etc/x\"",
        "c/trunks.toml:8:11: trunk.profile: there is no profile",
        "sip-profiles",
    ),
    (
        "hotlines",
        "\"desk\"",
        "\"desk2\"",
        "c/hotlines.toml:5:9: hotline.plan.group: there is no group `desk2`",
        "agents.toml",
    ),
    (
        "hotlines",
        "\"desk\"",
        "\"empty\"",
        "c/hotlines.toml:5:9: hotline.plan.group: group `empty` has no agent",
        "agent",
    ),
    (
        "hotlines",
        "\"carrier\"",
        "\"police\"",
        "c/hotlines.toml:7:9: hotline.plan.trunk: trunk `police` has no next_hops",
        "next_hops",
    ),
    (
        "hotlines",
        "number = \"02112345\"",
        "",
        "c/hotlines.toml:7:9: hotline.plan.number: a trunk without a number",
        "number",
    ),
    (
        "hotlines",
        "number = \"12345\"",
        "number = \"12345\"\nring_timeout_s = 1",
        "c/hotlines.toml:4:18: hotline.ring_timeout_s: 1 s",
        "5 to 180",
    ),
    (
        "hotlines",
        "number = \"12345\"",
        "number = \"12345x\"",
        "c/hotlines.toml:3:10: hotline.number: `12345x` is no number",
        "digits",
    ),
    (
        "agents",
        "groups = [\"desk\"]",
        "groups = [\"dask\"]",
        "c/agents.toml:8:11: agent.groups: there is no group `dask`",
        "[[group]]",
    ),
    (
        "agents",
        "\"${AGENT_1001}\"",
        "\"${AGENT_1002}\"",
        "c/agents.toml:9:10: agent.secret: the environment variable AGENT_1002 is not set",
        "set it",
    ),
    (
        "agents",
        "\"${AGENT_1001}\"",
        "\"long-Enough-4-all\"",
        "c/agents.toml:9:10: agent.secret: a password is written out",
        "${NAME}",
    ),
    (
        "agents",
        "secret = \"${AGENT_1001}\"",
        "secret_file = \"no\"",
        "c/agents.toml:9:15: agent.secret_file: cannot be read",
        "file",
    ),
    (
        "agents",
        "secret = \"${AGENT_1001}\"",
        "ha1 = { md5 = \"abc\" }",
        "c/agents.toml:9:15: agent.ha1.md5: no md5 digest",
        "32",
    ),
    (
        "agents",
        "secret = \"${AGENT_1001}\"",
        "ha1 = { md5 = \"939e7578ed9e3c518a452acee763bce9\" }",
        "c/agents.toml:9:7: agent.ha1: no digest for SHA-256, which softphones.digest offers",
        "shorter",
    ),
    ("lianxian", "[media]", "digest = [\"SHA-512\"]\n[media]", "c/lianxian.toml:9:11: softphones.digest", "MD5"),
    (
        "lianxian",
        "[media]",
        "digest = []\n[media]",
        "c/lianxian.toml:9:10: softphones.digest: nothing is offered",
        "MD5",
    ),
];

#[test]
fn every_bad_file_is_refused_with_its_place_and_its_remedy() {
    for (file, old, new, beginning, remedy) in BAD {
        let case = Case::good().replacing(&format!("c/{file}.toml"), old, new);
        let problems = case.load().expect_err(new);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let found = told.iter().any(|line| line.starts_with(beginning) && line.contains(remedy));
        assert!(found, "{new}: {told:?} has nothing like {beginning} .. {remedy}");
        assert!(!told.concat().contains("long-Enough"), "a password is never printed");
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
