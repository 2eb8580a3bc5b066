//! Descriptions made to waste our time (V24, V32): each is dealt with in less than 5 ms.

use std::time::{Duration, Instant};

use lianxian::sdp::negotiate::{self, LocalMedia};

/// 5 ms where it counts; an unoptimised build on a busy machine has ten times as long.
const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 50 } else { 5 });

#[test]
fn v24_v32_no_description_takes_longer_than_its_limit() {
    let local = LocalMedia::new("192.0.2.1".parse().unwrap(), 20000, 7);
    let numbers = |count: u32| (0..count).map(|n| format!(" {}", n % 128)).collect::<String>();
    let mut abuse: Vec<String> = [
        "a=(((",
        "a=,,,,",
        "a=\"\"\"\"",
        "a=rtpmap:8 8 8 8 8",
        "m=((((",
        "      ",
        "a=rtcp:1 1 1",
        "\r\r\r",
        "\n\n",
        "a=rtpmap:8 PCMA/8000\r\n",
        "a=ptime:20\r\n",
        "m=audio 1 RTP/AVP 8\r\n",
        "c=IN IP4 ::::::\r\n",
        "/////",
    ]
    .iter()
    .flat_map(|part| {
        let head = "v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 1 RTP/AVP 8\r\n";
        [64 * 1024, 1024 * 1024].map(|size| format!("{head}{}", part.repeat((size - head.len()) / part.len())))
    })
    .collect();
    let maps = (0..1000).map(|n| format!("a=rtpmap:{} PCMA/8000\r\n", n % 128)).collect::<String>();
    abuse.push(format!("v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 1 RTP/AVP{}\r\n{maps}", numbers(128)));
    abuse.push(format!("v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 1 RTP/AVP{}\r\n", numbers(20_000)));
    for text in abuse {
        // The best of three, so that a busy machine does not fail the test; quadratic time fails all three.
        let best = (0..3).map(|_| time(text.as_bytes(), &local)).min().expect("three runs");
        assert!(best < LIMIT, "{best:?} for {} bytes like {}", text.len(), &text[text.len() - 20..]);
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn time(text: &[u8], local: &LocalMedia) -> Duration {
    let started = Instant::now();
    drop(negotiate::answer(text, local));
    started.elapsed()
}
