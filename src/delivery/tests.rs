//! What answers mean, and a ticket store on a socket that behaves as the test says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::answer::{clean, retry_after, verdict};
use super::attempt::{LONGEST_ANSWER, signature};
use super::*;
use crate::base::ids::CallId;
use crate::base::time::Instant;
use crate::tickets::ids::{LinkageId, TicketId};
use crate::tickets::mapping::{Field, Form, Mapping, Source, Table};

/// One request that came in, as text.
type Requests = Receiver<String>;

/// Answers each connection with the next of these texts and closes it; the last one for ever.
fn store(answers: Vec<String>) -> (SocketAddr, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let answer = &answers[number.min(answers.len() - 1)];
            let mut stream = stream.unwrap();
            if seen.send(request(&mut stream)).is_err() {
                return;
            }
            stream.write_all(answer.as_bytes()).ok();
        }
    });
    (address, requests)
}

/// The header and as much body as it announces.
fn request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut bytes = [0; 4_096];
    loop {
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            length.is_none_or(|length| body.len() >= length.parse().unwrap())
        });
        let read = if complete { 0 } else { stream.read(&mut bytes).unwrap_or(0) };
        if read == 0 {
            return text;
        }
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn settings(address: SocketAddr) -> Settings {
    Settings {
        name: "foreign".into(),
        target: Target::new(&format!("http://{address}/orders?site=1"), false).unwrap(),
        auth: Auth::None,
        trust: Trust::System,
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(5),
        answers: Answers::default(),
        mapping: None,
    }
}

fn parcel(number: u128) -> Parcel {
    let ticket = TicketId { linkage: LinkageId(CallId(1)), number: 0 };
    let body = format!("{{\"event\":\"tagged\",\"n\":{number},\"tags\":[\"已转110受理\"]}}");
    Parcel { event: EventId(number), ticket, store: "foreign".into(), attempt: 3, body: body.into() }
}

fn noon() -> WallClock {
    WallClock { at: Instant::START, unix_ms: 1_795_315_660_000 }
}

/// A courier on a thread of its own, and what it reports.
fn courier(stores: Vec<Settings>) -> (Delivery, Receiver<Report>) {
    let (told, reports) = channel();
    let listener = Box::new(move |report| told.send(report).unwrap());
    let (delivery, courier) = open(stores, Arc::new(noon), listener);
    thread::spawn(move || courier.run().unwrap());
    (delivery, reports)
}

fn one_report(settings: Settings) -> Report {
    let (delivery, reports) = courier(vec![settings]);
    delivery.parcels().blocking_send(parcel(7)).unwrap();
    reports.recv_timeout(Duration::from_secs(20)).expect("every parcel is reported")
}

fn why(report: &Report) -> &str {
    match &report.verdict {
        Verdict::NotNow { why, .. } => why,
        other => panic!("not now: {other:?}"),
    }
}

#[test]
fn a_parcel_arrives_whole_with_its_key_and_the_receipt_comes_back() {
    let (address, requests) = store(vec![http("201 Created", r#"{"success":true,"data":{"id":88}}"#)]);
    let report = one_report(Settings {
        auth: Auth::Key { header: "x-api-key".to_owned(), key: Secret::new("k-1") },
        answers: Answers {
            success: Some(Said { member: "success".to_owned(), value: "true".to_owned() }),
            receipt: Some("data.id".to_owned()),
            ..Answers::default()
        },
        ..settings(address)
    });
    assert_eq!((report.event, report.attempt, &*report.store), (EventId(7), 3, "foreign"));
    assert_eq!(report.kind, Some(Event::Tagged));
    assert_eq!(report.verdict, Verdict::Taken { receipt: "88".to_owned() });
    let request = requests.recv().unwrap();
    assert!(request.starts_with("POST /orders?site=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nidempotency-key: 00000000-0000-0000-0000-000000000007\r\n"), "{request}");
    assert!(request.contains("\r\nx-api-key: k-1\r\n"), "{request}");
    assert!(request.ends_with(&*parcel(7).body), "{request}");
}

#[test]
fn a_signature_covers_path_time_and_body() {
    let (address, requests) = store(vec![http("200 OK", "")]);
    let report = one_report(Settings { auth: Auth::Hmac(Secret::new("key")), ..settings(address) });
    assert_eq!(report.verdict, Verdict::Taken { receipt: "200".to_owned() });
    let signed = signature("key", "/orders?site=1", "1795315660", &parcel(7).body);
    let request = requests.recv().unwrap();
    assert!(request.contains("\r\nx-lianxian-timestamp: 1795315660\r\n"), "{request}");
    assert!(request.contains(&format!("\r\nx-lianxian-signature: {signed}\r\n")), "{request}");
    // printf 'POST\n/a\n1\n{}' | openssl dgst -sha256 -hmac key
    assert_eq!(signature("key", "/a", "1", "{}"), "1d57a56a99d47f5c576615d53885933b289816a08b67577518945df24f7781f4");
}

/// V34: the machine's own metadata service is a favourite of those who can choose where a server goes.
#[test]
fn a_redirect_is_a_failure_and_nobody_is_asked_there() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap();
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let answer = format!("HTTP/1.1 {status}\r\nLocation: http://{there}/latest\r\nContent-Length: 0\r\n\r\n");
        let (address, _requests) = store(vec![answer]);
        assert!(why(&one_report(settings(address))).contains("redirects"), "{status}");
    }
    assert!(elsewhere.accept().is_err(), "the redirect was followed");
}

#[test]
fn broken_answers_are_not_taken_for_anything() {
    let cut = "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"succ".to_owned();
    let long = http("200 OK", &"x".repeat(LONGEST_ANSWER + 1));
    for (answer, reason) in [
        (cut, "201, but the connection broke"),
        (long, "200, but the answer is too long"),
        ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), "the connection broke"),
        (String::new(), "the connection broke"),
    ] {
        let (address, _requests) = store(vec![answer]);
        let report = one_report(settings(address));
        assert!(why(&report).starts_with(reason), "{reason}: {report:?}");
    }
}

#[test]
fn a_store_that_says_nothing_or_is_not_there_is_left_in_time() {
    // The kernel accepts for it; it never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let quick = Settings { timeout: Duration::from_millis(100), ..settings(silent.local_addr().unwrap()) };
    assert_eq!(why(&one_report(quick)), "it took too long");

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(why(&one_report(settings(closed))).starts_with("no connection"));
}

#[test]
fn a_slow_store_keeps_nobody_waiting_and_other_stores_are_used_after_a_reload() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, _requests) = store(vec![http("200 OK", "")]);
    let slow = Settings { name: "slow".into(), ..settings(silent.local_addr().unwrap()) };
    let (delivery, reports) = courier(vec![slow, settings(address)]);
    for number in 0..40 {
        delivery.parcels().blocking_send(Parcel { store: "slow".into(), ..parcel(number) }).unwrap();
    }
    delivery.parcels().blocking_send(parcel(100)).unwrap();
    let first = reports.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(first.event, EventId(100), "it does not wait for the slow one's");

    delivery.replace(Vec::new());
    delivery.parcels().blocking_send(parcel(101)).unwrap();
    let gone = reports.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!((gone.event, why(&gone)), (EventId(101), "no [[ticket_store]] is named foreign"));
}

#[test]
fn each_status_has_its_meaning() {
    let plain = Answers::default();
    let replays = Answers { replays: Replays::Taken, ..Answers::default() };
    let taken = |verdict: Verdict| matches!(verdict, Verdict::Taken { .. });
    let refused = |verdict: Verdict| matches!(verdict, Verdict::Refused { .. });
    for status in [200, 201, 202, 204] {
        assert!(taken(verdict(&plain, status, None, b"")), "{status}");
    }
    for status in [400, 409, 410, 413, 415, 422] {
        assert!(refused(verdict(&plain, status, None, b"")), "{status} speaks of the record");
    }
    for status in [302, 401, 403, 404, 405, 408, 421, 425, 429, 500, 502, 503, 504, 100, 999] {
        let verdict = verdict(&plain, status, Some(Duration::from_secs(9)), b"");
        let after = Some(Duration::from_secs(9));
        assert!(matches!(verdict, Verdict::NotNow { after: a, .. } if a == after), "{status} speaks of the way there");
    }
    assert!(taken(verdict(&replays, 409, None, b"")));
}

#[test]
fn a_success_that_the_body_denies_is_none() {
    let success = Some(Said { member: "result.code".to_owned(), value: "0".to_owned() });
    let answers = Answers { success, ..Answers::default() };
    let of = |body: &str| verdict(&answers, 200, None, body.as_bytes());
    assert_eq!(of(r#"{"result":{"code":0}}"#), Verdict::Taken { receipt: "200".to_owned() });
    assert_eq!(of(r#"{"result":{"code":"0"}}"#), Verdict::Taken { receipt: "200".to_owned() });
    let denied = of(r#"{"result":{"code":17},"message":"bjdh 13800138000 不正确"}"#);
    let Verdict::Refused { why } = denied else { panic!("{denied:?}") };
    assert!(why.contains("`result.code` is 17") && why.contains("不正确"), "{why}");
    assert!(!why.contains("13800138000"), "a citizen's number in {why}");
    for garbage in ["", "<html>", "{}", "[]", r#"{"result":null}"#, r#"{"result":{"code":{}}}"#] {
        assert!(matches!(of(garbage), Verdict::NotNow { .. }), "{garbage}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let of = |text: &str| retry_after(Some(text.as_bytes()), 784_111_777_000 - 60_000);
    assert_eq!(of("120"), Some(Duration::from_secs(120)));
    assert_eq!(of(" 0 "), Some(Duration::ZERO));
    assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(60)));
    assert_eq!(of("Sat, 06 Nov 1993 08:49:37 GMT"), Some(Duration::ZERO), "it has passed");
    for odd in ["", "soon", "-1", "99999999999999999999", "\u{fffd}"] {
        assert_eq!(of(odd), None, "{odd}");
    }
    assert_eq!(retry_after(None, 0), None);
}

#[test]
fn what_others_say_is_short_plain_and_without_numbers() {
    assert_eq!(clean("a\nb\t来电 013800138000 错误"), "a b 来电 013****8000 错误");
    assert_eq!(clean("110 和 12345，错误 500"), "110 和 12345，错误 500");
    assert_eq!(clean(&"长".repeat(100_000)).chars().count(), 300);
}

#[test]
fn only_a_plain_address_that_keeps_what_it_is_told_is_spoken_to() {
    for good in ["https://store.example/a?b=1", "http://127.0.0.1:8080/x", "http://[::1]/", "http://localhost:1/"] {
        assert!(Target::new(good, false).is_ok(), "{good}");
    }
    for (bad, wrong) in [
        ("", BadTarget::NoUrl),
        ("store.example/a", BadTarget::NoUrl),
        ("ftp://store.example/", BadTarget::Scheme),
        ("https://u:p@store.example/", BadTarget::Credentials),
        ("https://u@store.example/", BadTarget::Credentials),
        ("https://store.example/#a", BadTarget::Fragment),
        ("http://store.example/", BadTarget::Plaintext),
        ("http://10.0.0.1/", BadTarget::Plaintext),
        ("http://127.0.0.1.example/", BadTarget::Plaintext),
    ] {
        assert_eq!(Target::new(bad, false), Err(wrong), "{bad}");
    }
    assert!(Target::new("http://10.0.0.1/", true).is_ok());
    assert_eq!(Trust::only(b"nothing"), Err(BadCertificates));
}

#[test]
fn a_mapping_decides_what_is_sent_and_whether() {
    let field = |form| Field { name: "n".to_owned(), source: Source::First(vec!["n".to_owned()]), form };
    let mapping = |events: &[&str], form| Mapping {
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        fields: vec![field(form)],
        ..Mapping::default()
    };
    let table = Form::Code(Table { name: "numbers".to_owned(), ..Table::default() });
    let (address, requests) = store(vec![http("200 OK", "")]);
    for (mapping, expected) in [
        (mapping(&["tagged"], Form::Text), "200"),
        (mapping(&["created"], Form::Text), "not sent: the mapping leaves such events out"),
    ] {
        let report = one_report(Settings { mapping: Some(mapping), ..settings(address) });
        assert_eq!(report.verdict, Verdict::Taken { receipt: expected.to_owned() });
    }
    let report = one_report(Settings { mapping: Some(mapping(&[], table)), ..settings(address) });
    let why = "`n`: the table `numbers` has no row for `7`, and no default".to_owned();
    assert_eq!(report.verdict, Verdict::Refused { why });
    assert!(requests.recv().unwrap().ends_with("\r\n\r\n{\"n\":\"7\"}"));
    assert!(requests.try_recv().is_err(), "only one was sent");
}
