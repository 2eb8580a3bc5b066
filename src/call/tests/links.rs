//! IPv6 link-local addresses (RFC 4007): an SDP names no link, the signalling does.

use std::net::{SocketAddr, SocketAddrV6};

use super::Bench;
use crate::call::sound::{Rules, Sound};
use crate::routing::profile::Profile;
use crate::sdp::session::Session;

fn address(host: &str, port: u16, link: u32) -> SocketAddr {
    SocketAddr::V6(SocketAddrV6::new(host.parse().unwrap(), port, 0, link))
}

fn session(port: u16) -> Session {
    Session::new("2001:db8::1".parse().unwrap(), port, 7)
}

/// The sound of a leg whose signalling comes from there.
fn sound(signalling: SocketAddr) -> Sound {
    let mut profile = Profile::named("here");
    profile.media_networks = vec!["fe80::/10".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    Sound::new(address("2001:db8::1", 20_000, 0), session(20_000), Rules::new(&profile, &[])).on_link_of(signalling)
}

fn sdp(host: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP6 {host}\r\ns=-\r\nc=IN IP6 {host}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n")
}

/// Where the media plane sends sound and reports, and what it takes for the peer's own address.
fn agreed(sound: &Sound) -> [Option<SocketAddr>; 3] {
    let session = sound.to_media().unwrap();
    [session.send_to, session.rtcp_to, Some(session.signalled)]
}

#[test]
fn sound_goes_to_a_link_local_address_on_the_link_that_its_signalling_comes_over() {
    let site = Bench::group(&[]).site;
    let on_link = |link| [4000, 4001, 4000].map(|port| Some(address("fe80::7", port, link)));
    let mut there = sound(address("fe80::7", 5060, 3));
    there.answer(&site, sdp("fe80::7").as_bytes()).unwrap();
    assert_eq!(agreed(&there), on_link(3));
    // The same leg on another port, and the answer to an offer of ours.
    let mut moved = there.moved(&site, address("2001:db8::1", 20_002, 0), session(20_002));
    assert_eq!(agreed(&moved), on_link(3));
    moved.offer();
    moved.conclude(&site, sdp("fe80::7").as_bytes()).unwrap();
    assert_eq!(agreed(&moved), on_link(3));
    // An address of the whole world has no link.
    there.answer(&site, sdp("2001:db8::7").as_bytes()).unwrap();
    assert_eq!(agreed(&there)[0], Some(address("2001:db8::7", 4000, 0)));
    // Signalling that has none says nothing of the link of the sound.
    let mut elsewhere = sound(address("2001:db8::7", 5060, 9));
    elsewhere.answer(&site, sdp("fe80::7").as_bytes()).unwrap();
    assert_eq!(agreed(&elsewhere), on_link(0));
}
