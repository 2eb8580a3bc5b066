//! What `lianxian route` says would leave is what leaves: the INVITE to a trunk of every shipped profile, header by
//! header.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::loopback::{Loopback, PATIENCE, wait_for};
use super::process::Process;

/// The citizen, as the citizens' trunk writes the number.
const CITIZEN: &str = "+8613800138000";

/// What differs in every message, or says nothing of who calls.
const NOT_COMPARED: [&str; 6] = ["Via", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type"];

/// A header line, made comparable.
type Line = (String, String);

#[test]
fn the_dry_run_and_the_wire_agree_for_every_shipped_profile() {
    let house = House::new();
    let _daemon = house.start();
    let citizen = socket(house.net.host(2));
    for (at, profile) in profiles().iter().enumerate() {
        for (trust, withheld) in [("trusted", false), ("trusted", true), ("untrusted", false), ("untrusted", true)] {
            let peer = socket(house.peer(at, trust));
            let said = house.asks(profile, trust, withheld);
            house.calls(&citizen, &format!("{profile}-{trust}-{withheld}"), at, trust, withheld);
            let (request, seen) = invite(&peer);
            house.gives_up(&citizen, &format!("{profile}-{trust}-{withheld}"), at, trust);
            assert_eq!(said.0, request, "{profile}, {trust}, withheld {withheld}");
            assert_eq!(said.1, seen, "{profile}, {trust}, withheld {withheld}");
            let whole = format!("{seen:?}");
            assert!(trust == "trusted" || !withheld || !whole.contains("13800138000"), "{profile}: {whole}");
            let contact = seen.iter().find(|(name, _)| name == "Contact").expect("RFC 3261 8.1.1.8");
            assert!(contact.1.starts_with("<sip:lianxian@"), "our Contact names nobody (T9): {contact:?}");
        }
    }
}

/// The names of the shipped profiles.
fn profiles() -> Vec<String> {
    let folder = std::fs::read_dir(root().join("sip-profiles")).unwrap();
    let mut names: Vec<String> =
        folder.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A daemon with a trusted and an untrusted trunk for each profile, each behind a hotline of its own.
struct House {
    net: Loopback,
    config: PathBuf,
}

impl House {
    fn new() -> Self {
        let net = Loopback::new("route-agrees");
        let (sip, admin) = (net.host(1), net.host(1));
        let main = format!(
            "[sip]\nrealm = \"hotline.test\"\n[[sip.listen]]\ntransport = \"udp\"\naddress = \"{sip}:5060\"\n\
             [softphones]\nnetworks = [\"{phones}/32\"]\n\
             [media]\naddress = \"{sip}\"\nfirst_port = 20000\nlast_port = 20999\nprompts = \"{root}/prompts\"\n\
             [limits]\ncalls = 100\nemergency_reserve = 10\n\
             [admin]\nlisten = \"{admin}:9464\"\n[log]\nlevel = \"debug\"\n[files]\nprofiles = \"{root}/sip-profiles\"\n",
            phones = net.host(96),
            root = root().display(),
        );
        let mut house = Self { net, config: PathBuf::new() };
        let mut trunks =
            format!("[[trunk]]\nid = \"citizens\"\ntrust = \"trusted\"\nnetworks = [\"{}/32\"]\n", house.net.host(2));
        let mut hotlines = "[[hotline]]\nnumber = \"12345\"\nplan = [{ group = \"desk\" }]\n".to_owned();
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
            }
        }
        let agents = "[[group]]\nid = \"desk\"\n[[agent]]\nnumber = \"1001\"\ngroups = [\"desk\"]\n\
                      secret = \"${LIANXIAN_TEST_SECRET}\"\n";
        house.net.write("trunks.toml", &trunks);
        house.net.write("hotlines.toml", &hotlines);
        house.net.write("agents.toml", agents);
        house.config = house.net.write("lianxian.toml", &main);
        house
    }

    fn peer(&self, at: usize, trust: &str) -> IpAddr {
        let last = 10 + 2 * u8::try_from(at).unwrap() + u8::from(trust == "trusted");
        self.net.host(last).into()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lianxian"));
        command.env("LIANXIAN_TEST_SECRET", "correct horse battery staple");
        command
    }

    fn start(&self) -> Process {
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

    /// What the dry run says of a call of the citizen to the profile's hotline.
    fn asks(&self, profile: &str, trust: &str, withheld: bool) -> (String, Vec<Line>) {
        let at = profiles().iter().position(|name| name == profile).unwrap();
        let mut command = self.command();
        command.args(["route", "--from", CITIZEN, "--dnis", &number(at, trust), "--trunk", "citizens", "--json"]);
        command.arg("--config").arg(&self.config);
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
        (invite["request_uri"].as_str().unwrap().to_owned(), comparable(headers.iter().map(line)))
    }

    /// The citizen calls the profile's hotline.
    fn calls(&self, citizen: &UdpSocket, name: &str, at: usize, trust: &str, withheld: bool) {
        let own = citizen.local_addr().unwrap();
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n",
            ip = own.ip()
        );
        let privacy = if withheld { "Privacy: id\r\n" } else { "" };
        let daemon = SocketAddr::from((self.net.host(1), 5060));
        let called = number(at, trust);
        let request = format!(
            "INVITE sip:{called}@{daemon} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{name}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{CITIZEN}@{ip}>;tag={name}\r\nTo: <sip:{called}@{daemon}>\r\n\
             Call-ID: {name}\r\nCSeq: 1 INVITE\r\nContact: <sip:{own}>\r\n\
             P-Asserted-Identity: <sip:{CITIZEN}@{ip}>\r\n{privacy}Content-Type: application/sdp\r\n\
             Content-Length: {length}\r\n\r\n{sdp}",
            ip = own.ip(),
            length = sdp.len(),
        );
        citizen.send_to(request.as_bytes(), daemon).unwrap();
    }

    /// The citizen hangs up before anybody has answered.
    fn gives_up(&self, citizen: &UdpSocket, name: &str, at: usize, trust: &str) {
        let (own, called) = (citizen.local_addr().unwrap(), number(at, trust));
        let daemon = SocketAddr::from((self.net.host(1), 5060));
        let request = format!(
            "CANCEL sip:{called}@{daemon} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{name}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{CITIZEN}@{ip}>;tag={name}\r\nTo: <sip:{called}@{daemon}>\r\n\
             Call-ID: {name}\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n",
            ip = own.ip(),
        );
        citizen.send_to(request.as_bytes(), daemon).unwrap();
    }
}

/// The number of a hotline: nobody's, and different for each trunk.
fn number(at: usize, trust: &str) -> String {
    format!("96{at}{}0", u8::from(trust == "trusted"))
}

fn socket(host: impl Into<IpAddr>) -> UdpSocket {
    let socket = UdpSocket::bind(SocketAddr::new(host.into(), 5060)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    socket
}

/// The next INVITE that arrives; it is answered 100, so that it comes once.
fn invite(peer: &UdpSocket) -> (String, Vec<Line>) {
    let until = Instant::now() + PATIENCE;
    let mut buffer = [0; 65_536];
    loop {
        assert!(Instant::now() < until, "no INVITE arrives at {}", peer.local_addr().unwrap());
        let Ok((length, from)) = peer.recv_from(&mut buffer) else { continue };
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let Some(request) = lines.next().and_then(|start| start.strip_prefix("INVITE ")) else { continue };
        let headers: Vec<Line> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let kept = headers.iter().filter(|(name, _)| ["Via", "From", "To", "Call-ID", "CSeq"].contains(&name.as_str()));
        let kept = kept.fold(String::new(), |text, (name, value)| text + &format!("{name}: {value}\r\n"));
        let trying = format!("SIP/2.0 100 Trying\r\n{kept}Content-Length: 0\r\n\r\n");
        peer.send_to(trying.as_bytes(), from).unwrap();
        return (request.trim_end_matches(" SIP/2.0").to_owned(), comparable(headers.into_iter()));
    }
}

/// Without what is another in each message: tags, and the linkage id.
fn comparable(headers: impl Iterator<Item = Line>) -> Vec<Line> {
    let steady = |(name, value): Line| {
        let value = value.split(";tag=").next().unwrap_or_default().to_owned();
        (name, without_linkage(&value))
    };
    headers.filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str())).map(steady).collect()
}

/// Thirty-two hexadecimal digits and more in a row are a linkage id.
fn without_linkage(value: &str) -> String {
    let (mut out, mut run) = (String::new(), String::new());
    for c in value.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() >= 32 { "<linkage>" } else { &run });
        run.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
