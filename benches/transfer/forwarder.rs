//! A program that only forwards: what a message costs to come in and to go out again on this machine.

use std::net::{SocketAddr, UdpSocket};

/// A thread that sends on whatever it receives, until the benchmark ends.
pub(crate) struct Forwarder {
    pub(crate) address: SocketAddr,
}

impl Forwarder {
    pub(crate) fn start(at: SocketAddr, to: SocketAddr) -> Self {
        let socket = UdpSocket::bind(at).expect("the address is free");
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = socket.recv(&mut bytes) {
                socket.send_to(&bytes[..length], to).expect("loopback takes a datagram");
            }
        });
        Self { address: at }
    }
}
