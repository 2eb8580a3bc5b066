//! Softphones register with the endpoint: who gets in, who does not, and how long (rows V18, V19, V38).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use lianxian::base::entropy::Entropy;
use lianxian::base::ids::AgentId;
use lianxian::base::time::Instant;
use lianxian::sip::auth;
use lianxian::sip::endpoint::{Endpoint, Limits, Listener, Settings, Urgent};
use lianxian::sip::fact::{Event, Peer};
use lianxian::sip::flow::{ConnectionId, Flow, FlowFailure, Transport};
use lianxian::sip::registrar;
use lianxian::sip::transaction::timers::Timing;
use sha2::{Digest, Sha256};

const REALM: &str = "12345.example";
const PASSWORD: &str = "correct horse";

// === the phone: its own writing, its own arithmetic ===

/// A softphone with its memory of the last challenge.
struct Phone {
    user: &'static str,
    password: &'static str,
    /// The user of From, if it lies.
    from: Option<&'static str>,
    flow: Flow,
    contact: String,
    call_id: String,
    cseq: u32,
    nonce: Option<String>,
    count: u32,
}

impl Phone {
    fn new(user: &'static str) -> Self {
        let flow = Flow {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "198.51.100.7:5060".parse().unwrap(),
            connection: None,
        };
        Self {
            user,
            password: PASSWORD,
            from: None,
            flow,
            contact: format!("<sip:{user}@198.51.100.7:5060>;expires=120"),
            call_id: "call-of-the-phone".to_owned(),
            cseq: 0,
            nonce: None,
            count: 0,
        }
    }

    fn over_tcp(mut self, connection: u64) -> Self {
        self.flow.transport = Transport::Tcp;
        self.flow.connection = Some(ConnectionId(connection));
        self.contact = format!("<sip:{}@198.51.100.7:{connection};transport=tcp>;expires=120", self.user);
        self.call_id = format!("call-over-{connection}");
        self
    }

    fn request(&mut self, method: &str, target: &str, to: &str) -> Bytes {
        self.cseq += 1;
        let (user, call_id, cseq) = (self.user, &self.call_id, self.cseq);
        let (from, contact) = (self.from.unwrap_or(user), &self.contact);
        let transport = if self.flow.transport == Transport::Udp { "UDP" } else { "TCP" };
        let authorization = match &self.nonce {
            None => String::new(),
            Some(nonce) => {
                self.count += 1;
                let hash =
                    |text: String| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                let ha1 = hash(format!("{user}:{REALM}:{}", self.password));
                let ha2 = hash(format!("{method}:{target}"));
                let nc = format!("{:08x}", self.count);
                let response = hash(format!("{ha1}:{nonce}:{nc}:cafe:auth:{ha2}"));
                format!(
                    "Authorization: Digest username=\"{user}\", realm=\"{REALM}\", nonce=\"{nonce}\", \
                     uri=\"{target}\", algorithm=SHA-256, qop=auth, nc={nc}, cnonce=\"cafe\", response=\"{response}\"\r\n"
                )
            }
        };
        format!(
            "{method} {target} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {};branch=z9hG4bK-{call_id}-{cseq};rport\r\nMax-Forwards: 70\r\n\
             From: \"agent\" <sip:{from}@{REALM}>;tag=phone\r\nTo: <sip:{to}@{REALM}>\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: {contact}\r\n\
             User-Agent: a softphone of the tests\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n\
             {authorization}Content-Length: 0\r\n\r\n",
            self.flow.remote
        )
        .into()
    }

    fn register(&mut self) -> Bytes {
        self.request("REGISTER", "sip:12345.example", self.user)
    }

    /// Takes the nonce of a 401, as a telephone does.
    fn learn(&mut self, response: &str) {
        let nonce = response.split("nonce=\"").nth(1).expect("a challenge").split('"').next().unwrap();
        self.nonce = Some(nonce.to_owned());
        self.count = 0;
    }
}

// === the stage ===

fn settings() -> Settings {
    let listener = |transport| Listener { transport, address: "192.0.2.1:5060".parse().unwrap(), advertised: None };
    Settings {
        product: "lianxian".to_owned(),
        listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        trunks: Vec::new(),
        urgent: Urgent::default(),
        softphone_networks: vec!["198.51.100.0/24".parse().unwrap()],
        auth: auth::Settings::new(REALM)
            .with_password(AgentId::from("8001"), PASSWORD)
            .with_password(AgentId::from("8002"), "another secret"),
        registrar: registrar::Settings::default(),
        timing: Timing::default(),
        limits: Limits::default(),
    }
}

struct Stage {
    endpoint: Endpoint,
    now: Instant,
    events: Vec<Event>,
}

impl Stage {
    fn new() -> Self {
        Self { endpoint: Endpoint::new(settings(), Entropy::from_number(1)), now: Instant::START, events: Vec::new() }
    }

    /// Delivers one message and returns what was sent back over the same flow; empty if nothing was.
    fn deliver(&mut self, flow: Flow, message: Bytes) -> String {
        self.endpoint.receive(self.now, flow, message);
        let mut answers = String::new();
        while let Some(transmit) = self.endpoint.poll_transmit() {
            assert_eq!(transmit.flow.remote, flow.remote, "V49: answers go to the source");
            answers = String::from_utf8(transmit.message.to_vec()).unwrap();
        }
        while let Some(event) = self.endpoint.poll_event() {
            if matches!(event, Event::Registered { .. } | Event::Unregistered { .. } | Event::Incoming(_)) {
                self.events.push(event);
            }
        }
        answers
    }

    fn register(&mut self, phone: &mut Phone) -> String {
        let message = phone.register();
        self.deliver(phone.flow, message)
    }

    /// Registers with the challenge in between, and returns the last answer.
    fn sign_in(&mut self, phone: &mut Phone) -> String {
        let challenge = self.register(phone);
        assert!(challenge.starts_with("SIP/2.0 401 "), "{challenge}");
        phone.learn(&challenge);
        self.register(phone)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.endpoint.handle_timeout(self.now);
        while let Some(event) = self.endpoint.poll_event() {
            self.events.push(event);
        }
    }

    /// The contacts in the last word about registrations; none if the agent is gone.
    fn contacts(&self) -> Vec<(String, Flow)> {
        let last = self.events.iter().rev().find_map(|event| match event {
            Event::Registered { contacts, .. } => Some(contacts.clone()),
            Event::Unregistered { .. } => Some(Vec::new()),
            _ => None,
        });
        let uri = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        last.expect("a word").iter().map(|contact| (uri(contact.uri.to_bytes()), contact.flow)).collect()
    }
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn header<'a>(answer: &'a str, name: &str) -> Vec<&'a str> {
    answer.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

// === the stories ===

#[test]
fn a_softphone_that_proves_its_password_can_be_called_over_its_flow() {
    let mut stage = Stage::new();
    let mut phone = Phone::new("8001");
    let challenge = stage.register(&mut phone);
    assert_eq!(status(&challenge), 401);
    let offered = header(&challenge, "WWW-Authenticate");
    assert!(offered[0].ends_with("algorithm=SHA-256") && offered[1].ends_with("algorithm=MD5"), "{offered:?}");
    assert!(stage.events.is_empty(), "a challenge changes nothing");
    phone.learn(&challenge);
    let accepted = stage.register(&mut phone);
    assert_eq!(status(&accepted), 200, "{accepted}");
    assert_eq!(header(&accepted, "Contact"), ["<sip:8001@198.51.100.7:5060>;expires=120"]);
    assert_eq!(stage.contacts(), [("sip:8001@198.51.100.7:5060".to_owned(), phone.flow)]);
}

#[test]
fn a_refresh_is_no_news_and_an_expiry_is() {
    let mut stage = Stage::new();
    let mut phone = Phone::new("8001");
    stage.sign_in(&mut phone);
    stage.pass(Duration::from_secs(100));
    assert_eq!(status(&stage.register(&mut phone)), 200, "the nonce still serves, with the next count");
    assert_eq!(stage.events.len(), 1);
    stage.pass(Duration::from_secs(119));
    assert_eq!(stage.contacts().len(), 1);
    let next = stage.endpoint.next_timeout().expect("the expiry is a deadline");
    assert!(next <= stage.now + Duration::from_secs(1));
    stage.pass(Duration::from_secs(1));
    assert!(stage.contacts().is_empty());
}

#[test]
fn a_stale_nonce_costs_one_more_round() {
    let mut stage = Stage::new();
    let mut phone = Phone::new("8001");
    stage.sign_in(&mut phone);
    stage.pass(Duration::from_secs(301));
    let stale = stage.register(&mut phone);
    assert_eq!(status(&stale), 401);
    assert!(header(&stale, "WWW-Authenticate").iter().all(|value| value.ends_with("stale=true")));
    phone.learn(&stale);
    assert_eq!(status(&stage.register(&mut phone)), 200);
}

#[test]
fn a_replayed_register_is_challenged_and_changes_nothing() {
    let mut stage = Stage::new();
    let mut phone = Phone::new("8001");
    stage.sign_in(&mut phone);
    phone.count -= 1;
    let replay = stage.register(&mut phone);
    assert_eq!(status(&replay), 401, "the same nonce count again");
    assert_eq!(stage.events.len(), 1);
}

#[test]
fn a_retransmitted_register_gets_its_answer_again_and_has_no_second_effect() {
    let mut stage = Stage::new();
    let mut phone = Phone::new("8001");
    let challenge = stage.register(&mut phone);
    phone.learn(&challenge);
    let message = phone.register();
    let first = stage.deliver(phone.flow, message.clone());
    assert_eq!(status(&first), 200);
    assert_eq!(stage.deliver(phone.flow, message), first, "I4");
    assert_eq!(stage.events.len(), 1);
}

#[test]
fn v38_a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let story = |user: &'static str| {
        let mut stage = Stage::new();
        let mut phone = Phone { password: "a guess", ..Phone::new(user) };
        let mut answers = Vec::new();
        for _ in 0..9 {
            phone.nonce = None;
            let challenge = stage.register(&mut phone);
            if status(&challenge) == 401 {
                phone.learn(&challenge);
            }
            answers.push(challenge);
            answers.push(stage.register(&mut phone));
        }
        assert!(stage.events.is_empty());
        answers
    };
    let known = story("8001");
    let masked =
        |answers: &[String]| -> Vec<String> { answers.iter().map(|answer| answer.replace("9999", "8001")).collect() };
    assert_eq!(masked(&known), masked(&story("9999")), "byte for byte");
    assert_eq!(status(&known[1]), 403);
    let locked = known.last().unwrap();
    assert_eq!((status(locked), header(locked, "Retry-After")), (403, vec!["10"]), "{locked}");
}

#[test]
fn v38_the_right_password_has_to_wait_too_and_then_serves() {
    let mut stage = Stage::new();
    let mut guesser = Phone { password: "a guess", ..Phone::new("8001") };
    for _ in 0..6 {
        guesser.nonce = None;
        let answer = stage.sign_in(&mut guesser);
        assert_eq!(status(&answer), 403);
    }
    let mut phone = Phone { call_id: "another".to_owned(), ..Phone::new("8001") };
    let answer = stage.sign_in(&mut phone);
    assert_eq!((status(&answer), header(&answer, "Retry-After").len()), (403, 1), "{answer}");
    let mut elsewhere = Phone { call_id: "elsewhere".to_owned(), ..Phone::new("8001") };
    elsewhere.flow.remote = "198.51.100.8:5060".parse().unwrap();
    assert_eq!(status(&stage.sign_in(&mut elsewhere)), 200, "nobody locks an agent out from another host");
    stage.pass(Duration::from_secs(10));
    phone.nonce = None;
    assert_eq!(status(&stage.sign_in(&mut phone)), 200);
}

#[test]
fn v19_an_agent_speaks_for_itself_only() {
    let mut stage = Stage::new();
    let mut phone = Phone { from: Some("8002"), ..Phone::new("8001") };
    assert_eq!(status(&stage.sign_in(&mut phone)), 403, "From is another agent");
    let mut phone = Phone { call_id: "to".to_owned(), ..Phone::new("8001") };
    let probe = phone.request("REGISTER", "sip:12345.example", "8002");
    let challenge = stage.deliver(phone.flow, probe);
    phone.learn(&challenge);
    let message = phone.request("REGISTER", "sip:12345.example", "8002");
    assert_eq!(status(&stage.deliver(phone.flow, message)), 403, "To is another agent");
    assert!(stage.events.is_empty());
    let mut phone = Phone { call_id: "invite".to_owned(), ..Phone::new("8001") };
    stage.sign_in(&mut phone);
    phone.from = Some("110");
    let call = phone.request("INVITE", "sip:12345@12345.example", "12345");
    let answer = stage.deliver(phone.flow, call);
    assert_eq!(status(&answer), 403, "{answer}");
    assert!(!stage.events.iter().any(|event| matches!(event, Event::Incoming(_))));
}

#[test]
fn v19_no_method_is_served_to_who_has_not_proved_itself() {
    for method in ["INVITE", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "REFER", "BYE", "UPDATE", "INFO"] {
        let mut stage = Stage::new();
        let mut phone = Phone::new("8001");
        let message = phone.request(method, "sip:12345@12345.example", "12345");
        let length = message.len();
        let answer = stage.deliver(phone.flow, message);
        assert!([401, 403, 405, 481, 603].contains(&status(&answer)), "{method}: {answer}");
        assert!(answer.len() * 2 <= length * 3, "V36: {} bytes for {length}", answer.len());
        assert!(stage.events.is_empty() && stage.endpoint.census().transactions == 0, "{method}");
    }
}

#[test]
fn v36_a_terse_telephone_is_challenged_too_and_briefly() {
    let terse = "REGISTER sip:12345.example SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1\r\n\
                 From: <sip:8001@12345.example>;tag=1\r\nTo: <sip:8001@12345.example>\r\nCall-ID: 1@198.51.100.7\r\n\
                 CSeq: 1 REGISTER\r\nContact: <sip:8001@198.51.100.7>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    let mut stage = Stage::new();
    let answer = stage.deliver(Phone::new("8001").flow, terse.into());
    assert_eq!(status(&answer), 401, "not silence: {} bytes", terse.len());
    let offered = header(&answer, "WWW-Authenticate");
    assert!(offered.len() == 1 && offered[0].ends_with("algorithm=MD5"), "{offered:?}");
    assert!(answer.len() * 2 <= terse.len() * 3, "{} bytes for {}", answer.len(), terse.len());
}

#[test]
fn v18_an_address_outside_the_networks_meets_silence() {
    for outside in ["203.0.113.9:5060", "[::ffff:203.0.113.9]:5060", "[2001:db8::9]:5060", "198.51.101.7:5060"] {
        let mut stage = Stage::new();
        let mut phone = Phone::new("8001");
        phone.flow.remote = outside.parse::<SocketAddr>().unwrap();
        assert_eq!(stage.register(&mut phone), "", "{outside}");
    }
    let mut stage = Stage::new();
    let mut mapped = Phone::new("8001");
    mapped.flow.remote = "[::ffff:198.51.100.7]:5060".parse().unwrap();
    assert_eq!(status(&stage.register(&mut mapped)), 401, "the same host through an IPv6 socket");
}

#[test]
fn an_agent_calls_in_with_its_password() {
    let mut stage = Stage::new();
    let mut phone = Phone::new("8001");
    stage.sign_in(&mut phone);
    phone.nonce = None;
    phone.call_id = "the-call".to_owned();
    let call = phone.request("INVITE", "sip:12345@12345.example", "12345");
    let challenge = stage.deliver(phone.flow, call);
    assert_eq!(status(&challenge), 401);
    phone.learn(&challenge);
    let call = phone.request("INVITE", "sip:12345@12345.example", "12345");
    assert_eq!(status(&stage.deliver(phone.flow, call)), 100);
    let Some(Event::Incoming(incoming)) = stage.events.last() else { panic!("no call: {:?}", stage.events) };
    assert_eq!(incoming.peer, Peer::Softphone(AgentId::from("8001")));
}

#[test]
fn two_phones_of_one_agent_and_the_loss_of_one_flow() {
    let mut stage = Stage::new();
    let mut desk = Phone::new("8001").over_tcp(40001);
    let mut laptop = Phone::new("8001").over_tcp(40002);
    assert_eq!(status(&stage.sign_in(&mut desk)), 200);
    let both = stage.sign_in(&mut laptop);
    assert_eq!(header(&both, "Contact").len(), 2);
    assert_eq!(stage.contacts().first().map(|(_, flow)| *flow), Some(laptop.flow), "the newest first");
    stage.endpoint.flow_failed(stage.now, laptop.flow, FlowFailure::Closed);
    stage.pass(Duration::ZERO);
    assert_eq!(stage.contacts(), [("sip:8001@198.51.100.7:40001;transport=tcp".to_owned(), desk.flow)]);
    stage.endpoint.flow_failed(stage.now, desk.flow, FlowFailure::Closed);
    stage.pass(Duration::ZERO);
    assert!(stage.contacts().is_empty());
}

#[test]
fn a_phone_signs_out() {
    let mut stage = Stage::new();
    let mut phone = Phone::new("8001");
    stage.sign_in(&mut phone);
    phone.contact = "*\r\nExpires: 0".to_owned();
    let answer = stage.register(&mut phone);
    assert_eq!((status(&answer), header(&answer, "Contact").len()), (200, 0));
    assert!(stage.contacts().is_empty());
}

#[test]
fn an_expiry_below_the_limit_is_refused_with_the_limit() {
    let mut stage = Stage::new();
    let mut phone = Phone { contact: "<sip:8001@198.51.100.7>;expires=5".to_owned(), ..Phone::new("8001") };
    let answer = stage.sign_in(&mut phone);
    assert_eq!((status(&answer), header(&answer, "Min-Expires")), (423, vec!["60"]));
}

#[test]
fn nothing_is_left_of_those_who_only_knock() {
    let mut stage = Stage::new();
    for attempt in 0..5_000_u32 {
        let mut phone = Phone::new("8001");
        phone.call_id = format!("knock-{attempt}");
        phone.flow.remote = SocketAddr::from(([198, 51, 100, (attempt % 250) as u8], 5060));
        assert_eq!(status(&stage.register(&mut phone)), 401);
    }
    let census = stage.endpoint.census();
    assert_eq!((census.transactions, census.legs, census.timers), (0, 0, 0), "V10: no state before a proof");
}
