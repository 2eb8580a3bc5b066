//! The daemon whose trunks have every shipped profile, and what its dry run says.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Line;
use crate::wire::loopback::{Loopback, PATIENCE, wait_for};
use crate::wire::process::Process;
use crate::wire::setup::{PASSWORD, REALM, token};

/// The names of the shipped profiles.
pub(super) fn profiles() -> Vec<String> {
    let folder = std::fs::read_dir(root().join("sip-profiles")).unwrap();
    let mut names: Vec<String> =
        folder.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A daemon with a trusted and an untrusted trunk for each profile, each behind a hotline
/// of its own, and each the 110 of a territory of its own.
pub(super) struct House {
    pub(super) net: Loopback,
    config: PathBuf,
}

impl House {
    /// The configuration, written; with a citizens' trunk, an agent 1001 of 12345 and nobody at the duty desk.
    pub(super) fn new(name: &str) -> Self {
        let net = Loopback::new(name);
        let (sip, admin) = (net.host(1), net.host(1));
        let main = format!(
            "[sip]\nrealm = \"{REALM}\"\n[[sip.listen]]\ntransport = \"udp\"\naddress = \"{sip}:5060\"\n\
             [softphones]\nnetworks = [\"{phones}/32\"]\n\
             [media]\naddress = \"{sip}\"\nfirst_port = 20000\nlast_port = 20999\nprompts = \"{root}/prompts\"\n\
             [limits]\ncalls = 100\nemergency_reserve = 10\n\
             [admin]\nlisten = \"{admin}:9464\"\n[log]\nlevel = \"debug\"\n\
             [http]\nlisten = \"{sip}:8080\"\n\
             [[http.token]]\nname = \"cti\"\nrole = \"system\"\nsecret_file = \"token\"\n\
             [files]\nprofiles = \"{root}/sip-profiles\"\nregions = \"{root}/config/regions.csv\"\n",
            phones = net.host(97),
            root = root().display(),
        );
        let token = net.write("token", token("cti"));
        // A secret that others can read is refused.
        std::fs::set_permissions(token, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut house = Self { net, config: PathBuf::new() };
        let mut trunks =
            format!("[[trunk]]\nid = \"citizens\"\ntrust = \"trusted\"\nnetworks = [\"{}/32\"]\n", house.net.host(2));
        let mut hotlines = "[[hotline]]\nnumber = \"12345\"\nplan = [{ group = \"desk\" }]\n\
                            [[hotline]]\nnumber = \"110\"\nplan = [{ group = \"duty\", class = \"duty_desk\" }]\n"
            .to_owned();
        let mut territories = String::new();
        for (at, profile) in profiles().iter().enumerate() {
            for trust in ["trusted", "untrusted"] {
                let peer = house.peer(at, trust);
                write!(
                    trunks,
                    "[[trunk]]\nid = \"{profile}-{trust}\"\nprofile = \"{profile}\"\ntrust = \"{trust}\"\n\
                     networks = [\"{peer}/32\"]\nnext_hops = [\"{peer}:5060\"]\noptions_interval_s = 0\n\
                     number = \"02161234567\"\narea_code = \"021\"\n{}",
                    if profile.ends_with("-ims") { "domain = \"ims.example.cn\"\n" } else { "" },
                )
                .unwrap();
                write!(
                    hotlines,
                    "[[hotline]]\nnumber = \"{}\"\nplan = [{{ trunk = \"{profile}-{trust}\", number = \"02187654321\" }}]\n",
                    number(at, trust),
                )
                .unwrap();
                write!(
                    territories,
                    "[[region]]\ncode = \"{region}\"\nname = \"{region}\"\nlevel = \"county\"\nparent = \"653001\"\n\
                     [[territory]]\nregion = \"{region}\"\nservice = \"110\"\n\
                     targets = [{{ trunk = \"{profile}-{trust}\", number = \"110\" }}]\n",
                    region = region(profile, trust),
                )
                .unwrap();
            }
        }
        let agents = "[[group]]\nid = \"desk\"\n[[group]]\nid = \"duty\"\n\
                      [[agent]]\nnumber = \"1001\"\ngroups = [\"desk\"]\nsecret = \"${LIANXIAN_TEST_SECRET}\"\n\
                      [[agent]]\nnumber = \"1002\"\ngroups = [\"duty\"]\nsecret = \"${LIANXIAN_TEST_SECRET}\"\n";
        house.net.write("trunks.toml", &trunks);
        house.net.write("hotlines.toml", &hotlines);
        house.net.write("agents.toml", agents);
        house.net.write("territories.toml", &territories);
        house.config = house.net.write("lianxian.toml", &main);
        house
    }

    /// The address of a profile's trunk.
    pub(super) fn peer(&self, at: usize, trust: &str) -> IpAddr {
        let last = 10 + 2 * u8::try_from(at).unwrap() + u8::from(trust == "trusted");
        self.net.host(last).into()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lianxian"));
        command.env("LIANXIAN_TEST_SECRET", PASSWORD);
        command
    }

    /// Starts the daemon and waits until it is ready.
    pub(super) fn start(&self) -> Process {
        let mut command = self.command();
        command.arg("serve").arg("--config").arg(&self.config);
        let mut daemon = Process::start(&self.net, "lianxian", command);
        wait_for("the daemon to be ready", PATIENCE, || {
            assert!(daemon.runs(), "the daemon ended:\n{}", daemon.printed());
            let mut admin = TcpStream::connect(SocketAddr::from((self.net.host(1), 9464))).ok()?;
            admin.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
            admin.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
            let mut answer = String::new();
            admin.read_to_string(&mut answer).ok()?;
            answer.starts_with("HTTP/1.1 200").then_some(())
        });
        daemon
    }

    /// Where requests go.
    pub(super) fn daemon(&self) -> SocketAddr {
        (self.net.host(1), 5060).into()
    }

    /// What `lianxian route` says of the first step's INVITE.
    pub(super) fn asks(&self, question: &[&str], withheld: bool) -> (String, Vec<Line>) {
        let mut command = self.command();
        command.arg("route").args(question).arg("--json").arg("--config").arg(&self.config);
        if withheld {
            command.arg("--withheld");
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let invite = &json["steps"][0]["invite"];
        let headers = invite["headers"].as_array().unwrap_or_else(|| panic!("{json:#}"));
        let line = |header: &serde_json::Value| {
            (header["name"].as_str().unwrap().to_owned(), header["value"].as_str().unwrap().to_owned())
        };
        (invite["request_uri"].as_str().unwrap().to_owned(), headers.iter().map(line).collect())
    }
}

/// The number of a hotline: nobody's, and different for each trunk.
pub(super) fn number(at: usize, trust: &str) -> String {
    format!("96{at}{}0", u8::from(trust == "trusted"))
}

/// The territory whose 110 is a profile's trunk.
pub(super) fn region(profile: &str, trust: &str) -> String {
    format!("{profile}-{trust}-zone")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
