//! A reload with errors changes nothing: the old configuration stays whole, the call at hand does not notice, and what is
//! wrong is told with its place (F27).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lianxian::config::{self, Configuration, Problem, Sources};

use crate::world::World;
use crate::world::phone::Ending;

const MAIN: &str = r#"[sip]
realm = "hotline.example"
[[sip.listen]]
transport = "udp"
address = "192.0.2.201:5060"
[softphones]
networks = ["10.1.0.0/16"]
[media]
address = "192.0.2.201"
[limits]
calls = 100
emergency_reserve = 10
[admin]
listen = "127.0.0.1:9464"
"#;
const TRUNKS: &str = r#"[[trunk]]
id = "city"
networks = ["198.51.100.0/24"]
next_hops = ["198.51.100.1:5060"]
trust = "trusted"
[[trunk]]
id = "police"
networks = ["203.0.113.0/24"]
next_hops = ["203.0.113.101:5060"]
"#;
const HOTLINES: &str = r#"[[hotline]]
number = "12345"
plan = [{ group = "desk" }]
[[hotline]]
number = "110"
priority = "emergency"
plan = [{ trunk = "police", number = "110" }]
"#;
const AGENTS: &str = r#"[[group]]
id = "desk"
[[agent]]
number = "8001"
groups = ["desk"]
secret = "${SECRET_8001}"
[[agent]]
number = "8002"
groups = ["desk"]
secret_file = "8002"
"#;

/// The files of a configuration, as an administrator edits them.
struct Desk {
    files: BTreeMap<PathBuf, String>,
}

impl Desk {
    fn new() -> Self {
        let files = [
            ("c/lianxian.toml", MAIN),
            ("c/trunks.toml", TRUNKS),
            ("c/hotlines.toml", HOTLINES),
            ("c/agents.toml", AGENTS),
            ("c/../sip-profiles/generic.toml", "rtp_source = \"sdp\"\n"),
            ("c/../sip-profiles/softphone.toml", "rtp_source = \"learn\"\n"),
            ("c/8002", "another-Door-4-29\n"),
        ];
        Self { files: files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into() }
    }

    fn edited(file: &str, old: &str, new: &str) -> Self {
        let mut desk = Self::new();
        let text = desk.files.get_mut(Path::new(file)).expect("a file of the desk");
        assert!(text.contains(old), "{old} is not in {file}");
        *text = text.replacen(old, new, 1);
        desk
    }

    fn with<T>(&self, act: impl FnOnce(&Sources<'_>) -> T) -> T {
        let read = |path: &Path| self.files.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        let environment = |name: &str| (name == "SECRET_8001").then(|| "first-Door-4-all".to_owned());
        let read_bytes = |path: &Path| read(path).map(String::into_bytes);
        act(&Sources {
            read: &read,
            read_bytes: &read_bytes,
            is_folder: &|_| true,
            is_file: &|_| true,
            mode: &|_| Some(0o600),
            environment: &environment,
        })
    }
}

/// As the daemon does it: the whole configuration, or nothing.
fn reload(w: &mut World, running: &mut Configuration, desk: &Desk) -> Result<(), Vec<Problem>> {
    let read = desk.with(|sources| config::reload(running, sources))?;
    let mut settings = read.switch();
    for trunk in &mut settings.routing.trunks {
        // Nobody in this world answers an OPTIONS, and none is to be under way when all is over.
        trunk.probe_interval = Duration::ZERO;
    }
    w.reload(settings);
    *running = read;
    Ok(())
}

/// File, what stands there, what stands there instead, and how the problem begins.
const BAD: [(&str, &str, &str, &str); 32] = [
    ("lianxian.toml", "[sip]", "[sip", "c/lianxian.toml:1:5: "),
    ("lianxian.toml", "realm", "relm", "c/lianxian.toml:2:1: sip.relm: unknown field"),
    ("lianxian.toml", "hotline.example", "hot line", "c/lianxian.toml:2:9: sip.realm: "),
    ("lianxian.toml", "\"udp\"", "\"smoke\"", "c/lianxian.toml:4:13: sip.listen.transport: "),
    ("lianxian.toml", "10.1.0.0/16", "10.1.0.0/64", "c/lianxian.toml:7:13: softphones.networks: "),
    ("lianxian.toml", "10.1.0.0/16", "198.51.100.128/25", "c/lianxian.toml:7:12: softphones.networks: "),
    ("lianxian.toml", "\"udp\"", "\"tcp\"", "c/trunks.toml:4:14: trunk.next_hops: "),
    ("trunks.toml", "203.0.113.0/24", "0.0.0.0/0", "c/trunks.toml:8:12: trunk.networks: "),
    ("lianxian.toml", "calls = 100", "calls = \"many\"", "c/lianxian.toml:11:9: limits.calls: "),
    ("lianxian.toml", "emergency_reserve = 10", "emergency_reserve = 100", "c/lianxian.toml:12:21: limits.emergency_"),
    // What only a restart can change.
    ("lianxian.toml", "192.0.2.201:5060", "192.0.2.201:5070", "c/lianxian.toml:3:1: sip.listen: needs a restart"),
    ("lianxian.toml", "\n[limits]", "\nfirst_port = 22000\n[limits]", "c/lianxian.toml:10:14: media.first_port: needs"),
    ("lianxian.toml", "\n[limits]", "\nworkers = 3\n[limits]", "c/lianxian.toml:10:11: media.workers: needs"),
    ("lianxian.toml", "9464", "9465", "c/lianxian.toml:14:10: admin.listen: needs a restart"),
    (
        "lianxian.toml",
        "calls = 100",
        "calls = 100\nconnections = 5",
        "c/lianxian.toml:12:15: limits.connections: needs",
    ),
    ("lianxian.toml", "[admin]", "[log]\nlevel = \"debug\"\n[admin]", "c/lianxian.toml:14:9: log.level: needs"),
    ("trunks.toml", "id = \"police\"", "id = \"city\"", "c/trunks.toml:7:6: trunk.id: `city` stands twice"),
    ("trunks.toml", "203.0.113.0/24", "203.0.113.7/24", "c/trunks.toml:8:12: trunk.networks: "),
    ("trunks.toml", "203.0.113.101:5060", "police.example:5060", "c/trunks.toml:9:13: trunk.next_hops: "),
    ("trunks.toml", "\"trusted\"", "\"friendly\"", "c/trunks.toml:5:9: trunk.trust: unknown variant"),
    ("trunks.toml", "trust = ", "profile = \"none\"\ntrust = ", "c/trunks.toml:5:11: trunk.profile: there is no"),
    ("trunks.toml", "[[trunk]]", "[[trunks]]", "c/trunks.toml:1:3: trunks: unknown field"),
    ("hotlines.toml", "\"desk\"", "\"disk\"", "c/hotlines.toml:3:19: hotline.plan.group: there is no group `disk`"),
    ("hotlines.toml", "\"police\"", "\"fire\"", "c/hotlines.toml:7:19: hotline.plan.trunk: there is no trunk `fire`"),
    ("hotlines.toml", "\"110\"\npri", "\"12345\"\npri", "c/hotlines.toml:5:10: hotline.number: `12345` stands twice"),
    ("hotlines.toml", "\"emergency\"", "\"urgent\"", "c/hotlines.toml:6:12: hotline.priority: unknown variant"),
    ("hotlines.toml", "[{ group = \"desk\" }]", "[]", "c/hotlines.toml:3:8: hotline.plan: hotline 12345 has no step"),
    ("agents.toml", "\"8002\"\ngroups", "\"8001\"\ngroups", "c/agents.toml:8:10: agent.number: `8001` stands twice"),
    ("agents.toml", "SECRET_8001", "SECRET_8009", "c/agents.toml:6:10: agent.secret: the environment variable"),
    ("agents.toml", "secret_file = \"8002\"", "", "c/agents.toml:8:10: agent.secret: agent 8002 has no secret"),
    (
        "agents.toml",
        "secret_file = \"8002\"",
        "secret_file = \"8003\"",
        "c/agents.toml:10:15: agent.secret_file: cannot",
    ),
    ("8002", "another-Door-4-29", "changeme-changeme", "c/agents.toml:10:15: agent.secret_file: "),
];

#[test]
fn every_bad_file_is_refused_whole_while_a_call_is_up() {
    let mut w = World::new(960);
    let mut running = Desk::new().with(|sources| config::load(Path::new("c/lianxian.toml"), sources)).expect("good");
    let (caller, agent) = w.caller_and_agent_in_talk();
    let mut wrong = Vec::new();
    for (file, old, new, beginning) in BAD {
        let told: Vec<String> = match reload(&mut w, &mut running, &Desk::edited(&format!("c/{file}"), old, new)) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        };
        if !told.iter().any(|line| line.starts_with(beginning)) {
            wrong.push(format!("{new}: {told:#?} has nothing like {beginning}"));
        }
        w.run(Duration::from_millis(300));
        assert!(w.talking(caller, agent), "{new}: the call does not notice");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let missing = Desk { files: BTreeMap::new() };
    assert!(reload(&mut w, &mut running, &missing).is_err(), "no file at all");
    // The old one is whole: an agent of it registers, and a call to its hotline is served.
    let (second, other) = (w.agent("8002"), w.citizen("13900002222"));
    w.calls(other, "12345");
    w.until_talking(other, second);
    w.hangs_up(other);
    // And a good one is taken: hotline 12345 is gone, the call that came over it is not.
    let good = Desk::edited("c/hotlines.toml", "number = \"12345\"", "number = \"12319\"");
    reload(&mut w, &mut running, &good).expect("good again");
    w.refusals_expected = true;
    let third = w.citizen("13900003333");
    w.calls(third, "12345");
    w.run(Duration::from_secs(1));
    assert_eq!(w.phones[third].got("404 INVITE"), 1, "the new one is in use");
    assert!(w.talking(caller, agent));
    w.hangs_up(caller);
    assert_eq!(w.until_over(agent), Ending::TheirBye);
    w.settle();
}
