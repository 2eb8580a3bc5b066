//! One party: a socket, the few requests that it makes, and a 200 for whatever else is asked of it.

use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// Who calls.
pub(crate) const CITIZEN: &str = "13900001111";
/// How long an expected message may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A message as text: what the parties need of it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    head: String,
    pub(crate) body: String,
}

impl Message {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Self { head: head.to_owned(), body: body.to_owned() }
    }

    /// Whether it is a request of this method.
    pub(crate) fn is(&self, method: &str) -> bool {
        self.head.split(' ').next() == Some(method)
    }

    /// The values of a header, as they stand.
    fn values<'a, 'n: 'a>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> {
        let named = move |line: &'a str| line.split_once(": ").filter(|(known, _)| known.eq_ignore_ascii_case(name));
        self.head.lines().skip(1).filter_map(named).map(|(_, value)| value)
    }

    /// The first value of a header.
    pub(crate) fn value(&self, name: &'static str) -> &str {
        self.values(name).next().unwrap_or_default()
    }

    /// The URI within the angle brackets of its Contact.
    fn contact(&self) -> &str {
        let value = self.value("Contact");
        value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(value, |(uri, _)| uri)
    }
}

/// A socket that speaks SIP.
pub(crate) struct Party {
    socket: UdpSocket,
    at: SocketAddr,
}

impl Party {
    pub(crate) fn new(at: SocketAddr) -> Self {
        let socket = UdpSocket::bind(at).expect("the address is free");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket has a time limit");
        Self { socket, at }
    }

    pub(crate) fn send(&self, to: SocketAddr, text: &str) {
        self.socket.send_to(text.as_bytes(), to).expect("loopback takes a datagram");
    }

    fn receive(&self, waiting_for: &str) -> (Message, SocketAddr) {
        let mut bytes = [0; 8192];
        let (length, from) =
            self.socket.recv_from(&mut bytes).unwrap_or_else(|error| panic!("{}: {waiting_for}: {error}", self.at));
        (Message::read(&bytes[..length]), from)
    }

    /// The next request of this method. Answers and an earlier round's requests are passed over.
    pub(crate) fn expect(&self, method: &str) -> (Message, SocketAddr) {
        loop {
            let (message, from) = self.receive(method);
            if message.is(method) {
                return (message, from);
            }
            self.be_polite(&message, from);
        }
    }

    /// The answer with this code to what was asked in this dialog.
    pub(crate) fn expect_answer(&self, call: &str, code: &str) -> Message {
        loop {
            let (message, from) = self.receive(code);
            if message.head.starts_with(&format!("SIP/2.0 {code}")) && message.value("Call-ID") == call {
                return message;
            }
            self.be_polite(&message, from);
        }
    }

    /// Says 200 to every request until this one has come.
    pub(crate) fn answer_until(&self, wanted: impl Fn(&Message) -> bool) {
        loop {
            let (message, from) = self.receive("the last request of a round");
            self.be_polite(&message, from);
            if wanted(&message) {
                return;
            }
        }
    }

    fn be_polite(&self, message: &Message, from: SocketAddr) {
        if !message.head.starts_with("SIP/2.0") && !message.is("ACK") {
            self.answer(&(message.clone(), from), "200 OK", "");
        }
    }

    /// Answers a request; a body is a session description.
    pub(crate) fn answer(&self, (request, from): &(Message, SocketAddr), status: &str, body: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "Record-Route", "From", "Call-ID", "CSeq"] {
            request.values(name).for_each(|value| write!(text, "{name}: {value}\r\n").expect("a string grows"));
        }
        let to = request.value("To");
        let tag = if to.contains(";tag=") { "" } else { ";tag=here" };
        write!(text, "To: {to}{tag}\r\nContact: <sip:{}>\r\n", self.at).expect("a string grows");
        self.send(*from, &(text + &ending(body)));
    }

    /// Calls this number.
    pub(crate) fn invite(&self, daemon: SocketAddr, call: &str, number: &str) -> Message {
        let text = self.head("INVITE", &format!("sip:{number}@{daemon}"), call, 1)
            + &format!("From: <sip:{CITIZEN}@{}>;tag={call}\r\nTo: <sip:{number}@{daemon}>\r\n", self.at.ip())
            + &ending(&self.session());
        self.send(daemon, &text);
        Message::read(text.as_bytes())
    }

    /// A request of the citizen within the dialog that this answer made.
    pub(crate) fn within(&self, method: &str, sequence: u32, answer: &Message) -> String {
        self.head(method, answer.contact(), answer.value("Call-ID"), sequence)
            + &format!("From: {}\r\nTo: {}\r\n", answer.value("From"), answer.value("To"))
            + &ending("")
    }

    /// A press: hand over whom this INVITE has brought.
    pub(crate) fn refer(&self, invite: &Message, number: &str) -> String {
        self.head("REFER", invite.contact(), invite.value("Call-ID"), 1)
            + &format!("From: {};tag=here\r\nTo: {}\r\n", invite.value("To"), invite.value("From"))
            + &format!("Refer-To: <sip:{number}@{}>\r\n", self.at.ip())
            + &ending("")
    }

    fn head(&self, method: &str, uri: &str, call: &str, sequence: u32) -> String {
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK-{call}-{method}-{sequence}\r\n\
             Max-Forwards: 70\r\nCall-ID: {call}\r\nCSeq: {sequence} {method}\r\nContact: <sip:{at}>\r\n",
            at = self.at,
        )
    }

    /// A session of ordinary telephones.
    pub(crate) fn session(&self) -> String {
        let ip = self.at.ip();
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
    }
}

/// The end of a message: its body and what says so.
fn ending(body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!("{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}
