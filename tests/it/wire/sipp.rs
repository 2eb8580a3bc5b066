//! SIPp as a trunk: the scenarios of `tests/sipp`, whose asserts fail the test.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::loopback::{Loopback, PATIENCE, text_of, wait_for};
use super::namespace::Namespace;
use super::process::Process;
use super::setup::CITIZEN;

/// The code in the scenarios that refuse.
const BUSY: u16 = 486;

/// A running scenario.
pub(super) struct Sipp {
    process: Process,
    log: PathBuf,
    scenario: &'static str,
    errors: PathBuf,
}

/// What a scenario is started with.
pub(super) struct SippSetup {
    /// `tests/sipp/NAME.xml`.
    pub(super) scenario: &'static str,
    /// The trunk's own address and port.
    pub(super) local: SocketAddr,
    /// Where requests go.
    pub(super) remote: SocketAddr,
    /// Where the trunk's ear is.
    pub(super) ear: SocketAddr,
    /// The length of a `<pause/>` without a length of its own.
    pub(super) talk: Duration,
    /// SIPp's word for the transport: `u1` or `t1`.
    pub(super) transport: &'static str,
    /// How many calls, ten new ones a second.
    pub(super) calls: u32,
    /// What a message that the scenario does not expect means.
    pub(super) surprises: Surprises,
    /// The code that a scenario refuses with.
    pub(super) code: u16,
    /// What the scenario asserts, where it leaves that to the test: `<ereg ../>` actions.
    pub(super) asserts: String,
}

/// What a message that a scenario does not expect means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surprises {
    /// The scenario fails.
    Fail,
    /// Nothing: in bad weather, what was doubled or late comes at any time.
    Pass,
}

impl SippSetup {
    /// A scenario over UDP with pauses of two seconds.
    pub(super) fn new(scenario: &'static str, local: impl Into<IpAddr>, remote: SocketAddr, ear: SocketAddr) -> Self {
        let local = SocketAddr::new(local.into(), 5060);
        Self {
            scenario,
            local,
            remote,
            ear,
            talk: Duration::from_secs(2),
            transport: "u1",
            calls: 1,
            surprises: Surprises::Fail,
            code: BUSY,
            asserts: String::new(),
        }
    }

    /// Starts it.
    pub(super) fn start(self, loopback: &Loopback) -> Sipp {
        self.start_as(loopback, Command::new("sipp"))
    }

    /// Starts it in a network of its own.
    pub(super) fn start_inside(self, loopback: &Loopback, namespace: &Namespace) -> Sipp {
        self.start_as(loopback, namespace.command("sipp"))
    }

    /// SIPp wants status codes written out.
    fn scenario_file(&self, loopback: &Loopback) -> PathBuf {
        let path = PathBuf::from(format!("{}/tests/sipp/{}.xml", env!("CARGO_MANIFEST_DIR"), self.scenario));
        match self.code {
            BUSY if !self.asserts.is_empty() => {
                let text = text_of(&path).replace("<!-- asserts -->", &self.asserts);
                loopback.write(&format!("{}-{}.xml", self.scenario, self.local.ip()), &text)
            }
            BUSY => path,
            code => {
                let text = text_of(&path).replace(&format!("SIP/2.0 {BUSY} "), &format!("SIP/2.0 {code} "));
                loopback.write(&format!("{}-{code}.xml", self.scenario), &text)
            }
        }
    }

    fn start_as(self, loopback: &Loopback, mut command: Command) -> Sipp {
        let name = format!("sipp-{}-{}", self.scenario, self.local).replace([':', '.', '[', ']'], "-");
        let (log, errors) = (loopback.file(&format!("{name}.words")), loopback.file(&format!("{name}.errors")));
        let bracketed = |address: IpAddr| if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
        command
            .arg("-sf")
            .arg(self.scenario_file(loopback))
            .args(["-i", &bracketed(self.local.ip()), "-p", &self.local.port().to_string(), "-t", self.transport])
            .args(["-m", &self.calls.to_string(), "-l", &self.calls.to_string(), "-r", "10"])
            .args(["-nostdin", "-timeout", "60s", "-timeout_error"])
            .args(match self.surprises {
                Surprises::Fail => &[][..],
                Surprises::Pass => &["-default_behaviors", "none"][..],
            })
            .args(["-d", &self.talk.as_millis().to_string()])
            .args(["-key", "ear", &self.ear.ip().to_string(), "-key", "ear_port", &self.ear.port().to_string()])
            .args(["-key", "family", if self.ear.is_ipv6() { "IP6" } else { "IP4" }])
            .args(["-key", "citizen", CITIZEN])
            .args(["-trace_logs", "-log_file"])
            .arg(&log)
            .args(["-trace_err", "-error_file"])
            .arg(&errors)
            .args(["-trace_msg", "-message_file"])
            .arg(loopback.file(&format!("{name}.messages")))
            .arg(self.remote.to_string())
            .env("TERM", "dumb");
        let process = Process::start(loopback, &name, command);
        Sipp { process, log, scenario: self.scenario, errors }
    }
}

impl Sipp {
    /// Waits for a `<log>` of the scenario that starts with `word` and gives the rest of the line.
    pub(super) fn says(&mut self, word: &str) -> String {
        let what = format!("`{word}` from SIPp's {}", self.scenario);
        wait_for(&what, PATIENCE + PATIENCE, || {
            let text = text_of(&self.log);
            let line = text.lines().find_map(|line| line.strip_prefix(word)).map(|rest| rest.trim().to_owned());
            assert!(line.is_some() || self.process.runs(), "SIPp's {}: {}", self.scenario, text_of(&self.errors));
            line
        })
    }

    /// Waits for the far end's media address: the scenarios log `media ADDRESS PORT`.
    pub(super) fn media(&mut self) -> SocketAddr {
        media_address(&self.says("media"))
    }

    /// The far end's media addresses of all calls so far.
    pub(super) fn all_media(&self) -> Vec<SocketAddr> {
        text_of(&self.log).lines().filter_map(|line| line.strip_prefix("media")).map(media_address).collect()
    }

    /// Whether the scenario still runs.
    pub(super) fn runs(&mut self) -> bool {
        self.process.runs()
    }

    /// Waits until the scenario has ended well.
    pub(super) fn passes(mut self) {
        let status = self.process.ended(Duration::from_secs(60));
        assert!(status.success(), "SIPp's {} ended with {status}: {}", self.scenario, text_of(&self.errors));
    }
}

fn media_address(line: &str) -> SocketAddr {
    let (address, port) = line.trim().split_once(' ').expect("an address and a port");
    SocketAddr::new(address.parse().expect("an address"), port.trim().parse().expect("a port"))
}
