//! Transfers on the wire: who presses, how the target answers, and how the transferor says goodbye. What the caller hears
//! all the while is a number: tones, and the gaps between them.

mod caller;
mod consulting;
mod delivered;
mod goodbyes;
mod pressing;
mod targets;

use std::net::Ipv4Addr;
use std::time::Duration;

use super::desk::{Desk, Goodbye, OnNotify};
use super::loopback::Loopback;
use super::setup::{Daemon, Setup};
use super::sipp::{Sipp, SippSetup};
use super::sound::{AGENT_HZ, CITIZEN_HZ, THIRD_HZ, Voice};

/// The seats of 110, one a trunk, in the order in which they are rung.
const SEATS: [u8; 2] = [10, 11];

/// A daemon with a hotline 12345 at a desk behind a PBX, and 110 at one or two seats behind trunks of their own.
struct Town {
    daemon: Daemon,
    trunk: Ipv4Addr,
    seats: [Ipv4Addr; 2],
    desk: Desk,
    /// The citizen's mouth and ear.
    citizen: Voice,
    /// The mouth and ear of whichever seat answers.
    seat: Voice,
}

impl Town {
    /// A town in which `seats` seats of 110 are rung, one after the other.
    fn new(net: &Loopback, seats: usize, on_notify: OnNotify, goodbye: Goodbye) -> Self {
        Self::with(Setup::new(net), net, seats, on_notify, goodbye)
    }

    /// The same, with more in its configuration.
    fn with(setup: Setup<'_>, net: &Loopback, seats: usize, on_notify: OnNotify, goodbye: Goodbye) -> Self {
        let (trunk, desk) = (net.host(2), net.host(8));
        let hosts = SEATS.map(|seat| net.host(seat));
        // Whoever has said no is not rung again over another trunk: the second one is another group of seats.
        let plan = [("police-1", "110"), ("police-2", "11002")];
        let daemon = setup
            .trunk("citizens", (trunk, 5060))
            .trunk("office", (desk, 5060))
            .trunk("police-1", (hosts[0], 5060))
            .trunk("police-2", (hosts[1], 5060))
            .rings_trunk("office", "6000")
            .hotline("110", &plan[..seats])
            .start();
        Self {
            daemon,
            trunk,
            seats: hosts,
            desk: Desk::new(desk, AGENT_HZ, on_notify, goodbye),
            citizen: Voice::new((trunk, 4_000).into(), CITIZEN_HZ),
            seat: Voice::new((net.host(12), 4_000).into(), THIRD_HZ),
        }
    }

    /// How a seat of 110 behaves: a scenario of SIPp.
    fn seat(&self, number: usize, scenario: &'static str) -> SippSetup {
        SippSetup::new(scenario, self.seats[number], self.daemon.sip, self.seat.address())
    }

    /// A citizen calls, talks with the desk for a second, and hangs up after `talk`.
    fn citizen_talks(&mut self, net: &Loopback, talk: Duration) -> Sipp {
        let setup = SippSetup::new("citizen_calls", self.trunk, self.daemon.sip, self.citizen.address());
        let mut citizen = SippSetup { talk, ..setup }.start(net);
        self.citizen.speak_to(citizen.media());
        self.desk.waits_for("ACK");
        std::thread::sleep(Duration::from_secs(1));
        self.citizen.so_far().must_hear(AGENT_HZ, Duration::from_millis(600));
        citizen
    }

    /// The transfer has failed with this code, and nothing has happened to caller and desk: they hear each other until
    /// the citizen hangs up.
    fn stays_with_the_desk(self, citizen: Sipp, codes: std::ops::RangeInclusive<u16>) {
        let told = || {
            let words = self.desk.words();
            words.into_iter().find(|word| word.starts_with("NOTIFY") && word.ends_with("terminated"))
        };
        let last = super::loopback::wait_for("the last NOTIFY", Duration::from_secs(20), told);
        let code = last.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a NOTIFY carries a code");
        assert!(codes.contains(&code), "told {last}, wanted {codes:?}");
        citizen.passes();
        self.desk.waits_for("BYE");
        let heard = self.citizen.finish();
        heard.must_hear(AGENT_HZ, Duration::from_secs(1));
        heard.must_never_be_silent();
        self.daemon.ends_clean();
    }
}
