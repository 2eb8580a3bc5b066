//! The daemon as a process: its commands, its answers to administrators, and strangers at its door.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn lianxian() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lianxian"));
    command.env("SECRET_OF_1001", "long-Enough-4-all").stdin(Stdio::null());
    command
}

/// A configuration folder and addresses of its own. The daemon is 127.x.y.1, its trunk 127.x.y.11.
struct Place {
    folder: PathBuf,
    block: [u8; 2],
}

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let own = NEXT.fetch_add(1, Ordering::Relaxed);
        let pid = std::process::id();
        let block = [100 + (pid % 100) as u8, (pid / 100 % 16) as u8 * 16 + own % 16];
        let folder = std::env::temp_dir().join(format!("lianxian-wire-{pid}-{own}"));
        std::fs::create_dir_all(&folder).unwrap();
        let place = Self { folder, block };
        place.write();
        place
    }

    fn at(&self, last: u8, port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::new(127, self.block[0], self.block[1], last), port))
    }

    fn main_file(&self) -> PathBuf {
        self.folder.join("lianxian.toml")
    }

    fn write(&self) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let main = format!(
            "[sip]\nrealm = \"wire.example\"\n[[sip.listen]]\ntransport = \"udp\"\naddress = \"{sip}\"\n\
             [[sip.listen]]\ntransport = \"tcp\"\naddress = \"{sip}\"\n[softphones]\nnetworks = [\"{}/32\"]\n\
             [media]\naddress = \"{}\"\nfirst_port = 20000\nlast_port = 20099\nprompts = \"{}\"\n\
             [limits]\ncalls = 25\nemergency_reserve = 2\nshutdown_s = 2\n\
             [admin]\nlisten = \"{}\"\n[files]\nprofiles = \"{}\"\n",
            self.at(21, 0).ip(),
            self.at(1, 0).ip(),
            root.join("prompts").display(),
            self.at(1, 9464),
            root.join("sip-profiles").display(),
            sip = self.at(1, 5060),
        );
        let trunks = format!(
            "[[trunk]]\nid = \"carrier\"\nnetworks = [\"{}/32\"]\nnext_hops = [\"{}\"]\noptions_interval_s = 0\n",
            self.at(11, 0).ip(),
            self.at(11, 5060)
        );
        let agents = "[[group]]\nid = \"desk\"\n[[agent]]\nnumber = \"1001\"\ngroups = [\"desk\"]\n\
                      secret = \"${SECRET_OF_1001}\"\n";
        let hotlines = "[[hotline]]\nnumber = \"12345\"\nplan = [{ group = \"desk\" }]\n";
        for (name, text) in [
            ("lianxian.toml", main.as_str()),
            ("trunks.toml", &trunks),
            ("agents.toml", agents),
            ("hotlines.toml", hotlines),
        ] {
            std::fs::write(self.folder.join(name), text).unwrap();
        }
    }

    /// The answer to one GET on the administrators' listener.
    fn ask(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect_timeout(&self.at(1, 9464), Duration::from_millis(200)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// A metric's value, once it is `expected` or after two seconds.
    fn metric(&self, series: &str, expected: impl Fn(f64) -> bool) -> f64 {
        let until = Instant::now() + Duration::from_secs(2);
        loop {
            let text = self.ask("/metrics").unwrap();
            let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok()).unwrap_or(0.0);
            if expected(value) || Instant::now() >= until {
                return value;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// A running daemon, killed when dropped; its log is read by a thread.
struct Daemon {
    child: Child,
    log: Option<std::thread::JoinHandle<Vec<String>>>,
}

impl Daemon {
    fn start(place: &Place) -> Self {
        let mut command = lianxian();
        command.args(["serve", "--config"]).arg(place.main_file()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let log = Some(std::thread::spawn(move || lines.map_while(Result::ok).collect()));
        let daemon = Self { child, log };
        let until = Instant::now() + Duration::from_secs(10);
        while !place.ask("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            assert!(Instant::now() < until, "the daemon does not become ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        daemon
    }

    /// Asks it to end: its exit code, how long it took, and its log.
    fn terminate(&mut self) -> (Option<i32>, Duration, Vec<String>) {
        let start = Instant::now();
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGTERM).unwrap();
        let status = self.child.wait().unwrap();
        (status.code(), start.elapsed(), self.log.take().unwrap().join().unwrap())
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn request(method: &str, from: &str, number: u32) -> String {
    format!(
        "{method} sip:12345@wire.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{method}{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: {from};tag=x{number}\r\nTo: <sip:12345@wire.example>\r\nCall-ID: {method}{number}\r\n\
         CSeq: 1 {method}\r\nContact: <sip:x@127.0.0.1>\r\nContent-Length: 0\r\n\r\n"
    )
}

// === Commands ===

#[test]
fn a_wrong_configuration_is_told_with_its_place_and_exit_code_2_before_anything_listens() {
    let place = Place::new();
    let check = |more: &[&str]| run(lianxian().args(["check", "--config"]).arg(place.main_file()).args(more));
    assert_eq!(check(&[]).0, Some(0));
    assert_eq!(check(&["--json"]).1, "{\"good\":true,\"problems\":[]}\n");
    std::fs::write(
        place.folder.join("hotlines.toml"),
        "[[hotline]]\nnumber = \"12345\"\nplan = [{ group = \"dusk\" }]\n",
    )
    .unwrap();
    let expected = format!(
        "{}:3:19: hotline.plan.group: there is no group `dusk`; an id of a [[group]] in agents.toml\n",
        place.folder.join("hotlines.toml").display()
    );
    assert_eq!(check(&[]), (Some(2), String::new(), expected.clone()));
    let (code, json, _) = check(&["--json"]);
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &answer["problems"][0]["line"], &answer["good"]), (Some(2), &3.into(), &false.into()));
    let served = run(lianxian().args(["serve", "--config"]).arg(place.main_file()));
    assert_eq!(served, (Some(2), String::new(), expected));
    assert_eq!(run(lianxian().arg("sevre")).0, Some(2), "a usage error");
}

#[test]
fn the_demos_bridge_comes_true() {
    let (code, json, errors) = run(lianxian().args(["demo", "--step", "bridge", "--json"]));
    assert_eq!(code, Some(0), "{json}\n{errors}");
    let story: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&story["came_true"], &story["caller_lost_total"]), (&true.into(), &0.into()));
    assert!(!json.contains("13900001111") && !json.contains("13900002222"), "numbers are masked");
}

// === Administrators ===

#[test]
fn administrators_are_answered_and_sigterm_ends_an_idle_daemon_at_once() {
    let place = Place::new();
    let mut daemon = Daemon::start(&place);
    assert!(place.ask("/healthz").unwrap().ends_with("alive\n"));
    assert!(place.ask("/readyz").unwrap().ends_with("ready\n"));
    assert!(place.ask("/nothing").unwrap().starts_with("HTTP/1.1 404"));
    let metrics = place.ask("/metrics").unwrap();
    for name in [
        "lianxian_build_info{",
        "lianxian_up 1",
        "lianxian_caller_lost_total 0",
        "lianxian_rtp_ports_in_use 0",
        "process_",
    ] {
        assert!(metrics.contains(name), "{name}");
    }
    let (code, span, log) = daemon.terminate();
    assert_eq!(code, Some(0));
    assert!(span < Duration::from_secs(2), "{span:?}");
    assert!(log.iter().any(|line| line.contains("\"event\":\"stopped\"")), "{log:?}");
}

#[test]
fn sighup_takes_a_good_configuration_and_keeps_the_old_one_when_it_is_bad() {
    let place = Place::new();
    let mut daemon = Daemon::start(&place);
    let hang_up = || kill(Pid::from_raw(i32::try_from(daemon.child.id()).unwrap()), Signal::SIGHUP).unwrap();
    let trunk = UdpSocket::bind(place.at(12, 5060)).unwrap();
    trunk.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let asks = |number| {
        trunk.send_to(request("OPTIONS", "<sip:p@h>", number).as_bytes(), place.at(1, 5060)).unwrap();
        trunk.recv_from(&mut [0; 2_000]).is_ok()
    };
    assert!(!asks(1), "nobody yet");
    let file = place.folder.join("trunks.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    let second = format!("[[trunk]]\nid = \"second\"\nnetworks = [\"{}/32\"]\n", place.at(12, 0).ip());
    std::fs::write(&file, format!("{good}{second}trust = \"blind\"\n")).unwrap();
    hang_up();
    let refused = place.metric("lianxian_config_reload_total{result=\"refused\"}", |count| count >= 1.0);
    assert!(refused >= 1.0, "a bad one is counted");
    assert!(!asks(2), "and nothing of it is used");
    std::fs::write(&file, format!("{good}{second}")).unwrap();
    hang_up();
    let taken = place.metric("lianxian_config_reload_total{result=\"taken\"}", |count| count >= 1.0);
    assert!(taken >= 1.0, "a good one is taken");
    assert!(asks(3), "the new trunk is answered");
    let (code, _, log) = daemon.terminate();
    assert_eq!(code, Some(0));
    let told = log.iter().find(|line| line.contains("reload_refused")).expect("the log says what is wrong");
    for word in ["trunks.toml", "\"line\":9", "\"column\":9", "trunk.trust", "blind"] {
        assert!(told.contains(word), "{word} is missing in {told}");
    }
}

// === Strangers ===

#[test]
fn v10_strangers_meet_silence_cost_no_memory_and_cannot_fill_or_forge_the_log() {
    let place = Place::new();
    let mut daemon = Daemon::start(&place);
    let before = daemon.resident_kib();
    let stranger = UdpSocket::bind(place.at(66, 0)).unwrap();
    stranger.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let hostile = "\"\u{1b}[31m\u{202e}x\" <sip:13912345678@h>";
    for number in 0..20_000 {
        let method = ["REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE"][number as usize % 4];
        stranger.send_to(request(method, hostile, number).as_bytes(), place.at(1, 5060)).unwrap();
        if number % 50 == 0 {
            // About 5,000 a second and more: the kernel's buffer is not what is tested.
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(stranger.recv_from(&mut [0; 2_000]).is_err(), "a stranger is never answered");
    let trunk = UdpSocket::bind(place.at(11, 5060)).unwrap();
    trunk.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    trunk.send_to(request("OPTIONS", "<sip:p@h>", 1).as_bytes(), place.at(1, 5060)).unwrap();
    let mut answer = [0; 2_000];
    let (length, _) = trunk.recv_from(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"SIP/2.0 200"), "a trunk is answered after the flood");
    let refused = place.metric("lianxian_sip_refused_total{reason=\"unknown_source\"}", |count| count >= 19_000.0);
    assert!(refused >= 19_000.0, "{refused} refusals counted\n{}", place.ask("/metrics").unwrap());
    let grown = daemon.resident_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB grown");
    let (_, _, log) = daemon.terminate();
    assert!(log.len() < 1_000, "{} lines", log.len());
    for line in &log {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        assert!(!line.contains("13912345678") && !line.contains(['\u{1b}', '\u{202e}']), "{line}");
    }
}

#[test]
fn v14_invites_over_tcp_that_are_reset_at_any_byte_leave_no_descriptor_behind() {
    let place = Place::new();
    let daemon = Daemon::start(&place);
    let before = daemon.descriptors();
    let invite = request("INVITE", "<sip:13900001111@h>", 7);
    for number in 0..1_000 {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&place.at(11, 0).into()).unwrap();
        socket.connect(&place.at(1, 5060).into()).unwrap();
        socket.set_linger(Some(Duration::ZERO)).unwrap();
        let mut stream = TcpStream::from(socket);
        // A daemon that has closed already is as good as one that reads.
        stream.write_all(&invite.as_bytes()[..number * 37 % invite.len()]).ok();
    }
    let open = place.metric("lianxian_net_connections", |count| count == 0.0);
    assert!(open == 0.0, "{open} connections");
    let until = Instant::now() + Duration::from_secs(5);
    while daemon.descriptors() > before && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(daemon.descriptors() <= before, "{} descriptors, {before} before", daemon.descriptors());
    let trunk = UdpSocket::bind(place.at(11, 5060)).unwrap();
    trunk.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    trunk.send_to(request("OPTIONS", "<sip:p@h>", 1).as_bytes(), place.at(1, 5060)).unwrap();
    let mut answer = [0; 2_000];
    let (length, _) = trunk.recv_from(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"SIP/2.0 200"));
}
