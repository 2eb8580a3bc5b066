//! What the endpoint answers: the verdicts that need more than syntax, over UDP and TCP, from a trunk that is read
//! strictly and from the softphones' network. After every message an OPTIONS is answered.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bytes::Bytes;
use lianxian::base::entropy::Entropy;
use lianxian::base::ids::{AgentId, TrunkId};
use lianxian::base::time::Instant;
use lianxian::sip::auth;
use lianxian::sip::endpoint::{Census, Endpoint, Limits, Listener, Reading, Settings, Transfers, TrunkAccess, Urgent};
use lianxian::sip::fact::{Cause, Event};
use lianxian::sip::flow::{ConnectionId, Flow, Transport};
use lianxian::sip::message::{Message, Method, Name, Request, Response};
use lianxian::sip::order::LegOrder;
use lianxian::sip::registrar;
use lianxian::sip::transaction::timers::Timing;
use lianxian::sip::wire::{self, Framer};

use super::letter::Letter;
use super::{rfc4475, rfc5118};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Trunk,
    Softphone,
}

/// What must be answered in the end. An empty list: nothing.
type Row = (&'static str, From, &'static [u16]);

/// INVITEs that are accepted get 100 and wait for a person; here nobody is there, and they end with 480.
const ROWS: &[Row] = &[
    ("wsinv", From::Trunk, &[481]),
    ("intmeth", From::Trunk, &[501]),
    ("esc01", From::Trunk, &[480]),
    ("escnull", From::Softphone, &[401]),
    ("esc02", From::Trunk, &[501]),
    ("lwsdisp", From::Trunk, &[200]),
    ("longreq", From::Trunk, &[480]),
    ("dblreq", From::Softphone, &[401]),
    ("semiuri", From::Trunk, &[200]),
    ("transports", From::Trunk, &[200]),
    ("mpart01", From::Trunk, &[405]),
    ("unreason", From::Trunk, &[]),
    ("noreason", From::Trunk, &[]),
    ("badinv01", From::Trunk, &[400]),
    ("badinv01", From::Softphone, &[400]),
    ("clerr", From::Trunk, &[400]),
    ("ncl", From::Trunk, &[400]),
    ("scalar02", From::Softphone, &[400]),
    ("scalarlg", From::Trunk, &[]),
    ("quotbal", From::Trunk, &[400]),
    ("ltgtruri", From::Trunk, &[400]),
    ("lwsruri", From::Trunk, &[400]),
    ("lwsstart", From::Trunk, &[480]),
    ("trws", From::Trunk, &[200]),
    ("escruri", From::Trunk, &[400]),
    ("baddate", From::Trunk, &[480]),
    ("regbadct", From::Softphone, &[400]),
    ("badaspec", From::Trunk, &[400]),
    ("badaspec", From::Softphone, &[400]),
    ("baddn", From::Trunk, &[400]),
    ("baddn", From::Softphone, &[400]),
    ("badvers", From::Trunk, &[505]),
    ("mismatch01", From::Trunk, &[400]),
    ("mismatch02", From::Trunk, &[501]),
    ("bigcode", From::Trunk, &[]),
    ("badbranch", From::Trunk, &[200]),
    ("insuf", From::Trunk, &[400]),
    ("unkscm", From::Trunk, &[416]),
    ("novelsc", From::Trunk, &[416]),
    ("unksm2", From::Softphone, &[400, 401]),
    ("bext01", From::Trunk, &[420]),
    ("invut", From::Trunk, &[415]),
    ("regaut01", From::Softphone, &[401]),
    ("multi01", From::Trunk, &[400]),
    ("mcl01", From::Trunk, &[400]),
    ("bcast", From::Trunk, &[]),
    ("zeromf", From::Trunk, &[200]),
    ("cparam01", From::Softphone, &[401]),
    ("cparam02", From::Softphone, &[401]),
    ("regescrt", From::Softphone, &[401]),
    ("sdp01", From::Trunk, &[406]),
    ("inv2543", From::Trunk, &[480]),
    ("ipv6-good", From::Softphone, &[401]),
    ("ipv6-bad", From::Softphone, &[400]),
    ("port-ambiguous", From::Softphone, &[401]),
    ("port-unambiguous", From::Softphone, &[401]),
    ("via-received-param-with-delim", From::Trunk, &[481]),
    ("via-received-param-no-delim", From::Trunk, &[200]),
    ("ipv6-in-sdp", From::Trunk, &[480]),
    ("mult-ip-in-header", From::Trunk, &[481]),
    ("mult-ip-in-sdp", From::Trunk, &[480]),
    ("ipv4-mapped-ipv6", From::Trunk, &[480]),
    ("ipv6-correct-abnf-2-colons", From::Trunk, &[200]),
    ("ipv6-bug-abnf-3-colons", From::Trunk, &[200]),
];

/// The endpoint on a stepped clock, and the peer's end of the line.
struct Bench {
    endpoint: Endpoint,
    now: Instant,
    connections: u64,
    pings: u32,
}

/// What came back.
#[derive(Debug)]
struct Answers {
    responses: Vec<Response>,
    closed: bool,
}

impl Bench {
    fn new(reading: Reading) -> Self {
        let listener = |transport| Listener { transport, address: "192.0.2.1:5060".parse().unwrap(), advertised: None };
        let trunk = TrunkAccess {
            id: TrunkId::from("trunk"),
            networks: vec!["192.0.2.128/25".parse().unwrap()],
            reading,
            invites_per_second: 1_000,
            invite_burst: 1_000,
            transfers: Transfers::Refused,
        };
        let settings = Settings {
            product: "lianxian".into(),
            listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
            trunks: vec![trunk],
            urgent: Urgent::default(),
            softphone_networks: vec!["203.0.113.0/24".parse().unwrap()],
            auth: auth::Settings::new("lianxian").with_password(AgentId::from("8001"), "secret"),
            registrar: registrar::Settings::default(),
            timing: Timing::default(),
            limits: Limits::default(),
        };
        let endpoint = Endpoint::new(settings, Entropy::from_number(7));
        Self { endpoint, now: Instant::START, connections: 0, pings: 0 }
    }

    fn flow(&mut self, from: From, transport: Transport) -> Flow {
        let remote = match from {
            From::Trunk => "192.0.2.200:5099",
            From::Softphone => "203.0.113.9:5099",
        };
        self.connections += 1;
        let connection = (transport == Transport::Tcp).then_some(ConnectionId(self.connections));
        Flow { transport, local: "192.0.2.1:5060".parse().unwrap(), remote: remote.parse().unwrap(), connection }
    }

    /// Delivers the bytes as `net` would: a datagram whole, a stream through the framer.
    fn deliver(&mut self, flow: Flow, bytes: &[u8]) -> Answers {
        if flow.transport == Transport::Udp {
            self.endpoint.receive(self.now, flow, Bytes::copy_from_slice(bytes));
            return self.answers(flow);
        }
        let mut framer = Framer::new(wire::Limits::default());
        framer.push(bytes);
        match framer.next() {
            Ok(Some(message)) => self.endpoint.receive(self.now, flow, message),
            Ok(None) => {}
            Err(broken) => self.endpoint.receive_broken(self.now, flow, broken),
        }
        self.answers(flow)
    }

    fn answers(&mut self, flow: Flow) -> Answers {
        // Nobody is there to take a call.
        while let Some(event) = self.endpoint.poll_event() {
            if let Event::Incoming(invite) = event {
                assert_eq!(invite.request.method, Method::Invite);
                let reject = LegOrder::Reject { code: 480, cause: Cause::default(), retry_after_s: None };
                self.endpoint.order(self.now, invite.leg, reject);
            }
        }
        let mut answers = Answers { responses: Vec::new(), closed: false };
        while let Some(transmit) = self.endpoint.poll_transmit() {
            assert_eq!(transmit.flow.remote.ip(), flow.remote.ip(), "answers go to the source only");
            answers.closed |= transmit.then == lianxian::sip::endpoint::Then::Close;
            match wire::parse(transmit.message.clone(), &wire::Limits::default()) {
                Ok(Message::Response(response)) => answers.responses.push(response),
                Ok(Message::Request(request)) => panic!("a request: {request:?}"),
                // The answer to a message that lacks a needed header lacks it too.
                Err(_) => answers.responses.push(bare(&transmit.message)),
            }
        }
        answers
    }

    fn is_alive(&mut self, from: From, transport: Transport) {
        self.pings += 1;
        let letter = Letter::request("OPTIONS", "sip:192.0.2.1")
            .with("Via", format!("SIP/2.0/UDP 192.0.2.200:5099;branch=z9hG4bK-alive-{}", self.pings))
            .with("Call-ID", format!("alive-{}", self.pings));
        let flow = self.flow(from, transport);
        let answers = self.deliver(flow, &letter.bytes());
        assert_eq!(answers.responses.iter().map(|response| response.code).collect::<Vec<_>>(), [200], "not alive");
    }

    fn settle(&mut self) -> Census {
        while let Some(next) = self.endpoint.next_timeout() {
            self.now = self.now.max(next);
            self.endpoint.handle_timeout(self.now);
            while self.endpoint.poll_transmit().is_some() {}
            while self.endpoint.poll_event().is_some() {}
        }
        self.endpoint.census()
    }
}

fn bare(bytes: &Bytes) -> Response {
    let code = std::str::from_utf8(&bytes[8..11]).unwrap().parse().unwrap();
    let nobody = Request::new(Method::Options, lianxian::sip::message::Uri::tel("1"));
    Response::new(code, &nobody)
}

/// The bytes of a row: our letter, or the file of a corpus.
fn bytes_of(name: &str, corpora: Option<&PathBuf>) -> Vec<u8> {
    let old = rfc4475::VERDICTS.iter().any(|(_, known, _)| *known == name);
    match corpora {
        None if old => rfc4475::letter(name),
        None => rfc5118::letter(name),
        Some(folder) => {
            let path = if old { format!("rfc4475/{name}.dat") } else { format!("rfc5118/{name}") };
            std::fs::read(folder.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"))
        }
    }
}

fn run(transport: Transport, corpora: Option<&PathBuf>) {
    let mut bench = Bench::new(Reading::Strict);
    let mut wrong = Vec::new();
    for (name, from, expected) in ROWS {
        let flow = bench.flow(*from, transport);
        let answers = bench.deliver(flow, &bytes_of(name, corpora));
        let finals: Vec<u16> =
            answers.responses.iter().map(|response| response.code).filter(|code| *code >= 200).collect();
        let expected: &[u16] = match (transport, *name) {
            // The rest of the announced body is waited for until the message deadline.
            (Transport::Tcp, "clerr") => &[],
            // A stream cannot do without the length.
            (Transport::Tcp, "inv2543") => &[400],
            (Transport::Udp | Transport::Tcp, _) => expected,
        };
        let right = finals.iter().all(|code| expected.contains(code)) && finals.is_empty() == expected.is_empty();
        if !right || finals.len() > 1 {
            wrong.push(format!("{name} from {from:?}: {finals:?}, expected {expected:?}"));
        }
        let unframed = ["ncl", "mcl01", "inv2543"].contains(name);
        assert_eq!(answers.closed, transport == Transport::Tcp && unframed, "{name}: whether the stream is closed");
        named(name, &answers);
        bench.is_alive(*from, transport);
    }
    assert!(wrong.is_empty(), "over {transport:?}: {wrong:#?}");
    let left = bench.settle();
    assert_eq!((left.legs, left.transactions, left.timers), (0, 0, 0), "everything is forgotten");
}

/// What some answers must say besides their code.
fn named(name: &str, answers: &Answers) {
    let Some(last) = answers.responses.last() else { return };
    let words = |header: &Name| last.headers.options(header).into_iter().collect::<BTreeSet<_>>();
    match name {
        "bext01" => assert_eq!(words(&Name::Unsupported).len(), 2, "both options are named"),
        "invut" => {
            assert!(last.headers.options(&Name::Accept).iter().any(|kind| kind == "application/sdp"), "{last:?}")
        }
        "mpart01" | "intmeth" | "esc02" => assert!(words(&Name::Allow).contains(&Bytes::from_static(b"INVITE"))),
        "regaut01" => assert!(last.headers.has(&Name::WwwAuthenticate), "a fresh challenge"),
        _ => {}
    }
}

#[test]
fn every_torture_message_gets_its_answer_over_udp() {
    run(Transport::Udp, None);
}

#[test]
fn every_torture_message_gets_its_answer_over_tcp() {
    run(Transport::Tcp, None);
}

#[test]
fn the_bytes_of_the_rfcs_get_the_same_answers() {
    let Some(folder) = std::env::var_os("LIANXIAN_CORPORA").map(PathBuf::from) else { return };
    run(Transport::Udp, Some(&folder));
    run(Transport::Tcp, Some(&folder));
}

#[test]
fn a_request_with_no_hop_left_goes_nowhere() {
    let mut bench = Bench::new(Reading::Strict);
    let flow = bench.flow(From::Trunk, Transport::Udp);
    let letter = Letter::request("INVITE", "sip:12345@192.0.2.1").offer().with("Max-Forwards", "0");
    let answers = bench.deliver(flow, &letter.bytes());
    assert_eq!(answers.responses.last().map(|response| response.code), Some(483));
}

#[test]
fn two_requests_without_a_cookie_are_not_one_transaction() {
    // RFC 4475 3.2.1: the branch is the bare cookie; the RFC 2543 rules tell the two apart.
    let mut bench = Bench::new(Reading::Strict);
    for call in ["first", "second"] {
        let letter = Letter::request("OPTIONS", "sip:192.0.2.1")
            .with("Via", "SIP/2.0/UDP 192.0.2.200:5099;branch=z9hG4bK")
            .with("Call-ID", call);
        let flow = bench.flow(From::Trunk, Transport::Udp);
        let answers = bench.deliver(flow, &letter.bytes());
        let own = answers.responses.iter().filter(|response| response.headers.call_id().is_ok_and(|own| own == call));
        assert_eq!(own.count(), 1, "{call}");
    }
}

#[test]
fn on_a_trusted_trunk_a_defect_that_does_not_matter_refuses_nothing() {
    for (name, value) in [
        ("Contact", "\"Caller\" <sip:caller@127.0.0.1:5099>;;;;"),
        ("Date", "yesterday"),
        ("Odd Name", "1"),
        ("P-Asserted-Identity", "\"never closed <tel:13900001111>"),
        ("History-Info", "<<<"),
        ("Diversion", "\"\\"),
        ("Supported", ",,timer,,"),
    ] {
        let mut bench = Bench::new(Reading::Tolerant);
        let letter = Letter::request("INVITE", "sip:12345@192.0.2.1").offer().with(name, value);
        let flow = bench.flow(From::Trunk, Transport::Udp);
        let answers = bench.deliver(flow, &letter.bytes());
        let codes: Vec<u16> = answers.responses.iter().map(|response| response.code).collect();
        assert_eq!(codes.last(), Some(&480), "{name}: {value}: {codes:?}");
    }
}

#[test]
fn v29_numbers_out_of_range_are_refused_or_capped() {
    let invite = || Letter::request("INVITE", "sip:12345@192.0.2.1").offer().with("Supported", "timer");
    let rows = [
        ("CSeq", "2147483648 INVITE", 400),
        ("CSeq", "-1 INVITE", 400),
        ("Max-Forwards", "999", 400),
        ("Max-Forwards", "-1", 400),
        ("Session-Expires", "0", 422),
        ("Session-Expires", "1", 422),
        ("Session-Expires", "18446744073709551616", 480),
        ("Min-SE", "4294967296", 480),
        ("Expires", "18446744073709551616", 480),
        ("Retry-After", "1000000000000", 480),
    ];
    for (name, value, expected) in rows {
        let mut bench = Bench::new(Reading::Strict);
        let flow = bench.flow(From::Trunk, Transport::Udp);
        let answers = bench.deliver(flow, &invite().with(name, value).bytes());
        let last = answers.responses.last().map(|response| response.code);
        assert!(last == Some(expected) || (expected == 480 && last == Some(400)), "{name}: {value}: {last:?}");
        let latest = bench.endpoint.census().latest_timer.unwrap_or(bench.now);
        assert!(latest.since(bench.now) <= std::time::Duration::from_secs(24 * 3600), "{name}: {value}");
    }
}

#[test]
fn v26_multipart_bombs_are_refused_in_bounded_time() {
    let nested = (0..1_000).fold(String::new(), |body, level| {
        format!("--b{level}\r\nContent-Type: multipart/mixed;boundary=b{}\r\n\r\n{body}", level + 1)
    });
    let long = "b".repeat(7_000);
    let bodies = [
        ("an empty part", "b", "--b\r\n\r\n--b--\r\n".to_owned()),
        ("no part", "b", "--b--\r\n".to_owned()),
        ("no end", "b", "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n".to_owned()),
        ("no boundary in it", "b", "v=0\r\n".repeat(1_000)),
        ("a thousand levels", "b999", nested),
        ("a boundary of 7 kB", &long, format!("--{long}\r\n\r\n")),
        ("ten thousand parts", "b", "--b\r\n\r\n".repeat(10_000)),
        ("nearly a boundary", "bbbbbbbbbbbb", "--bbbbbbbbbbb\r\n".repeat(5_000)),
    ];
    for (what, boundary, body) in bodies {
        let mut bench = Bench::new(Reading::Tolerant);
        let flow = bench.flow(From::Trunk, Transport::Tcp);
        let kind = format!("multipart/mixed;boundary={boundary}");
        let letter = Letter::request("INVITE", "sip:12345@192.0.2.1").body(&kind, body).bytes();
        let start = crate::fuzzing::computed();
        let answers = bench.deliver(flow, &letter);
        let spent = crate::fuzzing::computed().saturating_sub(start);
        let last = answers.responses.last().map(|response| response.code);
        assert!(matches!(last, Some(415 | 400)), "{what}: {last:?}");
        assert!(
            spent < std::time::Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 5 }),
            "{what}: {spent:?}"
        );
        bench.is_alive(From::Trunk, Transport::Tcp);
    }
}
