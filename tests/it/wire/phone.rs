//! PJSUA2 as a softphone: `phone.py`, driven line by line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use super::loopback::{Loopback, PATIENCE};
use super::process::Process;
use super::setup::{PASSWORD, REALM};
use super::sound::Hearing;

/// The Python that has the PJSUA2 module: scripts/test puts it there.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/python/bin/python");

/// What a phone does when it rings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pickup {
    /// It answers at once.
    AtOnce,
    /// It rings until told.
    WhenTold,
}

/// A running softphone.
pub(super) struct Phone {
    /// The process.
    pub(super) process: Process,
    record: PathBuf,
}

/// How a phone is set up.
pub(super) struct PhoneSetup {
    /// The agent that it registers as.
    pub(super) user: &'static str,
    /// Its own address.
    pub(super) address: IpAddr,
    /// `udp` or `tcp`.
    pub(super) transport: &'static str,
    /// Its tone.
    pub(super) tone_hz: u32,
    /// The codec it offers.
    pub(super) codec: &'static str,
    /// When it answers.
    pub(super) pickup: Pickup,
    /// How calls reach it.
    pub(super) place: Place,
}

/// How calls reach a phone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It registers.
    Office,
    /// It stands behind a trunk, at the trunk's address.
    Trunk,
}

impl PhoneSetup {
    /// A UDP phone of agent `user` that answers at once.
    pub(super) fn new(user: &'static str, address: impl Into<IpAddr>, tone_hz: u32) -> Self {
        let address = address.into();
        Self { user, address, transport: "udp", tone_hz, codec: "PCMA", pickup: Pickup::AtOnce, place: Place::Office }
    }

    /// Starts the phone and waits until it has registered.
    pub(super) fn register(self, loopback: &Loopback, registrar: SocketAddr) -> Phone {
        let mut phone = self.start(loopback, registrar, PASSWORD);
        phone.process.expect("registered 200");
        phone
    }

    /// Starts the phone as the seat behind a trunk.
    pub(super) fn behind_its_trunk(self, loopback: &Loopback, daemon: SocketAddr) -> Phone {
        Self { place: Place::Trunk, ..self }.start(loopback, daemon, PASSWORD)
    }

    /// Starts the phone with this password.
    pub(super) fn start(self, loopback: &Loopback, registrar: SocketAddr, password: &str) -> Phone {
        let name = format!("phone-{}", self.user);
        let record = loopback.file(&format!("{name}.wav"));
        let mut command = Command::new(PYTHON);
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/wire/phone.py"))
            .args(["--address", &self.address.to_string(), "--registrar", &registrar.to_string(), "--realm", REALM])
            .args(["--user", self.user, "--password", password, "--transport", self.transport])
            .args(["--tone", &self.tone_hz.to_string(), "--codec", self.codec])
            .arg("--record")
            .arg(&record)
            .arg("--log")
            .arg(loopback.file(&format!("{name}.pj.log")));
        if self.pickup == Pickup::WhenTold {
            command.arg("--manual");
        }
        if self.place == Place::Trunk {
            command.arg("--stranger");
        }
        let mut process = Process::start(loopback, &name, command);
        process.expect("ready");
        Phone { process, record }
    }
}

impl Phone {
    /// Ends the phone and gives what it has heard.
    pub(super) fn finish(mut self) -> Hearing {
        self.process.tell("quit");
        self.process.ended(PATIENCE);
        Hearing::of_wav(&self.record)
    }
}
