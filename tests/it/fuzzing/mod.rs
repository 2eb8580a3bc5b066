//! Seeded mutational fuzzing of everything that reads bytes of strangers, and the proof that it reads in linear time.
//!
//! `LIANXIAN_FUZZ_SECONDS` says how long (2 by default, 60 in `scripts/test`), `LIANXIAN_FUZZ_SEED` where to begin; a
//! failure prints the seed of the input that did it, and that seed alone repeats it. Seeds are written with CRLF line
//! ends, and a few with bare line feeds on purpose (trap E9).

#![allow(clippy::disallowed_methods, reason = "how long to fuzz, and how long reading takes, is real time")]

mod checks;
mod mutate;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use lianxian::base::entropy::Entropy;
use lianxian::sip::message::split_list;
use lianxian::sip::wire::{Limits, parse};

use crate::torture;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// Damages the seeds and checks, until the time is up.
fn fuzz(name: &str, seeds: &[Vec<u8>], check: fn(&[u8])) {
    let deadline = Instant::now() + Duration::from_secs(number("LIANXIAN_FUZZ_SECONDS", 2)) / 4;
    let start = number("LIANXIAN_FUZZ_SEED", 1);
    seeds.iter().for_each(|seed| check(seed));
    let mut seed = start;
    while seed == start || Instant::now() < deadline {
        let mut entropy = Entropy::from_number(seed);
        let mut choose = || &seeds[entropy.below(seeds.len() as u64) as usize];
        let (first, second) = (choose(), choose());
        let input = mutate::mutate(first, second, &mut entropy);
        if catch_unwind(AssertUnwindSafe(|| check(&input))).is_err() {
            panic!(
                "{name}: repeat with LIANXIAN_FUZZ_SEED={seed} LIANXIAN_FUZZ_SECONDS=0; input {}",
                input.escape_ascii()
            );
        }
        seed += 1;
    }
    eprintln!("{name}: {} inputs from seed {start}", seed - start);
}

fn lines(text: &str) -> Vec<Vec<u8>> {
    text.lines().map(|line| line.trim().as_bytes().to_vec()).collect()
}

#[test]
fn any_bytes_as_a_message() {
    let mut seeds: Vec<Vec<u8>> = torture::letters().into_iter().map(|(_, letter)| letter).collect();
    let with_line_feeds: Vec<Vec<u8>> =
        seeds.iter().step_by(9).map(|letter| letter.iter().copied().filter(|byte| *byte != b'\r').collect()).collect();
    seeds.extend(with_line_feeds);
    fuzz("message", &seeds, checks::sip_message);
}

#[test]
fn any_bytes_as_a_uri_an_address_a_via() {
    let seeds = lines(
        "sip:12345@hotline.example:5060;user=phone;lr?Replaces=a%40b%3Bto-tag%3Dt&Require=replaces
        sips:user;par=u%40h:pass@[2001:db8::1]:5061;transport=tcp
        tel:+86-755-8888-0000;phone-context=+86;isub=12
        tel:110;phone-context=ims.example
        urn:service:sos.police
        \"\u{5f20}\u{4e09} \\\" \" <sip:1@192.0.2.1>;tag=a;q=\"0.3;4\"
        Two Words <sip:[::ffff:192.0.2.1]>;expires=3600
        sip:a@b;tag=1
        SIP / 2.0 / UDP h.example : 5060 ; branch = z9hG4bKa ; received = [2001:db8::9]; rport=5062",
    );
    fuzz("uri", &seeds, checks::sip_uri);
}

#[test]
fn any_bytes_as_a_refer_to_or_a_replaces() {
    let seeds = lines(
        "<sip:110@hotline.example;user=phone;method=INVITE>
        \"110\" <sip:110@h?Require=replaces&Replaces=1%402%3Bto-tag%3Da%3Bfrom-tag%3Db%3Bearly-only>;x=1
        <sip:110@h?P-Asserted-Identity=%3Csip%3A1%40h%3E&Route=%3Csip%3Aevil%3E&body=x>
        <sip:110%0d%0aRoute%3a%20x@[2001:db8::1];%6dethod=BYE>
        tel:+86-110;phone-context=+86
        a84b4c76e66710@pc33.example;to-tag=7743;from-tag=6472;early-only
        1;from-tag=0;to-tag=2;x=\"y;z\"",
    );
    fuzz("refer_to", &seeds, checks::refer_to);
}

#[test]
fn any_bytes_as_credentials() {
    let seeds = lines(
        "Digest username=\"8001\", realm=\"12345.example\", nonce=\"00\", uri=\"sip:12345.example\", response=\"0\", \
         algorithm=SHA-256, cnonce=\"a\\\"b\", qop=auth, nc=00000001
        digest username = 8001 , realm=12345.example,nonce=0,uri=sip:a,response=0,cnonce=c,nc=1,qop=\"auth\",opaque=\"\"
        Basic YTpi",
    );
    fuzz("credentials", &seeds, checks::credentials);
}

#[test]
fn any_bytes_as_a_session_description() {
    let seeds = [
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n",
        "v=0\r\no=- 1 2 IN IP6 2001:db8::1\r\ns= \r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\nc=IN IP6 2001:db8::1\r\na=inactive\r\n\
         m=video 4002 RTP/AVP 31\r\nc=IN IP4 0.0.0.0\r\n",
        "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n",
    ];
    fuzz("sdp", &seeds.map(|seed| seed.as_bytes().to_vec()), checks::sdp);
}

#[test]
fn any_bytes_as_a_media_packet() {
    let plain = [&[0x80, 0x88, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4][..], &[0xd5; 160]].concat();
    let extended =
        [&[0xb1, 101, 0, 2, 0, 0, 0, 160, 1, 2, 3, 4, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 0, 0, 0, 0][..], &[1; 8], &[4]]
            .concat();
    let report = vec![0x80, 200, 0, 6, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    fuzz("rtp", &[plain, extended, report], checks::rtp);
}

/// Time that this thread has spent computing: what else the machine does is not counted.
pub(crate) fn computed() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock").into()
}

/// What reading a message leaves behind, kept until the clock has been read: to give memory back costs time as well.
type Read = Option<Box<dyn Any>>;

/// How long one run over all of the letters takes, with everything that was read kept to the end.
fn cost(letters: &[Vec<u8>]) -> Duration {
    let start = computed();
    let kept: Vec<Read> = letters.iter().map(|letter| read(letter)).collect();
    let spent = computed().saturating_sub(start);
    drop(kept);
    spent
}

/// Reads a message with roomy limits, so that it is the reader that is timed and not its refusal.
fn read(bytes: &[u8]) -> Read {
    let limits = Limits {
        header_value: 64 * 1024,
        header_count: 65_536,
        via_count: 65_536,
        route_count: 65_536,
        ..Default::default()
    };
    let message = parse(bytes.to_vec().into(), &limits).ok()?;
    let headers = message.headers();
    let typed = (headers.vias(), headers.contacts(), headers.routes());
    let members: usize = headers.iter().map(|header| split_list(&header.value).count()).sum();
    assert!(members <= bytes.len());
    Some(Box::new((message, typed)))
}

/// Runs of which the shortest counts: the first ones fetch memory from the system, and a busy machine disturbs others.
const RUNS: usize = 12;

/// A message of ten times the bytes takes at most twelve times as long: one large one is weighed against ten small ones
/// (as many bytes, as much memory), in turns, the shortest run of each. What a busy machine has disturbed throughout is
/// measured afresh; what is not linear fails every time.
fn is_linear(what: &str, letter: impl Fn(usize) -> Vec<u8>) {
    // V32: 64 kB in 5 ms.
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 200 } else { 5 });
    let large = [letter(60_000)];
    let small: Vec<Vec<u8>> = (0..10).map(|_| letter(6_000)).collect();
    let mut measured = (Duration::MAX, Duration::MAX);
    let linear = (0..8).any(|_| {
        measured = (0..RUNS).fold((Duration::MAX, Duration::MAX), |(ten_small, one_large), _| {
            (ten_small.min(cost(&small)), one_large.min(cost(&large)))
        });
        let (ten_small, one_large) = measured;
        one_large < limit && one_large * 10 <= ten_small * 12
    });
    assert!(linear, "{what}: ten small ones and one large one take {measured:?}");
}

const HEAD: &[u8] = b"INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
    To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n";

#[test]
fn v32_ten_times_the_value_takes_at_most_twelve_times_the_time() {
    // Strings whose two readings, plain and GBK, end apart: the case that a naive reader takes square time for.
    let apart: [&[u8]; 2] = [b"\"\xD5\\\"\\", b"\"\xE8\xAA\xA0\\\"\\"];
    let units: [&[u8]; 10] = [b"(", b",", b"\"", b"<", b";", b"\\", b"<sip:a>,", b";a=\"\"", b"a,\"", b"\"<"];
    for unit in units.into_iter().chain(apart) {
        for header in ["From", "To", "Contact", "Via", "Route", "Call-ID", "X"] {
            is_linear(&format!("{header}: {}", unit.escape_ascii()), |size| {
                let value = unit.repeat(size / unit.len());
                [HEAD, header.as_bytes(), b": ", &value, b"\xff\r\nContent-Length: 0\r\n\r\n"].concat()
            });
        }
    }
}

#[test]
fn v27_ten_times_the_lines_take_at_most_twelve_times_the_time() {
    let lines: [&[u8]; 7] = [
        b"X: 1\r\n",
        b"Via: SIP/2.0/UDP h;branch=z9hG4bK2\r\n",
        b"Route: <sip:h;lr>\r\n",
        b"From: <sip:a@h>\r\n",
        b" folded\r\n",
        b"no colon\r\n",
        b"\n ",
    ];
    for line in lines {
        let times = |size: usize| line.repeat(size / line.len());
        is_linear(&line.escape_ascii().to_string(), |size| [HEAD, &times(size), b"Content-Length: 0\r\n\r\n"].concat());
    }
}
