//! Bad weather: a proxy between a party and the daemon that loses, doubles, delays and reorders SIP datagrams.
//!
//! It stands at two addresses: to the daemon it is the party, to the party it is the daemon. Addresses in the heads of
//! messages are written as each side knows them, so that every request of a dialog passes through it; bodies are left
//! alone, so that sound goes straight. What is done to a datagram comes from a seeded stream.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lianxian::base::entropy::Entropy;

/// What is done to datagrams of one direction. Parts are per cent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// Lost.
    pub(super) lost: u64,
    /// Sent twice, the second one later.
    pub(super) doubled: u64,
    /// Held back by up to 60 ms, so that later ones overtake them.
    pub(super) held_back: u64,
    /// How long everything takes.
    pub(super) latency: Duration,
}

impl Weather {
    /// Loses this part of what passes, doubles and reorders a tenth of it.
    pub(super) const fn losing(lost: u64) -> Self {
        Self { lost, doubled: 10, held_back: 10, latency: Duration::ZERO }
    }

    /// Nothing but a long way, so that messages cross.
    pub(super) const fn far(latency: Duration) -> Self {
        Self { lost: 0, doubled: 0, held_back: 0, latency }
    }
}

/// Who is who.
pub(super) struct Places {
    /// The party's own address.
    pub(super) party: Ipv4Addr,
    /// The party, as the daemon knows it.
    pub(super) party_seen: Ipv4Addr,
    /// The daemon's own address.
    pub(super) daemon: Ipv4Addr,
    /// The daemon, as the party knows it.
    pub(super) daemon_seen: Ipv4Addr,
}

/// What has passed, counted before any of it was lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Passed {
    /// INVITEs outside a dialog that the daemon has sent: the branches by Call-ID. Repetitions have the same branch.
    pub(super) invites: BTreeMap<String, BTreeSet<String>>,
    /// Datagrams lost.
    pub(super) lost: u64,
    /// Datagrams passed on, copies included.
    pub(super) passed_on: u64,
}

/// A running proxy. Dropping it ends it.
pub(super) struct Chaos {
    ended: Arc<AtomicBool>,
    passed: Arc<Mutex<Passed>>,
    thread: Option<JoinHandle<()>>,
    /// Where the party finds the daemon.
    pub(super) daemon_seen: SocketAddr,
}

/// The SIP port of everybody.
const PORT: u16 = 5060;

impl Chaos {
    /// A proxy between a party and the daemon.
    pub(super) fn between(places: Places, to_daemon: Weather, to_party: Weather, seed: u64) -> Self {
        let bind = |address: Ipv4Addr| {
            let socket = UdpSocket::bind((address, PORT)).unwrap_or_else(|error| panic!("{address}: {error}"));
            socket.set_nonblocking(true).expect("a socket can be made non-blocking");
            socket
        };
        let (near, far) = (bind(places.party_seen), bind(places.daemon_seen));
        let (ended, passed) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Passed::default())));
        let daemon_seen = SocketAddr::from((places.daemon_seen, PORT));
        let mut storm = Storm {
            places,
            near,
            far,
            weather: [to_daemon, to_party],
            entropy: Entropy::from_number(seed),
            on_the_way: Vec::new(),
            passed: Arc::clone(&passed),
        };
        let thread = std::thread::spawn({
            let ended = Arc::clone(&ended);
            move || {
                while !ended.load(Ordering::Relaxed) {
                    storm.turn();
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        Self { ended, passed, thread: Some(thread), daemon_seen }
    }

    /// What has passed so far.
    pub(super) fn passed(&self) -> Passed {
        self.passed.lock().expect("no holder panics").clone()
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What the thread had to say, it has said.
            drop(thread.join());
        }
    }
}

/// Towards whom a datagram flies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    ToDaemon,
    ToParty,
}

struct Storm {
    places: Places,
    near: UdpSocket,
    far: UdpSocket,
    weather: [Weather; 2],
    entropy: Entropy,
    on_the_way: Vec<(Instant, Way, Vec<u8>)>,
    passed: Arc<Mutex<Passed>>,
}

impl Storm {
    fn turn(&mut self) {
        let mut buffer = [0; 65_535];
        while let Ok((length, _)) = self.far.recv_from(&mut buffer) {
            let Places { party, party_seen, daemon, daemon_seen } = &self.places;
            let message = rewrite(&buffer[..length], &[(*party, *party_seen), (*daemon_seen, *daemon)]);
            self.send_off(Way::ToDaemon, message);
        }
        while let Ok((length, _)) = self.near.recv_from(&mut buffer) {
            let Places { party, party_seen, daemon, daemon_seen } = &self.places;
            let message = rewrite(&buffer[..length], &[(*party_seen, *party), (*daemon, *daemon_seen)]);
            note_invite(&mut self.passed.lock().expect("no holder panics"), &message);
            self.send_off(Way::ToParty, message);
        }
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.on_the_way).into_iter().partition(|(at, ..)| *at <= now);
        self.on_the_way = later;
        let mut due: Vec<(Instant, Way, Vec<u8>)> = due;
        due.sort_by_key(|(at, ..)| *at);
        for (_, way, message) in due {
            let (socket, to) = match way {
                Way::ToDaemon => (&self.near, self.places.daemon),
                Way::ToParty => (&self.far, self.places.party),
            };
            // Somebody who is not there yet, or not any more, is no failure of the weather.
            drop(socket.send_to(&message, (to, PORT)));
            self.passed.lock().expect("no holder panics").passed_on += 1;
        }
    }

    fn send_off(&mut self, way: Way, message: Vec<u8>) {
        let weather = match way {
            Way::ToDaemon => self.weather[0],
            Way::ToParty => self.weather[1],
        };
        let happens = |entropy: &mut Entropy, per_cent: u64| entropy.below(100) < per_cent;
        let (lost, doubled) = (happens(&mut self.entropy, weather.lost), happens(&mut self.entropy, weather.doubled));
        let wait = |entropy: &mut Entropy| Duration::from_millis(5 + entropy.below(55));
        let held_back = happens(&mut self.entropy, weather.held_back);
        let delay = weather.latency + if held_back { wait(&mut self.entropy) } else { Duration::ZERO };
        if doubled && !lost {
            let later = Instant::now() + delay + wait(&mut self.entropy);
            self.on_the_way.push((later, way, message.clone()));
        }
        if lost {
            self.passed.lock().expect("no holder panics").lost += 1;
        } else {
            self.on_the_way.push((Instant::now() + delay, way, message));
        }
    }
}

/// Writes other addresses into the head of a message.
fn rewrite(message: &[u8], addresses: &[(Ipv4Addr, Ipv4Addr)]) -> Vec<u8> {
    let text = String::from_utf8_lossy(message);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut head = head.to_owned();
    // Two passes, so that what has been written is not taken for what is to be read.
    for (index, (from, _)) in addresses.iter().enumerate() {
        head = replace_address(&head, &from.to_string(), &format!("\u{1}{index}\u{1}"));
    }
    for (index, (_, to)) in addresses.iter().enumerate() {
        head = head.replace(&format!("\u{1}{index}\u{1}"), &to.to_string());
    }
    format!("{head}\r\n\r\n{body}").into_bytes()
}

/// 127.0.0.1 is not the beginning of 127.0.0.11.
fn replace_address(text: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(from) {
        out.push_str(before);
        let longer =
            after.starts_with(|next: char| next.is_ascii_digit()) || before.ends_with(|c: char| c.is_ascii_digit());
        out.push_str(if longer { from } else { to });
        rest = after;
    }
    out + rest
}

fn note_invite(passed: &mut Passed, message: &[u8]) {
    let text = String::from_utf8_lossy(message);
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
    if text.starts_with("INVITE ") && !header("To:").contains("tag=") {
        let branch = header("Via:").split("branch=").nth(1).unwrap_or_default().to_owned();
        passed.invites.entry(header("Call-ID:")).or_default().insert(branch);
    }
}

#[test]
fn addresses_are_rewritten_whole_and_in_the_head_only() {
    let message = b"BYE sip:127.9.9.1:5060 SIP/2.0\r\nVia: 127.9.9.11, 127.9.9.2\r\n\r\nc=IN IP4 127.9.9.1";
    let [one, two, three] = [1, 2, 3].map(|last| Ipv4Addr::new(127, 9, 9, last));
    let rewritten = rewrite(message, &[(one, two), (two, three)]);
    let expected = "BYE sip:127.9.9.2:5060 SIP/2.0\r\nVia: 127.9.9.11, 127.9.9.3\r\n\r\nc=IN IP4 127.9.9.1";
    assert_eq!(String::from_utf8_lossy(&rewritten), expected);
}
