//! RFC 4475 by section: our own message with the defect that the section describes, and what becomes of it.

use lianxian::sip::message::{Host, Message, Method, Name, Request, Scheme};

use super::letter::{Letter, OFFER};
use super::verdict::Verdict::{Accept, Drop, Refuse};
use super::verdict::{Verdict, datagram, expect, stream};

/// The section, the name of its message, and the verdict of the wire layer. Files of a corpus are judged by it too.
pub(super) const VERDICTS: &[(&str, &str, &[Verdict])] = &[
    ("3.1.1.1", "wsinv", &[Accept]),
    ("3.1.1.2", "intmeth", &[Accept]),
    ("3.1.1.3", "esc01", &[Accept]),
    ("3.1.1.4", "escnull", &[Accept]),
    ("3.1.1.5", "esc02", &[Accept]),
    ("3.1.1.6", "lwsdisp", &[Accept]),
    ("3.1.1.7", "longreq", &[Accept]),
    ("3.1.1.8", "dblreq", &[Accept]),
    ("3.1.1.9", "semiuri", &[Accept]),
    ("3.1.1.10", "transports", &[Accept]),
    ("3.1.1.11", "mpart01", &[Accept]),
    ("3.1.1.12", "unreason", &[Accept]),
    ("3.1.1.13", "noreason", &[Accept]),
    ("3.1.2.1", "badinv01", &[Refuse(400)]),
    ("3.1.2.2", "clerr", &[Refuse(400)]),
    ("3.1.2.3", "ncl", &[Refuse(400)]),
    ("3.1.2.4", "scalar02", &[Refuse(400)]),
    ("3.1.2.5", "scalarlg", &[Drop]),
    ("3.1.2.6", "quotbal", &[Refuse(400)]),
    ("3.1.2.7", "ltgtruri", &[Refuse(400)]),
    ("3.1.2.8", "lwsruri", &[Refuse(400)]),
    ("3.1.2.9", "lwsstart", &[Accept]),
    ("3.1.2.10", "trws", &[Accept]),
    ("3.1.2.11", "escruri", &[Refuse(400)]),
    ("3.1.2.12", "baddate", &[Accept]),
    ("3.1.2.13", "regbadct", &[Refuse(400)]),
    ("3.1.2.14", "badaspec", &[Refuse(400)]),
    ("3.1.2.15", "baddn", &[Refuse(400)]),
    ("3.1.2.16", "badvers", &[Refuse(505)]),
    ("3.1.2.17", "mismatch01", &[Refuse(400)]),
    ("3.1.2.18", "mismatch02", &[Accept]),
    ("3.1.2.19", "bigcode", &[Drop]),
    ("3.2.1", "badbranch", &[Accept]),
    ("3.3.1", "insuf", &[Refuse(400)]),
    ("3.3.2", "unkscm", &[Accept]),
    ("3.3.3", "novelsc", &[Accept]),
    ("3.3.4", "unksm2", &[Accept]),
    ("3.3.5", "bext01", &[Accept]),
    ("3.3.6", "invut", &[Accept]),
    ("3.3.7", "regaut01", &[Accept]),
    ("3.3.8", "multi01", &[Refuse(400)]),
    ("3.3.9", "mcl01", &[Refuse(400)]),
    ("3.3.10", "bcast", &[Accept]),
    ("3.3.11", "zeromf", &[Accept]),
    ("3.3.12", "cparam01", &[Accept]),
    ("3.3.13", "cparam02", &[Accept]),
    ("3.3.14", "regescrt", &[Accept]),
    ("3.3.15", "sdp01", &[Accept]),
    ("3.4.1", "inv2543", &[Accept]),
];

/// Our message for a section's name.
pub(super) fn letter(name: &str) -> Vec<u8> {
    valid(name).or_else(|| invalid(name)).or_else(|| beyond_syntax(name)).expect("every row has a letter").named(name)
}

fn invite() -> Letter {
    Letter::request("INVITE", "sip:12345@hotline.example").offer()
}

fn options() -> Letter {
    Letter::request("OPTIONS", "sip:12345@hotline.example")
}

fn register() -> Letter {
    Letter::request("REGISTER", "sip:hotline.example").with("To", "<sip:8001@hotline.example>")
}

fn valid(name: &str) -> Option<Letter> {
    Some(match name {
        "wsinv" => invite()
            .with("Via", "SIP  / 2.0\r\n /UDP\r\n    127.0.0.1  : 5099;branch  =  3-no-cookie")
            .spelled("Via", "vIa  ")
            .with("To", "\r\n sip:12345@hotline.example ;   tag    = t-1")
            .with("From", "\"A \\\\\\\" name\"       <sip:caller@example.net>\r\n  ;\r\n  tag = f-1")
            .spelled("From", "from   ")
            .with("Max-Forwards", "0068")
            .spelled("Max-Forwards", "mAX-fORWARDS")
            .with("CSeq", "0009\r\n  INVITE")
            .spelled("CSeq", "cseq")
            .and("s ", "")
            .and("Half-Known", "one value\r\n and its second line")
            .and("Odd-Value", ";;,,;;,;")
            .and("Route", "\r\n <sip:proxy.example;lr;unknown=value;alone>")
            .and("v", "SIP / 2.0 / TCP  a.example  ;\r\n branch  = z9hG4bK2 ,\r\n SIP / 2.0 /UDP 10.0.0.1 ; branch=\r\n z9hG4bK3")
            .with("Contact", "\"Quoted \\\"\\\"\" <sip:caller@127.0.0.1:5099> ; new =\r\n value ;\r\n second ; q = 0.33")
            .spelled("Contact", "m"),
        "intmeth" => Letter::request("!An-Odd.Method_*+`%indeed'~", "sip:1_odd.~(user!)&isn't+it$/odd?,/;;*:&a=1@example.net")
            .with("To", b"\"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" <sip:12345@hotline.example>".as_slice())
            .with("From", "word1~` word2'+_ word3*!.- <sip:caller@example.net>;p''~=\"\u{440}\u{430}\";tag=_t~1'+`*%!-.")
            .with("Call-ID", "word%ZK-!.*_+'@word`~)(><:\\/\"][?}{")
            .and("an-Odd!header.%*+_`'~", "\u{feff}\u{5927}"),
        "esc01" => Letter::request("INVITE", "sip:sips%3A12345%40hotline.example@example.net")
            .offer()
            .with("To", "sip:%31%32345@hotline.example")
            .with("Contact", "\r\n  <sip:c%61ller@127.0.0.1:5099;%6C%72;n%61me=v%61lue%25%34%31>"),
        "escnull" => register()
            .with("To", "sip:null-%00-null@hotline.example")
            .with("From", "sip:null-%00-null@hotline.example;tag=f-1")
            .with("Contact", "<sip:%00@127.0.0.1>")
            .and("Contact", "<sip:%00%00@127.0.0.1>"),
        "esc02" => Letter::request("RE%47IST%45R", "sip:hotline.example")
            .with("To", "\"%Z%45\" <sip:resource@example.net>")
            .with("Contact", "<sip:alias1@127.0.0.1>")
            .and("C%6Fntact", "<sip:alias2@127.0.0.1>")
            .and("Contact", "<sip:alias3@127.0.0.1>"),
        "lwsdisp" => options().with("From", "caller<sip:caller@example.net>;tag=f-1"),
        "longreq" => (0..33).fold(
            invite()
                .with("To", format!("\"A name of {} length\"<sip:12345@hotline.example:6000;p1={0};p2={0}>", "long".repeat(90)))
                .with("From", format!("sip:{}@example.net;tag={};p={1}", "caller".repeat(20), "12982".repeat(80)))
                .with("Call-ID", "really".repeat(100))
                .and(&format!("Unknown-{}-Name", "Long".repeat(20)), format!("v-{}; p={0}", "long".repeat(100))),
            |letter, hop| {
                let spelling = ["v", "V ", "via", "VIA  ", "vIa"][hop % 5];
                letter.and(spelling, format!("SIP/2.0/TCP hop{hop}.example;branch=z9hG4bK{}", "b".repeat(hop)))
            },
        ),
        "dblreq" => register(),
        "semiuri" => Letter::request("OPTIONS", "sip:user;par=u%40example.net@hotline.example"),
        "transports" => ["SCTP", "TLS", "UNKNOWN", "TCP"].iter().fold(options(), |letter, transport| {
            letter.and("Via", format!("SIP/2.0/{transport} t.example;branch=z9hG4bK{transport}"))
        }),
        "mpart01" => Letter::request("MESSAGE", "sip:12345@hotline.example").body(
            "multipart/mixed;boundary=next",
            b"--next\r\n\r\nplain\nwith a bare line feed\r\n--next\r\nContent-Type: application/octet-stream\r\n\r\n\x00\x01\xff\r\n--next--\r\n",
        ),
        "unreason" => Letter::response("200 = 2**3 * 5**2 \u{43d}\u{43e} \u{441}\u{442}\u{43e}").offer(),
        "noreason" => Letter::response("100 "),
        _ => return None,
    })
}

fn invalid(name: &str) -> Option<Letter> {
    Some(match name {
        "badinv01" => invite()
            .with("Via", "SIP/2.0/UDP 127.0.0.1:5099;;,;,,")
            .with("Contact", "\"Caller\" <sip:caller@127.0.0.1:5099>;;;;"),
        "clerr" => invite().length("9999"),
        "ncl" => invite().length("-999"),
        "scalar02" => register()
            .with("CSeq", "36893488147419103232 REGISTER")
            .with("Max-Forwards", "300")
            .with("Contact", "<sip:8001@127.0.0.1>;expires=280297596632815"),
        "scalarlg" => Letter::response("503 Service Unavailable")
            .with("CSeq", "9292394834772304023312 OPTIONS")
            .and("Retry-After", "949302838503028349304023988")
            .and("Warning", "1812 overture \"In Progress\""),
        "quotbal" => invite().with("To", "\"Mr. Watson <sip:12345@hotline.example>"),
        "ltgtruri" => Letter::request("INVITE", "<sip:12345@hotline.example>").offer(),
        "lwsruri" => Letter::request("INVITE", "sip:12345@hotline.example; lr").offer(),
        "lwsstart" => Letter::starting("INVITE  sip:12345@hotline.example  SIP/2.0", "INVITE").offer(),
        "trws" => Letter::starting("OPTIONS sip:12345@hotline.example SIP/2.0  ", "OPTIONS"),
        "escruri" => Letter::request("INVITE", "sip:12345@hotline.example?Route=%3Csip:evil.example%3E").offer(),
        "baddate" => invite().and("Date", "Fri, 01 Jan 2010 16:00:00 EST"),
        "regbadct" => register().with("Contact", "sip:8001@127.0.0.1?Route=%3Csip:proxy.example%3E"),
        "badaspec" => options().with("To", "\"Watson, T.\" < sip:12345@hotline.example >"),
        "baddn" => options().with("From", "Watson, T. <sip:caller@example.net>;tag=f-1"),
        "badvers" => Letter::starting("OPTIONS sip:12345@hotline.example SIP/7.0", "OPTIONS"),
        "mismatch01" => options().with("CSeq", "8 INVITE"),
        "mismatch02" => Letter::request("NEWMETHOD", "sip:12345@hotline.example").with("CSeq", "8 INVITE"),
        "bigcode" => Letter::response("4294967301 a code of more than 32 bits"),
        _ => return None,
    })
}

fn beyond_syntax(name: &str) -> Option<Letter> {
    Some(match name {
        "badbranch" => options().with("Via", "SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK"),
        "insuf" => invite().without("Call-ID").without("From").without("To"),
        "unkscm" => Letter::request("OPTIONS", "nobody.knows:totallyopaquecontent"),
        "novelsc" => Letter::request("OPTIONS", "soap.beep://127.0.0.1:3002"),
        "unksm2" => register()
            .with("To", "isbn:2983792873")
            .with("From", "<http://www.example.net>;tag=f-1")
            .with("Contact", "<name:John_Smith>"),
        "bext01" => {
            options().and("Require", "nobodySupportsThis, norThis").and("Proxy-Require", "noProxySupportsThis, norThat")
        }
        "invut" => invite().body("application/unknownformat", "<audio/>\r\n"),
        "regaut01" => register().and("Authorization", "NoOneKnowsThisScheme opaque-bytes=here"),
        "multi01" => invite()
            .and("CSeq", "59 INVITE")
            .and("Call-ID", "another@127.0.0.1")
            .and("Max-Forwards", "5")
            .and("From", "<sip:other@example.net>;tag=f-2")
            .and("To", "<sip:110@hotline.example>"),
        "mcl01" => {
            options().and("Content-Length", "13").body("text/plain", "Nobody can say how long this is.").length("5")
        }
        "bcast" => Letter::response("200 OK")
            .with("Via", "SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1")
            .and("Via", "SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2"),
        "zeromf" => options().with("Max-Forwards", "0"),
        "cparam01" => register().with("Contact", "sip:8001@127.0.0.1;unknownparam"),
        "cparam02" => register().with("Contact", "<sip:8001@127.0.0.1;unknownparam>"),
        "regescrt" => register().with("Contact", "<sip:8001@127.0.0.1?Route=%3Csip:proxy.example%3E>"),
        "sdp01" => invite().and("Accept", "text/nobodyKnowsThis"),
        "inv2543" => Letter::request("INVITE", "sip:12345@hotline.example")
            .with("Via", "SIP/2.0/UDP 127.0.0.1:5099")
            .with("From", "<sip:caller@example.net>")
            .without("Max-Forwards")
            .without("Contact")
            .offer()
            .length(""),
        _ => return None,
    })
}

#[test]
fn every_message_of_rfc_4475_gets_its_verdict() {
    for (section, name, verdicts) in VERDICTS {
        drop(expect(&format!("{section} {name}"), &letter(name), verdicts));
    }
}

#[test]
fn on_a_stream_the_verdicts_are_the_same_where_the_length_can_be_told() {
    for (section, name, verdicts) in VERDICTS {
        match (*name, stream(&letter(name))) {
            // The rest of the announced body is waited for until the message deadline.
            ("clerr", outcome) => assert!(outcome.is_none(), "{section} {name}"),
            // A stream needs the length that RFC 2543 could do without.
            ("inv2543", outcome) => assert!(matches!(outcome, Some(super::verdict::Outcome::Refused(400)))),
            (_, outcome) => {
                let outcome = outcome.unwrap_or_else(|| panic!("{section} {name}: nothing came out"));
                let verdict = match outcome {
                    super::verdict::Outcome::Accepted(_) => Accept,
                    super::verdict::Outcome::Refused(code) => Refuse(code),
                    super::verdict::Outcome::Dropped => Drop,
                };
                assert!(verdicts.contains(&verdict), "{section} {name}: {verdict:?}");
            }
        }
    }
}

fn accepted(name: &str) -> Request {
    match datagram(&letter(name)).message() {
        Message::Request(request) => request,
        Message::Response(response) => panic!("{response:?}"),
    }
}

#[test]
fn a_tortuous_invite_is_read_in_full() {
    let request = accepted("wsinv");
    let headers = &request.headers;
    assert_eq!(headers.cseq().unwrap().number, 9);
    assert_eq!(headers.max_forwards().unwrap(), Some(68));
    let vias = headers.vias().unwrap();
    assert_eq!(vias.len(), 3);
    assert_eq!((vias[0].port, vias[0].branch().unwrap().as_ref()), (Some(5099), b"3-no-cookie".as_slice()));
    assert_eq!(vias[2].branch().unwrap(), "z9hG4bK3");
    assert_eq!(headers.to().unwrap().tag().unwrap(), "t-1");
    assert_eq!(headers.from().unwrap().display_text().unwrap(), "A \\\" name");
    assert_eq!(headers.get(&Name::from("half-known")).unwrap(), "one value and its second line");
    assert_eq!(headers.get(&Name::from("ODD-VALUE")).unwrap(), ";;,,;;,;");
    let contact = &headers.contacts().unwrap()[0];
    assert_eq!(contact.params.value("q").unwrap(), "0.33");
    assert_eq!(contact.params.get("second"), Some(None));
    assert_eq!(request.body, OFFER);
}

#[test]
fn escapes_are_read_once_and_only_where_they_are_escapes() {
    let request = accepted("esc01");
    assert_eq!(request.uri.user().unwrap(), "sips:12345@hotline.example");
    assert_eq!(request.headers.to().unwrap().uri.user().unwrap(), "12345");
    let contact = request.headers.contacts().unwrap().remove(0).uri;
    assert_eq!(contact.param("lr"), Some(None));
    assert_eq!(contact.param("name").unwrap().unwrap(), "value%41");

    let request = accepted("esc02");
    assert_eq!(request.method, Method::Other("RE%47IST%45R".into()));
    assert_eq!(request.headers.to().unwrap().display.unwrap(), "%Z%45");
    assert_eq!(request.headers.contacts().unwrap().len(), 2);

    let request = accepted("escnull");
    assert_eq!(request.headers.to().unwrap().uri.user().unwrap(), "null-\0-null");
    let contacts = request.headers.contacts().unwrap();
    assert!(!contacts[0].uri.equivalent(&contacts[1].uri), "two names of different length");
    assert_eq!(accepted("semiuri").uri.user().unwrap(), "user;par=u@example.net");
}

#[test]
fn parameters_belong_to_the_contact_or_to_its_uri() {
    let contact = |name| accepted(name).headers.contacts().unwrap().remove(0);
    assert!(contact("cparam01").params.has("unknownparam"));
    assert_eq!(contact("cparam01").uri.param("unknownparam"), None);
    assert!(!contact("cparam02").params.has("unknownparam"));
    assert_eq!(contact("cparam02").uri.param("unknownparam"), Some(None));
    assert_eq!(contact("regescrt").uri.header("route").unwrap(), "<sip:proxy.example>");
    assert_eq!(contact("regescrt").uri.without_headers().to_bytes(), "sip:8001@127.0.0.1");
}

#[test]
fn bodies_end_where_content_length_says() {
    let mut doubled = letter("dblreq");
    doubled.extend(letter("wsinv"));
    let request = datagram(&doubled).message();
    assert!(request.body().is_empty() && request.as_request().unwrap().method == Method::Register);
    assert!(accepted("mpart01").body.contains(&0));
    assert_eq!(accepted("inv2543").body, OFFER);
}

#[test]
fn what_is_lenient_is_never_written_on() {
    for name in ["lwsstart", "trws"] {
        let bytes = accepted(name).to_bytes();
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap();
        assert_eq!(line.split(|byte| *byte == b' ').count(), 3, "{name}: {}", line.escape_ascii());
    }
    assert_eq!(accepted("lwsdisp").headers.from().unwrap().display.unwrap(), "caller");
    assert_eq!(accepted("longreq").headers.vias().unwrap().len(), 34);
    assert_eq!(accepted("unkscm").uri.scheme(), &Scheme::Other("nobody.knows".into()));
    assert_eq!(accepted("novelsc").uri.host(), None::<&Host>);
}
