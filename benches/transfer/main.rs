//! How soon a press reaches the other hotline: from the REFER that enters the daemon to the INVITE that leaves it.
//!
//! The daemon is a process of its own on loopback. The three parties are sockets in this one: a citizen's trunk, the
//! PBX of a desk that presses, and the trunk of 110, which declines, so that each round begins and ends alike. Beside
//! each press the same two messages go through a bare forwarder, which reads a datagram and sends another: the floor of
//! the machine at that moment, and what the ratio is made against. `scripts/bench` runs it.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads the clock and prints")]

mod forwarder;
mod party;
mod place;

use std::time::{Duration, Instant};

use forwarder::Forwarder;
use party::{CITIZEN, Party};
use place::Place;

/// Presses that are measured, after those that only warm up.
const ROUNDS: usize = 100;
const WARM_UP: usize = 10;
/// Between two rounds: 20 calls a second are the peak of a province.
const PAUSE: Duration = Duration::from_millis(50);

fn main() {
    // `cargo test --benches` and `cargo bench` hand over flags of their own; there is nothing to choose here.
    let place = Place::new();
    let desk = Desk {
        citizen: place.party(11),
        pbx: place.party(12),
        police: place.party(13),
        daemon: place.start(),
        forwarder: Forwarder::start(place.at(14, 5060), place.at(13, 5060)),
    };
    let mut presses = Vec::with_capacity(ROUNDS);
    let mut floors = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS + WARM_UP {
        let (floor, press) = (desk.forward(round), desk.press(round));
        if round >= WARM_UP {
            floors.push(floor);
            presses.push(press);
        }
        std::thread::sleep(PAUSE);
    }
    print(&mut presses, &mut floors);
}

fn print(presses: &mut [Duration], floors: &mut [Duration]) {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (press, floor) = (spread(presses), spread(floors));
    println!("REFER in to the target's INVITE out, {ROUNDS} presses, one every {} ms", PAUSE.as_millis());
    println!("{:<28}{:>10}{:>10}{:>10}", "ms", "p50", "p99", "worst");
    println!("{:<28}{:>10.3}{:>10.3}{:>10.3}", "lianxian", ms(press[0]), ms(press[1]), ms(press[2]));
    println!("{:<28}{:>10.3}{:>10.3}{:>10.3}", "bare forwarder, same run", ms(floor[0]), ms(floor[1]), ms(floor[2]));
    println!("{:<28}{:>10.2}", "ratio of the medians", ms(press[0]) / ms(floor[0]));
}

/// The median, the 99th of a hundred and the worst.
fn spread(times: &mut [Duration]) -> [Duration; 3] {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    [at(50), at(99), at(100)]
}

/// The parties of every round, and the daemon between them.
struct Desk {
    citizen: Party,
    pbx: Party,
    police: Party,
    daemon: place::Daemon,
    forwarder: Forwarder,
}

impl Desk {
    /// A call to 12345, a press, 110 declines, and the citizen hangs up.
    fn press(&self, round: usize) -> Duration {
        let call = format!("press-{round}");
        let daemon = self.daemon.address;
        self.citizen.invite(daemon, &call, "12345");
        let at_desk = self.pbx.expect("INVITE");
        self.pbx.answer(&at_desk, "200 OK", &self.pbx.session());
        self.pbx.expect("ACK");
        let connected = self.citizen.expect_answer(&call, "200");
        self.citizen.send(daemon, &self.citizen.within("ACK", 1, &connected));

        let refer = self.pbx.refer(&at_desk.0, "110");
        let pressed = Instant::now();
        self.pbx.send(daemon, &refer);
        let at_target = self.police.expect("INVITE");
        let took = pressed.elapsed();

        let shown = at_target.0.value("From");
        assert!(shown.contains(CITIZEN), "110 sees {shown}, not the citizen's number");
        self.police.answer(&at_target, "486 Busy Here", "");
        self.police.expect("ACK");
        self.pbx.answer_until(|message| message.is("NOTIFY") && message.body.starts_with("SIP/2.0 486"));
        self.citizen.send(daemon, &self.citizen.within("BYE", 2, &connected));
        self.citizen.expect_answer(&call, "200");
        self.pbx.answer_until(|message| message.is("BYE"));
        took
    }

    /// As many bytes as a REFER by way of a program that only forwards.
    fn forward(&self, round: usize) -> Duration {
        let datagram = format!("INVITE sip:110@floor SIP/2.0\r\nCall-ID: floor-{round}\r\n\r\n{}", ".".repeat(400));
        let sent = Instant::now();
        self.pbx.send(self.forwarder.address, &datagram);
        self.police.expect("INVITE");
        sent.elapsed()
    }
}
