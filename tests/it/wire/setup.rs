//! The daemon as a process, with a configuration written for one test.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use ipnet::IpNet;

use super::loopback::{Loopback, PATIENCE, wait_for};
use super::process::Process;

/// The last number of the daemon's address in every test network.
pub(super) const DAEMON: u8 = 1;

/// The realm of the daemon's challenges.
pub(super) const REALM: &str = "hotline.test";

/// The number of every citizen.
pub(super) const CITIZEN: &str = "13900001111";

/// The password of every agent.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// The tokens of the HTTP interface: the client's name, the token, and what it may do.
pub(super) const TOKENS: [(&str, &str, &str); 4] = [
    ("desk-of-1001", "9f3b77d2c1e84a6f0b52d8e3", "role = \"agent\"\nagent = \"1001\""),
    ("desk-of-1002", "27c0e94fb81d6a3552a7f0c8", "role = \"agent\"\nagent = \"1002\""),
    ("cti", "e1a6403dc95f7b2886d4035f", "role = \"system\""),
    ("entitled", "5d82fb6097a3ce14417be9d0", "role = \"supervisor\"\nnumbers = \"whole\""),
];

/// A client's token; one that nobody has, for a client that is not in the table.
pub(super) fn token(name: &str) -> &'static str {
    TOKENS.iter().find(|(client, ..)| *client == name).map_or("0123456789abcdef01234567", |(_, token, _)| token)
}

/// What the daemon of a test is configured with.
pub(super) struct Setup<'a> {
    loopback: &'a Loopback,
    sip: SocketAddr,
    trunks: String,
    plan: Vec<String>,
    others: String,
    answer_on_queue: &'static str,
    agents: String,
    digest: &'static str,
    phones_rtp: &'static str,
    http: String,
    sink: &'static str,
}

impl<'a> Setup<'a> {
    /// A daemon at the test's own address, without trunks, agents and hotline yet.
    pub(super) fn new(loopback: &'a Loopback) -> Self {
        Self::at(loopback, (loopback.host(DAEMON), 5060).into())
    }

    /// A daemon at another address.
    pub(super) fn at(loopback: &'a Loopback, sip: SocketAddr) -> Self {
        let (trunks, plan, others, agents) = (String::new(), Vec::new(), String::new(), String::new());
        Self {
            loopback,
            sip,
            trunks,
            plan,
            others,
            answer_on_queue: "false",
            agents,
            digest: "\"SHA-256\", \"MD5\"",
            phones_rtp: "sdp",
            http: String::new(),
            sink: "",
        }
    }

    /// A trunk whose requests come from the host of `peer` and which is called at `peer`.
    pub(super) fn trunk(self, id: &str, peer: impl Into<SocketAddr>) -> Self {
        self.trunk_with_gateways(id, &[peer.into()])
    }

    /// A trunk with these gateways, tried in this order and never asked by OPTIONS.
    pub(super) fn trunk_with_gateways(mut self, id: &str, gateways: &[SocketAddr]) -> Self {
        let networks: Vec<String> = gateways.iter().map(|gateway| IpNet::from(gateway.ip()).to_string()).collect();
        let next_hops: Vec<String> = gateways.iter().map(ToString::to_string).collect();
        write!(
            self.trunks,
            "[[trunk]]\nid = \"{id}\"\nclass = \"pbx\"\nprofile = \"generic\"\ntrust = \"trusted\"\n\
             networks = {networks:?}\nnext_hops = {next_hops:?}\noptions_interval_s = 0\n\n",
        )
        .expect("writing to a String cannot fail");
        self
    }

    /// The PBX behind the trunk named last dials other hotlines itself; its calls are known by these.
    pub(super) fn correlates(mut self, by: &[&str]) -> Self {
        self.trunks.truncate(self.trunks.trim_end().len());
        write!(self.trunks, "\ncorrelate = {by:?}\n\n").expect("writing to a String cannot fail");
        self
    }

    /// Keys that hand a caller over to another hotline.
    pub(super) fn feature_code(mut self, code: &str, to: &str) -> Self {
        write!(self.others, "[[feature_code]]\ncode = \"{code}\"\nto = \"{to}\"\n\n")
            .expect("writing to a String cannot fail");
        self
    }

    /// The hotline 12345 rings the group of agents, or does so next.
    pub(super) fn rings_agents(mut self) -> Self {
        self.plan.push("{ group = \"desk\" }".to_owned());
        self
    }

    /// The hotline 12345 rings a number on a trunk, or does so next.
    pub(super) fn rings_trunk(mut self, trunk: &str, number: &str) -> Self {
        self.plan.push(format!("{{ trunk = \"{trunk}\", number = \"{number}\" }}"));
        self
    }

    /// The HTTP interface, with [`TOKENS`].
    pub(super) fn http(mut self) -> Self {
        write!(self.http, "[http]\nlisten = \"{}:8080\"\n\n", self.loopback.host(DAEMON))
            .expect("writing to a String cannot fail");
        for (name, token, rights) in TOKENS {
            let file = format!("token-{name}");
            let path = self.loopback.write(&format!("config/{file}"), token);
            // A secret that others can read is refused.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("it is our file");
            writeln!(self.http, "[[http.token]]\nname = \"{name}\"\n{rights}\nsecret_file = \"{file}\"\n")
                .expect("writing to a String cannot fail");
        }
        self
    }

    /// Every hotline's records go to this ticket store; said before the hotlines are.
    pub(super) fn ticket_store(mut self, url: &str) -> Self {
        write!(self.http, "[[ticket_store]]\nname = \"foreign\"\nurl = \"{url}\"\n\n")
            .expect("writing to a String cannot fail");
        self.sink = "ticket_store = \"foreign\"\n";
        self
    }

    /// Another hotline, whose calls ring these numbers on these trunks, one after the other, for five seconds each.
    pub(super) fn hotline(mut self, number: &str, steps: &[(&str, &str)]) -> Self {
        let steps: Vec<String> =
            steps.iter().map(|(trunk, number)| format!("{{ trunk = \"{trunk}\", number = \"{number}\" }}")).collect();
        write!(
            self.others,
            "[[hotline]]\nnumber = \"{number}\"\nring_timeout_s = 5\n{}plan = [{}]\n\n",
            self.sink,
            steps.join(", ")
        )
        .expect("writing to a String cannot fail");
        self
    }

    /// The hotline answers at once and plays music while it rings.
    pub(super) fn answer_on_queue(mut self) -> Self {
        self.answer_on_queue = "true";
        self
    }

    /// For telephones like baresip 1.0: it gives up at the sight of another digest beside MD5, and its sound comes from
    /// another address than its SDP says, as behind a translator.
    pub(super) fn old_telephones(mut self) -> Self {
        self.digest = "\"MD5\"";
        self.phones_rtp = "learn";
        self
    }

    /// An agent of the hotline's group.
    pub(super) fn agent(mut self, number: &str) -> Self {
        write!(
            self.agents,
            "[[agent]]\nnumber = \"{number}\"\ngroups = [\"desk\"]\nsecret = \"${{LIANXIAN_TEST_SECRET}}\"\n\n"
        )
        .expect("writing to a String cannot fail");
        self
    }

    /// Writes the configuration, starts the daemon and waits until it is ready.
    pub(super) fn start(self) -> Daemon {
        let loopback = self.loopback;
        let sip = self.sip;
        let admin = SocketAddr::from((loopback.host(DAEMON), 9464));
        let config = self.write(sip, admin);
        let mut command = Command::new(env!("CARGO_BIN_EXE_lianxian"));
        command.arg("serve").arg("--config").arg(config).env("LIANXIAN_TEST_SECRET", PASSWORD);
        let mut daemon = Daemon { process: Process::start(loopback, "lianxian", command), sip, admin };
        wait_for("the daemon to be ready", PATIENCE, || {
            assert!(daemon.process.runs(), "the daemon ended:\n{}", daemon.process.printed());
            daemon.ask("/readyz").filter(|answer| answer.starts_with("HTTP/1.1 200")).map(|_| ())
        });
        daemon
    }

    /// Writes every file of the configuration and gives the main one.
    fn write(&self, sip: SocketAddr, admin: SocketAddr) -> PathBuf {
        let loopback = self.loopback;
        let (media, softphones) = match sip.ip() {
            IpAddr::V4(sip) if sip.is_loopback() => {
                (format!("{}/24", loopback.host(0)), format!("{}/28", loopback.host(96)))
            }
            // Behind a cable, see `namespace`.
            IpAddr::V4(sip) => (format!("{sip}/28"), format!("{}/28", loopback.host(96))),
            // There is one IPv6 loopback address, and it is the trunk's.
            IpAddr::V6(_) => ("::1/128".to_owned(), "fd00::/64".to_owned()),
        };
        let main = format!(
            "[sip]\nrealm = \"{REALM}\"\n\n\
             [[sip.listen]]\ntransport = \"udp\"\naddress = \"{sip}\"\n\n\
             [[sip.listen]]\ntransport = \"tcp\"\naddress = \"{sip}\"\n\n\
             [softphones]\nnetworks = [\"{softphones}\"]\ndigest = [{digest}]\n\n\
             [media]\naddress = \"{address}\"\nfirst_port = 20000\nlast_port = 20999\nprompts = \"{package}/prompts\"\n\n\
             [limits]\ncalls = 250\nemergency_reserve = 20\nshutdown_s = 2\n\n\
             [admin]\nlisten = \"{admin}\"\n\n[log]\nlevel = \"debug\"\n\n[files]\nprofiles = \"profiles\"\n\n{http}",
            http = self.http,
            digest = self.digest,
            address = sip.ip(),
            package = env!("CARGO_MANIFEST_DIR"),
        );
        loopback.write("config/trunks.toml", &self.trunks);
        let hotline = match self.plan.as_slice() {
            [] => String::new(),
            plan => format!(
                "[[hotline]]\nnumber = \"12345\"\nname = \"政务服务热线\"\nring_timeout_s = 5\n\
                 answer_on_queue = {}\n{}plan = [{}]\n",
                self.answer_on_queue,
                self.sink,
                plan.join(", "),
            ),
        };
        loopback.write("config/hotlines.toml", &format!("{}{hotline}", self.others));
        loopback.write("config/agents.toml", &format!("[[group]]\nid = \"desk\"\nname = \"坐席\"\n\n{}", self.agents));
        // The parties' ears are where their SDP says, all in the test's own network.
        let profile = |rtp_source, networks: &str| {
            format!(
                "description = \"a party of a test\"\nrtp_source = \"{rtp_source}\"\nmedia_networks = [{networks}]\n"
            )
        };
        loopback.write("config/profiles/generic.toml", &profile("sdp", &format!("\"{media}\"")));
        let phones = format!("\"{media}\", \"127.0.0.1/32\"");
        loopback.write("config/profiles/softphone.toml", &profile(self.phones_rtp, &phones));
        loopback.write("config/lianxian.toml", &main)
    }
}

/// A running daemon.
pub(super) struct Daemon {
    /// The process.
    pub(super) process: Process,
    /// Where it listens for SIP, UDP and TCP.
    pub(super) sip: SocketAddr,
    admin: SocketAddr,
}

impl Daemon {
    /// The sum of a metric's series whose labels contain `label` (all with an empty one); 0 if there are none.
    pub(super) fn metric(&self, name: &str, label: &str) -> f64 {
        let text = self.ask("/metrics").expect("the admin listener answers");
        let series = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(label)
        });
        series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Waits until a metric has a value.
    pub(super) fn wait_for_metric(&self, name: &str, label: &str, value: f64) {
        let what = format!("{name}{{{label}}} to be {value}");
        wait_for(&what, PATIENCE, || ((self.metric(name, label) - value).abs() < 1e-9).then_some(()));
    }

    /// The lines of its log so far that tell of this event.
    pub(super) fn log_lines(&self, event: &str) -> Vec<String> {
        let wanted = format!("\"event\":\"{event}\"");
        self.process.printed().lines().filter(|line| line.contains(&wanted)).map(str::to_owned).collect()
    }

    /// At the end of every test: nobody was lost, nothing is left over, no secret was told, and the daemon ends when
    /// it is asked to.
    pub(super) fn ends_clean(mut self) {
        self.wait_for_metric("lianxian_calls_active", "", 0.0);
        self.wait_for_metric("lianxian_rtp_legs", "", 0.0);
        self.wait_for_metric("lianxian_rtp_ports_in_use", "", 0.0);
        assert!(self.metric("lianxian_caller_lost_total", "") < 0.5, "a caller was lost");
        let metrics = self.ask("/metrics").expect("the admin listener answers");
        self.process.terminate();
        let status = self.process.ended(PATIENCE);
        assert!(status.success(), "the daemon ended with {status}");
        let printed = self.process.printed();
        assert!(!printed.contains("panicked"), "the daemon panicked:\n{printed}");
        // V41: whole numbers are for the wire only, passwords for nobody.
        for told in [&printed, &metrics] {
            for secret in [CITIZEN, PASSWORD] {
                assert!(!told.contains(secret), "`{secret}` was told:\n{told}");
            }
            for (name, token, _) in TOKENS {
                assert!(!told.contains(token), "the token of {name} was told:\n{told}");
            }
        }
    }

    /// One HTTP request to the admin listener.
    pub(super) fn ask(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect_timeout(&self.admin, Duration::from_secs(1)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.admin).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}
