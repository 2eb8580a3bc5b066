//! A desk telephone behind a PBX, played to the millisecond: it answers, presses transfer by REFER, and says goodbye when
//! the test wants it to - or never. What it got and sent is written down with its time.
//!
//! SIPp follows one order of messages; here the order is what is tested.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::loopback::{PATIENCE, wait_for};
use super::sound::Voice;

/// What it does with a NOTIFY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnNotify {
    /// 200.
    Takes,
    /// 481: it has forgotten what it asked for.
    Forgets,
    /// Nothing.
    Ignores,
}

/// When it says BYE after its REFER was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// So long after the 202.
    After(Duration),
    /// Never.
    Never,
}

/// What happened, and when.
pub(super) type Event = (Instant, String);

/// A desk telephone.
pub(super) struct Desk {
    ended: Arc<AtomicBool>,
    events: Arc<Mutex<Vec<Event>>>,
    /// The numbers that it is to transfer to.
    orders: Sender<String>,
    thread: Option<JoinHandle<()>>,
    /// Its mouth and ear, which live as long as it does.
    _voice: Voice,
}

impl Desk {
    /// A telephone at `address` that answers whatever rings.
    pub(super) fn new(address: Ipv4Addr, tone_hz: u32, on_notify: OnNotify, goodbye: Goodbye) -> Self {
        let socket = UdpSocket::bind((address, 5060)).unwrap_or_else(|error| panic!("{address}: {error}"));
        socket.set_read_timeout(Some(Duration::from_millis(2))).expect("a time-out can be set");
        let voice = Voice::new((address, 4_000).into(), tone_hz);
        let (ended, events) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (orders, heard) = channel();
        let mut line = Line {
            socket,
            address,
            ear: voice.address(),
            mouth: voice.mouth(),
            events: Arc::clone(&events),
            on_notify,
            goodbye,
            dialog: None,
            bye_at: None,
            branches: 0,
        };
        let thread = std::thread::spawn({
            let ended = Arc::clone(&ended);
            move || {
                while !ended.load(Ordering::Relaxed) {
                    line.turn(&heard);
                }
            }
        });
        Self { ended, events, orders, thread: Some(thread), _voice: voice }
    }

    /// Waits until something has happened for the first time, and says when.
    pub(super) fn waits_for(&self, what: &str) -> Instant {
        wait_for(&format!("`{what}` at the desk"), PATIENCE + PATIENCE, || self.when(what))
    }

    /// When something happened for the first time.
    pub(super) fn when(&self, what: &str) -> Option<Instant> {
        self.events().into_iter().find(|(_, event)| event == what).map(|(at, _)| at)
    }

    /// Everything that has happened.
    pub(super) fn events(&self) -> Vec<Event> {
        self.events.lock().expect("no holder panics").clone()
    }

    /// The words of what has happened.
    pub(super) fn words(&self) -> Vec<String> {
        self.events().into_iter().map(|(_, event)| event).collect()
    }

    /// Presses transfer.
    pub(super) fn refers_to(&self, number: &str) {
        self.orders.send(number.to_owned()).expect("the desk lives as long as the test");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        if std::thread::panicking() {
            let events = self.events();
            let start = events.first().map(|(at, _)| *at);
            for (at, event) in &events {
                let since = start.map_or(Duration::ZERO, |start| *at - start);
                eprintln!("desk {:>6} ms {event}", since.as_millis());
            }
        }
    }
}

/// The one dialog of a desk.
struct Dialog {
    call_id: String,
    local: String,
    remote: String,
    target: String,
    peer: SocketAddr,
    sequence: u32,
}

struct Line {
    socket: UdpSocket,
    address: Ipv4Addr,
    ear: SocketAddr,
    mouth: super::sound::Mouth,
    events: Arc<Mutex<Vec<Event>>>,
    on_notify: OnNotify,
    goodbye: Goodbye,
    dialog: Option<Dialog>,
    bye_at: Option<Instant>,
    branches: u32,
}

impl Line {
    fn turn(&mut self, orders: &Receiver<String>) {
        if let Ok(number) = orders.try_recv() {
            let target = format!("Refer-To: <sip:{number}@hotline.test>\r\nReferred-By: <sip:6000@hotline.test>\r\n");
            self.request("REFER", &target);
        }
        if self.bye_at.is_some_and(|at| Instant::now() >= at) {
            self.bye_at = None;
            self.request("BYE", "");
        }
        let mut buffer = [0; 65_535];
        if let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            match text.strip_prefix("SIP/2.0 ") {
                Some(response) => self.answered(response, &text),
                None => self.asked(&text, from),
            }
        }
    }

    fn answered(&mut self, response: &str, text: &str) {
        let method = header(text, "CSeq").split(' ').nth(1).unwrap_or_default().to_owned();
        self.note(format!("{} {method}", &response[..3]));
        if let (true, Goodbye::After(wait)) = (method == "REFER" && response.starts_with("202"), self.goodbye) {
            self.bye_at = Some(Instant::now() + wait);
        }
    }

    fn asked(&mut self, text: &str, from: SocketAddr) {
        let method = text.split(' ').next().unwrap_or_default();
        match method {
            "INVITE" => self.invited(text, from),
            "ACK" => self.note("ACK".to_owned()),
            "NOTIFY" => {
                let code = text.split("\r\n\r\n").nth(1).and_then(|body| body.get(8..11)).unwrap_or("?");
                let state = header(text, "Subscription-State");
                self.note(format!("NOTIFY {code} {}", state.split(';').next().unwrap_or_default()));
                match self.on_notify {
                    OnNotify::Takes => self.answer(text, from, "200 OK", "", ""),
                    OnNotify::Forgets => self.answer(text, from, "481 Subscription Does Not Exist", "", ""),
                    OnNotify::Ignores => {}
                }
            }
            other => {
                self.note(other.to_owned());
                self.answer(text, from, "200 OK", "", "");
            }
        }
    }

    fn invited(&mut self, text: &str, from: SocketAddr) {
        let again = self.dialog.as_ref().is_some_and(|dialog| dialog.call_id == header(text, "Call-ID"));
        if again && !header(text, "To").contains("tag=") {
            // Repeated: its answer is on its way.
            return;
        }
        self.note(if again { "re-INVITE" } else { "INVITE" }.to_owned());
        let media =
            |prefix: &str| text.lines().find_map(|line| line.strip_prefix(prefix)).unwrap_or_default().to_owned();
        let port = media("m=audio ").split(' ').next().unwrap_or_default().parse::<u16>();
        if let (Ok(address), Ok(port)) = (media("c=IN IP4 ").trim().parse::<Ipv4Addr>(), port) {
            self.mouth.speak_to((address, port).into());
        }
        let tag = if again { "" } else { ";tag=desk" };
        let ear = self.ear;
        let body = format!(
            "v=0\r\no=desk 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n",
            host = ear.ip(),
            port = ear.port(),
        );
        let contact = format!("Contact: <sip:desk@{}:5060>\r\nContent-Type: application/sdp\r\n", self.address);
        self.answer(text, from, "200 OK", tag, &format!("{contact}Content-Length: {}\r\n\r\n{body}", body.len()));
        if !again {
            self.dialog = Some(Dialog {
                call_id: header(text, "Call-ID"),
                local: format!("{};tag=desk", header(text, "To")),
                remote: header(text, "From"),
                target: header(text, "Contact")
                    .trim_start_matches('<')
                    .split('>')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                peer: from,
                sequence: 0,
            });
        }
    }

    fn request(&mut self, method: &str, more: &str) {
        let Some(dialog) = &mut self.dialog else { return };
        dialog.sequence += 1;
        self.branches += 1;
        let here = self.address;
        let request = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {here}:5060;branch=z9hG4bK-desk-{branch}\r\nMax-Forwards: 70\r\n\
             From: {local}\r\nTo: {remote}\r\nCall-ID: {call_id}\r\nCSeq: {sequence} {method}\r\n\
             Contact: <sip:desk@{here}:5060>\r\n{more}Content-Length: 0\r\n\r\n",
            branch = self.branches,
            target = dialog.target,
            local = dialog.local,
            remote = dialog.remote,
            call_id = dialog.call_id,
            sequence = dialog.sequence,
        );
        let peer = dialog.peer;
        self.note(format!("sends {method}"));
        self.socket.send_to(request.as_bytes(), peer).expect("loopback carries it");
    }

    fn answer(&self, request: &str, to: SocketAddr, status: &str, tag: &str, end: &str) {
        self.socket.send_to(response(request, status, tag, end).as_bytes(), to).expect("loopback carries it");
    }

    fn note(&self, event: String) {
        self.events.lock().expect("no holder panics").push((Instant::now(), event));
    }
}

/// An answer to a request. `tag` is put behind To; `end` is what follows the copied headers: with a body, its
/// Content-Length is in it.
pub(super) fn response(request: &str, status: &str, tag: &str, end: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for line in request.lines().take_while(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default();
        if ["Via", "From", "Call-ID", "CSeq", "Record-Route"].contains(&name) {
            text.push_str(&format!("{line}\r\n"));
        } else if name == "To" {
            text.push_str(&format!("{line}{tag}\r\n"));
        }
    }
    text + if end.is_empty() { "Content-Length: 0\r\n\r\n" } else { end }
}

fn header(text: &str, name: &str) -> String {
    let value =
        text.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or_default().trim().to_owned()
}
