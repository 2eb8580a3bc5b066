//! What must hold for any bytes whatever. The fuzz targets of `fuzz/` run the same functions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use lianxian::base::entropy::Entropy;
use lianxian::base::ids::{AgentId, CallId, LegId};
use lianxian::base::time::Instant;
use lianxian::media::library::Library;
use lianxian::media::order::{AgreedSession, Codec, Order, Payload, RtpSource, Source};
use lianxian::media::plane::{self, Arrival, Channel, Plane, Port};
use lianxian::media::rtp;
use lianxian::sdp::negotiate::{LocalMedia, answer, conclude};
use lianxian::sip::auth::{self, Authenticator, Verdict};
use lianxian::sip::message::{
    Headers, Host, Message, Method, Name, NameAddr, Request, Scheme, Uri, Via, split_list, text, unescape,
};
use lianxian::sip::wire::{Framer, Limits, parse, validate};

/// A message: what is accepted is written, read again and written the same; every typed header is read; a stream gives
/// the same messages however it is cut.
pub(crate) fn sip_message(bytes: &[u8]) {
    match parse(Bytes::copy_from_slice(bytes), &Limits::default()) {
        Ok(message) => {
            read_everything(&message);
            let written = message.to_bytes();
            // Compact names grow when written out, which may lift what was at a limit above it.
            if let Ok(again) = parse(written.clone(), &Limits::default()) {
                assert_eq!(again.to_bytes(), written, "written twice, it is the same");
            } else {
                assert!(bytes.len() > 4096, "what we write, we read: {}", written.escape_ascii());
            }
        }
        Err(broken) => drop(broken.answer.map(|answer| answer.to_bytes())),
    }
    assert_eq!(framed(bytes, bytes.len().max(1)), framed(bytes, 3), "a stream does not depend on how it is cut");
}

/// A URI: what is accepted is written, read again and equal.
pub(crate) fn sip_uri(bytes: &[u8]) {
    if let Ok(uri) = Uri::parse(bytes) {
        let again = Uri::parse(&uri.to_bytes()).expect("what we write, we read");
        assert_eq!(again, uri);
        assert!(again.equivalent(&uri) && uri.equivalent(&again), "a URI is equivalent to itself");
        drop((uri.user(), uri.header("replaces"), uri.param("lr"), format!("{uri:?}")));
    }
    if let Ok(address) = NameAddr::parse(bytes) {
        let written = address.to_bytes();
        let again = NameAddr::parse(&written).unwrap_or_else(|problem| panic!("{problem}: {}", written.escape_ascii()));
        assert_eq!(again.to_bytes(), written);
        assert_eq!(again.uri, address.uri);
        drop(address.display_text());
    }
    if let Ok(via) = Via::parse(bytes) {
        assert_eq!(Via::parse(&via.to_bytes()).map(|via| via.to_bytes()), Ok(via.to_bytes()));
    }
}

/// A Refer-To or a Replaces: what is accepted names one party, and nothing else can be read out of it (V21).
pub(crate) fn refer_to(bytes: &[u8]) {
    let mut headers = Headers::default();
    headers.push(Name::ReferTo, Bytes::copy_from_slice(bytes));
    if let Ok(found) = headers.refer_to() {
        let written = found.uri.to_bytes();
        assert!(found.uri.headers().is_empty() && found.uri.param("method").is_none(), "{}", written.escape_ascii());
        assert!(matches!(found.uri.scheme(), Scheme::Sip | Scheme::Sips | Scheme::Tel));
        assert!(!unescape(&written).iter().any(u8::is_ascii_control), "{}", written.escape_ascii());
        assert_eq!(Uri::parse(&written).expect("what we write, we read"), found.uri);
    }
    let mut headers = Headers::default();
    headers.push(Name::Replaces, Bytes::copy_from_slice(bytes));
    if let Ok(Some(found)) = headers.replaces() {
        let parts = [&found.call_id, &found.to_tag, &found.from_tag];
        assert!(parts.iter().all(|part| !part.is_empty()), "three values or none: {}", bytes.escape_ascii());
        assert!(found.names(&found.to_tag, Some(&found.from_tag)) && found.names(&found.from_tag, Some(&found.to_tag)));
    }
}

/// A session description: what is accepted is written, read again and equal; an offer is answered line by line or
/// refused.
pub(crate) fn sdp(bytes: &[u8]) {
    if let Ok(description) = lianxian::sdp::parse::parse(bytes) {
        let written = description.to_bytes();
        if let Ok(again) = lianxian::sdp::parse::parse(&written) {
            assert_eq!(again.to_bytes(), written);
        }
    }
    let local = LocalMedia::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 20_000, 7);
    if let Ok(agreed) = answer(bytes, &local) {
        let lines = |text: &[u8]| lianxian::sdp::parse::parse(text).map(|read| read.media.len());
        assert_eq!(lines(&agreed.sdp.expect("an answer has a description")), lines(bytes), "RFC 3264 6");
    }
    drop(conclude(&local, bytes));
}

/// Credentials: they are read or not, and without the secret they prove nothing.
pub(crate) fn credentials(bytes: &[u8]) {
    let settings = auth::Settings::new("12345.example").with_password(AgentId::from("8001"), "secret");
    let mut authenticator = Authenticator::new(settings, Entropy::from_number(1));
    let mut request = Request::new(Method::Register, Uri::sip(None, Host::Name("12345.example".into()), None));
    request.headers.push(Name::Authorization, Bytes::copy_from_slice(bytes));
    let verdict = authenticator.verify(Instant::START, &request, IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert!(matches!(verdict, Verdict::Absent | Verdict::Stale), "{verdict:?}");
}

/// A media packet, as RTP and as RTCP, from a peer in a call: its payload lies within it, and what comes of it goes to
/// the other party only.
pub(crate) fn rtp(bytes: &[u8]) {
    if let Ok((_, payload)) = rtp::Header::parse(bytes) {
        assert!(bytes.get(payload).is_some(), "the payload lies within the packet");
    }
    let mut plane = media_in_a_call();
    for channel in [Channel::Rtp, Channel::Rtcp] {
        let slot = plane.slot(LegId(1)).expect("the leg is open");
        let arrival = Arrival { port: Port { slot, channel }, from: party(1), at: Instant::START };
        for now in [Instant::START, Instant::START + Duration::from_secs(10)] {
            let arrival = Arrival { at: now, ..arrival };
            plane.receive(now, arrival, &mut bytes.to_vec(), &mut |departure, packet| {
                assert!(departure.to == party(2) && packet.len() <= bytes.len());
            });
            plane.handle_timeout(now, &mut |departure, _| assert!([party(1), party(2)].contains(&departure.to)));
        }
    }
}

fn party(leg: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, leg], 4_000))
}

/// Made once: its tones cost more than all the rest of a check.
static NO_PROMPTS: LazyLock<Arc<Library>> = LazyLock::new(|| Arc::new(Library::empty()));

/// Two legs, one of each law, that hear each other.
fn media_in_a_call() -> Plane {
    let settings = plane::Settings { own_ports: 20_000..=20_999, wall_at_start: Duration::from_secs(1_800_000_000) };
    let mut plane = Plane::new(settings, Arc::clone(&NO_PROMPTS), Entropy::from_number(1));
    for (leg, voice, codec) in [(1, 8, Codec::Pcma), (2, 0, Codec::Pcmu)] {
        let local = SocketAddr::from(([192, 0, 2, 200], 20_000 + 2 * u16::from(leg)));
        let payload = |number, codec| Payload { receive_type: number, send_type: number, codec };
        let session = AgreedSession {
            send_to: Some(party(leg)),
            rtcp_to: Some(party(leg)),
            signalled: party(leg),
            receive: true,
            payloads: [payload(voice, codec), payload(101, Codec::TelephoneEvent)].into_iter().collect(),
            ptime_ms: 20,
            rtp_source: RtpSource::Sdp,
            inband_keys: false,
        };
        let (leg, other) = (LegId(u64::from(leg)), LegId(u64::from(3 - leg)));
        plane.handle(Instant::START, Order::Open { call: CallId(1), leg, local });
        plane.handle(Instant::START, Order::Agree { leg, session });
        plane.handle(Instant::START, Order::Hear { leg, source: Source::Leg(other) });
    }
    plane
}

fn read_everything(message: &Message) {
    let headers = message.headers();
    drop((headers.vias(), headers.contacts_or_star(), headers.routes(), headers.record_routes()));
    drop((headers.max_forwards(), headers.content_type(), headers.expires(), headers.reason(), headers.retry_after()));
    for name in [Name::PAssertedIdentity, Name::Diversion, Name::HistoryInfo, Name::ReferTo] {
        drop(headers.addresses(&name));
    }
    for header in headers.iter() {
        drop((text::decode(&header.value), split_list(&header.value).count(), format!("{header:?}")));
    }
    if let Message::Request(request) = message {
        drop(validate(request));
    }
}

fn framed(bytes: &[u8], size: usize) -> (Vec<Bytes>, Option<&'static str>, usize) {
    let mut framer = Framer::new(Limits::default());
    let (mut messages, mut pings) = (Vec::new(), 0);
    for piece in bytes.chunks(size) {
        framer.push(piece);
        loop {
            let next = framer.next();
            pings += framer.take_pings();
            match next {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(broken) => return (messages, Some(broken.reason.as_str()), pings),
            }
        }
    }
    (messages, None, pings)
}
