//! A network of its own for parties that are to be cut off: a namespace, a cable to it, and a packet filter inside.
//!
//! The daemon and the rest of the test stay outside; they and the parties inside see each other over the cable. Needs
//! root, `ip` and `iptables`; without them the test fails. Names carry the test's process id, so that several runs do
//! not meet, and what a killed run has left behind is removed by the next one.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

/// What every name begins with.
const PREFIX: &str = "lxw";

/// Addresses of a cable's network: five outside, five inside.
const SIZE: u8 = 16;

static NEXT: AtomicU8 = AtomicU8::new(0);

/// A namespace and its cable. Dropping it removes both.
pub(super) struct Namespace {
    name: String,
    network: [u8; 4],
}

impl Namespace {
    /// A namespace with five addresses at each end of its cable, and nothing filtered.
    pub(super) fn new() -> Self {
        remove_what_the_dead_have_left();
        let process = std::process::id();
        let own = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(own < u8::MAX / SIZE, "more networks than one test run has room for");
        let low = |number: u32| u8::try_from(number).expect("a remainder of 256 is a byte");
        // 10.200 and above: where neither this machine nor its containers are likely to be.
        let network = [10, 200 + low(process / 256 % 50), low(process % 256), own * SIZE];
        let new = Self { name: format!("{PREFIX}{process}-{own}"), network };
        let (name, outer, inner) = (&new.name, new.cable('o'), new.cable('i'));
        ip(&["netns", "add", name]);
        ip(&["link", "add", &outer, "type", "veth", "peer", "name", &inner, "netns", name]);
        for number in 1..=5 {
            ip(&["addr", "add", &format!("{}/28", new.outside(number)), "dev", &outer]);
            ip(&["-n", name, "addr", "add", &format!("{}/28", new.inside(number)), "dev", &inner]);
        }
        ip(&["link", "set", &outer, "up"]);
        ip(&["-n", name, "link", "set", &inner, "up"]);
        ip(&["-n", name, "link", "set", "lo", "up"]);
        // What is outside the cable's network, such as 127.x addresses of other parties, stays unreachable from inside.
        new
    }

    /// One of five addresses at the end of the cable that is outside, from 1: for the daemon, and for the ears of
    /// parties whose telephone is inside. (To loopback a daemon sends sound only if it is on loopback itself.)
    pub(super) fn outside(&self, number: u8) -> Ipv4Addr {
        assert!((1..=5).contains(&number), "five outside");
        self.address(number)
    }

    /// One of five addresses inside, from 1.
    pub(super) fn inside(&self, number: u8) -> Ipv4Addr {
        assert!((1..=5).contains(&number), "five inside");
        self.address(number + 5)
    }

    /// A program that is to run inside.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Nothing reaches the party and nothing leaves it: its cable is cut, or it is gone.
    pub(super) fn cut_off(&self, party: Ipv4Addr) {
        self.filter(&["-A", "INPUT", "-d", &party.to_string(), "-j", "DROP"]);
        self.filter(&["-A", "OUTPUT", "-s", &party.to_string(), "-j", "DROP"]);
    }

    /// The party's host is there, but no process listens on the port any more: ICMP says so.
    pub(super) fn refuse(&self, party: Ipv4Addr, port: u16) {
        let (party, port) = (party.to_string(), port.to_string());
        let reject = ["-j", "REJECT", "--reject-with", "icmp-port-unreachable"];
        self.filter(&[&["-A", "INPUT", "-p", "udp", "-d", &party, "--dport", &port][..], &reject].concat());
    }

    /// Loses this part of all datagrams that reach the inside, such as 0.2.
    pub(super) fn lose(&self, part: f64) {
        let part = part.to_string();
        let statistic = ["-m", "statistic", "--mode", "random", "--probability", &part];
        self.filter(&[&["-A", "INPUT", "-p", "udp"][..], &statistic, &["-j", "DROP"]].concat());
    }

    /// Takes every filter away again.
    pub(super) fn mend(&self) {
        self.filter(&["-F"]);
    }

    fn filter(&self, rule: &[&str]) {
        run(self.command("iptables").arg("-w").args(rule));
    }

    const fn address(&self, last: u8) -> Ipv4Addr {
        let [first, second, third, fourth] = self.network;
        Ipv4Addr::new(first, second, third, fourth + last)
    }

    /// The name of one end of the cable; Linux allows 15 characters.
    fn cable(&self, end: char) -> String {
        format!("{}{end}", self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Removes the namespaces, and with them the cables, of test runs whose process is not there any more.
fn remove_what_the_dead_have_left() {
    let listed = Command::new("ip").args(["netns", "list"]).output().expect("`ip` is there; see scripts/test");
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let name = line.split(' ').next().unwrap_or_default();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            remove(name);
        }
    }
}

/// Removes a namespace and its cable. Either may have gone already: the tests of another process tidy up as well.
fn remove(name: &str) {
    for arguments in [["link", "del", &format!("{name}o")], ["netns", "del", name]] {
        drop(Command::new("ip").args(arguments).output());
    }
}

fn ip(arguments: &[&str]) {
    run(Command::new("ip").args(arguments));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; see scripts/test"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} (root is needed): {errors}");
}

#[test]
fn a_party_inside_can_be_cut_off_refused_and_mended() {
    use std::io::ErrorKind;
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::loopback::{Loopback, PATIENCE, wait_for};
    use super::process::Process;

    let (net, inside) = (Loopback::new("namespace"), Namespace::new());
    let echo = "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind((sys.argv[1], 7000))\n\
                while True:\n    data, peer = s.recvfrom(99)\n    s.sendto(data, peer)\n";
    let start = |party| {
        let mut command = inside.command("python3");
        command.args(["-c", echo, &inside.inside(party).to_string()]);
        Process::start(&net, &format!("echo-{party}"), command)
    };
    let _processes = [start(1), start(2)];
    let asks = |party| {
        // A new socket each time: an ICMP error is told to the socket that has sent.
        let socket = UdpSocket::bind((inside.outside(1), 0)).expect("the cable's end is ours");
        socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a time-out can be set");
        socket.connect((inside.inside(party), 7000)).expect("a datagram socket connects at once");
        socket.send(b"?").and_then(|_| socket.recv(&mut [0; 9])).map_err(|error| error.kind())
    };
    for party in [1, 2] {
        wait_for("the echo", PATIENCE, || asks(party).ok());
    }
    inside.cut_off(inside.inside(1));
    assert_eq!((asks(1), asks(2)), (Err(ErrorKind::WouldBlock), Ok(1)));
    inside.mend();
    inside.refuse(inside.inside(1), 7000);
    // The kernel limits how often it says so (icmp_ratelimit): other tests may have used the allowance up.
    wait_for("the refusal", PATIENCE, || (asks(1) == Err(ErrorKind::ConnectionRefused)).then_some(()));
    assert_eq!(asks(2), Ok(1));
    inside.mend();
    inside.lose(1.0);
    assert_eq!((asks(1), asks(2)), (Err(ErrorKind::WouldBlock), Err(ErrorKind::WouldBlock)));
    inside.mend();
    assert_eq!((asks(1), asks(2)), (Ok(1), Ok(1)));
}
