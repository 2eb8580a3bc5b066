//! Values by value. Whole messages are in `tests/it/torture`.

use super::text::Charset;
use super::*;

fn uri(text: &str) -> Uri {
    Uri::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn address(text: impl AsRef<[u8]>) -> NameAddr {
    NameAddr::parse(text.as_ref()).unwrap_or_else(|problem| panic!("{problem}"))
}

// === URI ===

#[test]
fn uris_that_mean_the_same_are_equivalent() {
    for (one, two) in [
        ("sip:%61gent@h.example;transport=TCP", "SIP:agent@H.EXAMPLE;Transport=tcp"),
        ("sip:8001@h.example", "sip:8001@h.example;newparam=5"),
        ("sip:h;a=1;b=2?Subject=x&Priority=y", "sip:h;b=2;a=1?priority=y&subject=x"),
        ("tel:+86-10-1234-5678", "tel:+861012345678"),
        ("sip:1@[2001:db8:0::1]", "sip:1@[2001:DB8::1]"),
    ] {
        assert!(uri(one).equivalent(&uri(two)) && uri(two).equivalent(&uri(one)), "{one} {two}");
    }
}

#[test]
fn uris_that_mean_another_are_not() {
    for (one, two) in [
        ("sip:agent@h", "sip:Agent@h"),
        ("sip:h", "sip:h:5060"),
        ("sip:h", "sip:h;transport=udp"),
        ("sip:h;user=phone", "sip:h"),
        ("sip:1@h", "sips:1@h"),
        ("sip:1@h", "sip:1@h?Subject=x"),
        ("sip:1:secret@h", "sip:1@h"),
        ("tel:110;phone-context=+86", "tel:110;phone-context=+87"),
        ("tel:110", "sip:110@h"),
    ] {
        assert!(!uri(one).equivalent(&uri(two)) && !uri(two).equivalent(&uri(one)), "{one} {two}");
    }
}

#[test]
fn what_is_read_is_written_as_it_was() {
    for text in [
        "sip:+8613900001111@ims.example;user=phone",
        "sip:+86755;noa=x@h.example:5070;lr?Replaces=a%40b&X=",
        "sips:u%20v:p%3Aw@[2001:db8::1]:5061;transport=tcp;maddr=239.255.255.1",
        "tel:110;phone-context=ims.example",
        "tel:+86-755-(8888).0000;isub=1",
        "urn:service:sos.police",
        "sip:h",
        "sip:@h",
    ] {
        assert_eq!(uri(text).to_bytes(), text);
    }
}

#[test]
fn what_is_no_uri_is_refused() {
    let long = format!("sip:h{}", ";p".repeat(65));
    for text in [
        "",
        "sip",
        ":h",
        "sip:",
        "sip:1@",
        "sip:1@h:",
        "sip:1@h:99999",
        "sip:1@h:5060x",
        "sip:2001:db8::1",
        "sip:[::1",
        "sip:[g]",
        "sip:a b",
        "<sip:h>",
        "sip:h;=x",
        "1sip:h",
        "tel:",
        "tel:abc xyz",
        "tel:+",
        "sip:h\r\n",
        "sip:\"h\"",
        long.as_str(),
    ] {
        let refused = Uri::parse(text.as_bytes()).is_err();
        // A lone plus is a number of no digits: RFC 3966 would refuse it, a trunk that sends it means "unknown".
        assert_eq!(refused, text != "tel:+", "{text:?}");
    }
}

#[test]
fn what_is_put_into_a_uri_cannot_get_out_of_its_place() {
    let host = || Host::parse(b"h.example").unwrap();
    assert_eq!(
        Uri::sip(Some("a@b;c d<>\r\n张"), host(), None).to_bytes(),
        "sip:a%40b;c%20d%3C%3E%0D%0A%E5%BC%A0@h.example"
    );
    assert_eq!(Uri::tel("+86 139-0000-1111;x=\r\n").to_bytes(), "tel:+8613900001111");
    let mut target = uri("sip:h");
    target.set_param("x", Some("a;b=c@d"));
    assert_eq!(target.to_bytes(), "sip:h;x=a%3Bb%3Dc%40d");
    assert_eq!(target.param("X").unwrap().unwrap(), "a;b=c@d");
    target.remove_param("X");
    assert_eq!(target.to_bytes(), "sip:h");
}

// === addresses ===

#[test]
fn an_address_is_found_behind_any_name() {
    for (text, number) in [
        ("\"<sip:fake@h>;tag=no\" <sip:1@h>;tag=yes", "1"),
        ("\"a \\\" <sip:2@h> \\\\\" <sip:1@h>;tag=yes", "1"),
        ("\"\"<tel:1>;tag=yes", "1"),
        ("Two Words<sip:1@h>;tag=yes", "1"),
        ("sip:1@h;tag=yes", "1"),
        ("<sip:1@h;tag=no>;x=\";tag=no\" ; tag = yes", "1"),
    ] {
        let address = address(text);
        assert_eq!(
            (address.uri.user().unwrap(), address.tag().unwrap()),
            (number.into(), &Bytes::from("yes")),
            "{text}"
        );
        let again = NameAddr::parse(&address.to_bytes()).unwrap();
        assert_eq!((again.display_text(), again.tag()), (address.display_text(), address.tag()), "{text}");
    }
}

#[test]
fn a_name_that_we_write_closes_its_own_quotes() {
    let target = || NameAddr::new(uri("sip:1@h")).with_tag("t");
    for name in ["a\" <sip:evil@h>;x=\"", "ends in \\", "\r\nRoute: <sip:evil>", "誠", "\u{202e}1", "张三"] {
        for charset in [Charset::Utf8, Charset::Gbk, Charset::Gb18030] {
            let written = target().with_display(name, charset).to_bytes();
            let read = address(&written);
            assert_eq!(
                (read.uri.user().unwrap().as_ref(), read.tag().unwrap().as_ref()),
                (&b"1"[..], &b"t"[..]),
                "{name:?}"
            );
            assert!(!written.iter().any(u8::is_ascii_control), "{name:?} {charset:?}");
        }
    }
    // Also when somebody sets the bytes by hand.
    for raw in [&b"a\"b"[..], b"\\", b"\xD5", b"\xD5\"", b"x\r\ny", b"\xE8\xAA\xA0\xFF"] {
        let written = NameAddr { display: Some(Bytes::copy_from_slice(raw)), ..target() }.to_bytes();
        assert_eq!(address(&written).tag().unwrap(), "t", "{}", written.escape_ascii());
    }
    let gbk = target().with_display("誠", Charset::Gbk);
    assert_eq!(gbk.display.as_deref(), Some(&[0xD5, 0x5C][..]));
    assert_eq!(address(gbk.to_bytes()).display_text().unwrap(), "誠");
}

#[test]
fn nobodys_number_is_in_debug_output() {
    let mut request = Request::new(Method::Invite, uri("sip:+8613900001111@h"));
    request.headers.push(Name::From, "\"王 13900001111\" <tel:13900001111>;tag=t");
    request.headers.push(Name::PAssertedIdentity, "<tel:13900001111>");
    request.body = Bytes::from_static(b"13900001111");
    for shown in
        [format!("{request:?}"), format!("{:?}", request.headers.from().unwrap()), format!("{:?}", request.uri)]
    {
        assert!(!shown.contains("0000") && !shown.contains('王'), "{shown}");
    }
}

// === headers ===

#[test]
fn a_name_is_known_in_every_spelling() {
    for (known, compact) in [
        (Name::Via, "v"),
        (Name::From, "f"),
        (Name::To, "t"),
        (Name::CallId, "i"),
        (Name::Contact, "m"),
        (Name::ContentLength, "l"),
        (Name::ContentType, "c"),
        (Name::ContentEncoding, "e"),
        (Name::Supported, "k"),
        (Name::Subject, "s"),
        (Name::Event, "o"),
        (Name::ReferTo, "r"),
        (Name::ReferredBy, "b"),
        (Name::SessionExpires, "x"),
    ] {
        let long = known.to_string();
        for spelling in
            [long.clone(), long.to_uppercase(), long.to_lowercase(), format!(" {long}\t"), compact.to_uppercase()]
        {
            assert_eq!(Name::from(spelling.as_str()), known, "{spelling:?}");
        }
    }
    assert_eq!(Name::from("x-other"), Name::from("X-OTHER"));
    assert_eq!(Name::from("u").to_string(), "Allow-Events");
    assert_ne!(Name::from("Vi"), Name::Via);
}

#[test]
fn headers_keep_their_order() {
    let mut headers = Headers::default();
    headers.push(Name::Via, "SIP/2.0/UDP two;x=\"a,b\" ,\tSIP/2.0/UDP three");
    headers.push(Name::To, "<sip:1@h>");
    headers.push(Name::Via, "SIP/2.0/UDP four");
    headers.insert_first(Name::Via, "SIP/2.0/UDP one");
    headers.insert_first(Name::RecordRoute, "<sip:us;lr>");
    let hosts: Vec<String> = headers.vias().unwrap().iter().map(|via| via.host.to_string()).collect();
    assert_eq!(hosts, ["one", "two", "three", "four"]);
    assert_eq!(headers.iter().next().unwrap().name, Name::RecordRoute);
    assert_eq!(headers.remove_first_value(&Name::Via).unwrap(), "SIP/2.0/UDP one");
    assert_eq!(headers.remove_first_value(&Name::Via).unwrap(), "SIP/2.0/UDP two;x=\"a,b\"");
    assert_eq!(headers.top_via().unwrap().host.to_string(), "three");
    headers.set(Name::Via, "SIP/2.0/UDP five");
    assert_eq!(headers.vias().unwrap().len(), 1);
    assert_eq!(headers.iter().nth(1).unwrap().name, Name::Via, "in the place of the first");
    assert_eq!((headers.remove(&Name::Via), headers.remove_first_value(&Name::Via)), (1, None));
}

#[test]
fn values_are_typed_when_they_are_asked_for() {
    let mut headers = Headers::default();
    headers.push(Name::Reason, "SIP;cause=486;text=\"a;cause=1\", Q.850 ; text=\"b\";cause=17");
    headers.push(Name::Reason, "Q.850;cause=16");
    headers.push(Name::RetryAfter, "120 (in a meeting);duration=3600");
    headers.push(Name::ContentType, "Multipart/Mixed ; boundary=\"a b\"");
    headers.push(Name::Contact, "*");
    headers.push(Name::Supported, "timer");
    headers.push(Name::Supported, " 100rel ,, Replaces");
    let cause = headers.reason();
    assert_eq!((cause.sip, cause.q850), (Some(486), Some(17)));
    assert_eq!(headers.retry_after().unwrap().as_secs(), 120);
    let kind = headers.content_type().unwrap();
    assert!(kind.is("multipart/mixed") && kind.params.unquoted("boundary").unwrap() == "a b");
    assert_eq!(headers.contacts_or_star(), Ok(Contacts::Star));
    assert!(headers.contacts().is_err());
    assert_eq!(headers.options(&Name::Supported), ["timer", "100rel", "Replaces"]);
    assert!(headers.has_option(&Name::Supported, "replaces"));
    assert_eq!((headers.max_forwards(), headers.expires()), (Ok(None), None));
    headers.push(Name::Contact, "<sip:1@h>");
    assert!(headers.contacts_or_star().is_err(), "`*` is not alone");
}

// === messages ===

#[test]
fn a_response_answers_its_request_and_nothing_else() {
    let mut request = Request::new(Method::Options, uri("sip:h"));
    request.headers.push(Name::Via, "SIP/2.0/UDP one");
    request.headers.push(Name::from("X-Own"), "1");
    request.headers.push(Name::Via, "SIP/2.0/UDP two");
    request.headers.push(Name::CSeq, "1 OPTIONS");
    let written = Response::new(200, &request).to_bytes();
    let expected = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP one\r\nVia: SIP/2.0/UDP two\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(written, expected);
}

#[test]
fn a_100_returns_the_timestamp_and_port_0_is_no_port() {
    let mut request = Request::new(Method::Invite, uri("sip:h"));
    request.headers.push(Name::Via, "SIP/2.0/UDP h:0");
    request.headers.push(Name::from("timestamp"), "54");
    let stamps = |code| Response::new(code, &request).headers.get_all(&Name::from("Timestamp")).count();
    assert_eq!((stamps(100), stamps(200)), (1, 0));
    assert_eq!(request.headers.top_via().unwrap().port, None);
}

#[test]
fn no_value_starts_a_header_of_its_own() {
    let mut request = Request::new(Method::Info, uri("sip:h"));
    request.headers.push(Name::from("X-Own"), "a\r\nRoute: <sip:evil>\n\rb");
    request.headers.push(Name::ContentLength, "999");
    request.body = Bytes::from_static(b"body");
    let written = request.to_bytes();
    assert_eq!(written, "INFO sip:h SIP/2.0\r\nX-Own: a  Route: <sip:evil>  b\r\nContent-Length: 4\r\n\r\nbody");
}

#[test]
fn a_message_survives_a_checkpoint() {
    let mut request = Request::new(Method::parse(b"ODD"), uri("sip:1@[2001:db8::1];lr"));
    request.headers.push(Name::from("X-Own"), &b"\xD5\x5C"[..]);
    let stored = serde_json::to_vec(&Message::Request(request.clone())).unwrap();
    assert_eq!(serde_json::from_slice::<Message>(&stored).unwrap(), Message::Request(request));
}
