//! A citizen behind the trusted trunk, played message by message.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use super::socket;
use crate::wire::loopback::PATIENCE;

/// A citizen, who makes one call after the other.
pub(super) struct Citizen {
    socket: UdpSocket,
    daemon: SocketAddr,
    /// As the citizens' trunk writes it.
    number: &'static str,
    withheld: bool,
}

impl Citizen {
    /// A citizen at an address, whose number the trunk writes so.
    pub(super) fn new(own: Ipv4Addr, daemon: SocketAddr, number: &'static str, withheld: bool) -> Self {
        Self { socket: socket(own), daemon, number, withheld }
    }

    /// Calls a number; `name` is another for every call.
    pub(super) fn calls(&self, name: &str, called: &str) {
        let own = self.socket.local_addr().unwrap();
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n",
            ip = own.ip()
        );
        let privacy = if self.withheld { "Privacy: id\r\n" } else { "" };
        let more = format!(
            "Contact: <sip:{own}>\r\nP-Asserted-Identity: <sip:{number}@{ip}>\r\n{privacy}\
             Content-Type: application/sdp\r\n",
            ip = own.ip(),
            number = self.number,
        );
        self.sends(("INVITE", 1), name, called, "", &more, &sdp);
    }

    /// Hangs up before anybody has answered.
    pub(super) fn gives_up(&self, name: &str, called: &str) {
        self.sends(("CANCEL", 1), name, called, "", "", "");
    }

    /// Waits for the answer, and acknowledges it. Gives what To says then.
    pub(super) fn is_answered(&self, name: &str, called: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut buffer = [0; 65_536];
        loop {
            assert!(Instant::now() < until, "nobody answers {name}");
            let Ok((length, _)) = self.socket.recv_from(&mut buffer) else { continue };
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.starts_with("SIP/2.0 200") && text.contains(&format!("Call-ID: {name}\r\n")) {
                let to = text.lines().find_map(|line| line.strip_prefix("To: ")).unwrap();
                let tag = to.split_once(";tag=").unwrap().1.to_owned();
                self.sends(("ACK", 1), name, called, &tag, "", "");
                return tag;
            }
        }
    }

    /// Hangs up a call that was answered with this tag.
    pub(super) fn hangs_up(&self, name: &str, called: &str, tag: &str) {
        self.sends(("BYE", 2), name, called, tag, "", "");
    }

    fn sends(&self, (method, sequence): (&str, u32), name: &str, called: &str, tag: &str, more: &str, body: &str) {
        let (own, daemon) = (self.socket.local_addr().unwrap(), self.daemon);
        let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        // A CANCEL has the branch of what it cancels, and an ACK of a 2xx has one of its own (RFC 3261 9.1, 13.2.2.4).
        let branch = if method == "CANCEL" { "INVITE" } else { method };
        let request = format!(
            "{method} sip:{called}@{daemon} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{name}{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{number}@{ip}>;tag={name}\r\nTo: <sip:{called}@{daemon}>{tag}\r\n\
             Call-ID: {name}\r\nCSeq: {sequence} {method}\r\n{more}Content-Length: {length}\r\n\r\n{body}",
            ip = own.ip(),
            number = self.number,
            length = body.len(),
        );
        self.socket.send_to(request.as_bytes(), daemon).unwrap();
    }
}
