//! The simulator's telephones on real sockets: parties whose every step a test decides, in one thread and without the
//! seconds that a real telephone takes.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use lianxian::base::time::Instant;

use crate::world::chance::Chance;
use crate::world::phone::{Line, Phone, PhoneDialog, PhoneOutput};

/// How long one look at all sockets takes at least.
const TICK: Duration = Duration::from_millis(1);

/// Some telephones, each at an address of its own.
pub(super) struct Crowd {
    server: SocketAddr,
    phones: Vec<(Phone, UdpSocket)>,
    /// The sockets of their sound, by address.
    media: BTreeMap<SocketAddr, UdpSocket>,
    started: std::time::Instant,
    /// Messages of the daemon that have reached anybody.
    pub(super) heard: usize,
}

impl Crowd {
    /// Nobody yet.
    pub(super) fn new(server: SocketAddr) -> Self {
        Self { server, phones: Vec::new(), media: BTreeMap::new(), started: std::time::Instant::now(), heard: 0 }
    }

    /// A telephone at an address, with a number; gives its place in the crowd.
    pub(super) fn add(&mut self, number: &str, host: Ipv4Addr) -> usize {
        let address = SocketAddr::from((host, 5060));
        let socket = UdpSocket::bind(address).expect("the address belongs to this test");
        socket.set_nonblocking(true).expect("a socket can be told not to block");
        let place = self.phones.len();
        let chance = Chance::new(u64::try_from(place).expect("a few"));
        self.phones.push((Phone::new(place, number, address, self.server, Line::Udp, chance), socket));
        place
    }

    /// One telephone.
    pub(super) fn phone(&mut self, place: usize) -> &mut Phone {
        &mut self.phones[place].0
    }

    /// The latest dialog of one telephone.
    pub(super) fn dialog(&self, place: usize) -> Option<&PhoneDialog> {
        self.phones[place].0.last()
    }

    /// Lets one telephone do something now.
    pub(super) fn act(&mut self, place: usize, act: impl FnOnce(&mut Phone, Instant)) {
        let now = self.now();
        act(&mut self.phones[place].0, now);
        self.send(place);
    }

    /// Goes on until `done`, or for at most `patience`; tells whether it was done.
    pub(super) fn until(&mut self, patience: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let deadline = std::time::Instant::now() + patience;
        while !done(self) {
            if std::time::Instant::now() >= deadline {
                return false;
            }
            self.round();
            std::thread::sleep(TICK);
        }
        true
    }

    fn now(&self) -> Instant {
        Instant::START + self.started.elapsed()
    }

    /// Everybody hears at most one message, and says what is to be said.
    fn round(&mut self) {
        let mut buffer = [0; 65_535];
        for place in 0..self.phones.len() {
            let now = self.now();
            let (phone, socket) = &mut self.phones[place];
            match socket.recv_from(&mut buffer) {
                Ok((length, from)) if from == self.server => {
                    self.heard += 1;
                    phone.receive(now, &buffer[..length]);
                }
                Ok(_) => {}
                // A daemon that is dead answers with ICMP.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => {}
                Err(error) => panic!("{}: {error}", phone.address),
            }
            phone.wake(now);
            self.send(place);
        }
    }

    fn send(&mut self, place: usize) {
        let (phone, socket) = &mut self.phones[place];
        while let Some(output) = phone.poll() {
            // Whoever sends to a dead daemon learns it by ICMP; the telephone's timers do the rest.
            match output {
                PhoneOutput::Sip(message) => drop(socket.send_to(&message, self.server)),
                PhoneOutput::Rtp { from, to, packet } => {
                    let bind = || UdpSocket::bind(from).expect("the port belongs to this telephone");
                    drop(self.media.entry(from).or_insert_with(bind).send_to(&packet, to));
                }
            }
        }
    }
}
