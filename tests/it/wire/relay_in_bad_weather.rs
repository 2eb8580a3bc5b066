//! F12: sound that arrives with losses, in disorder and doubled is passed on as it comes, at once.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use lianxian::base::entropy::Entropy;

use super::loopback::Loopback;
use super::setup::Setup;
use super::sipp::SippSetup;

/// How many packets of 20 ms are spoken: fewer than it takes to find the other side silent.
const PACKETS: u32 = 200;

/// What a packet carries in front of its sound: its number, and when it left.
const LABEL: usize = 12;

/// What the far ear has received: the RTP sequence number, the packet's own number, and how long it was on the way.
type Received = (u16, u32, Duration);

#[test]
fn the_relay_keeps_the_order_and_adds_less_than_a_millisecond() {
    let net = Loopback::new("relay-weather");
    let (trunk, desk) = (net.host(2), net.host(8));
    let daemon = Setup::new(&net)
        .trunk("citizens", (trunk, 5060))
        .trunk("office", (desk, 5060))
        .rings_trunk("office", "6000")
        .start();
    let bind = |host| UdpSocket::bind((host, 4_000)).unwrap_or_else(|error| panic!("{host}: {error}"));
    let (mouth, ear) = (bind(trunk), bind(desk));
    ear.set_nonblocking(true).expect("a socket can be made non-blocking");
    let callee = SippSetup::new("desk_answers", desk, daemon.sip, (desk, 4_000).into()).start(&net);
    let setup = SippSetup::new("citizen_calls", trunk, daemon.sip, (trunk, 4_000).into());
    let mut citizen = SippSetup { talk: Duration::from_millis(4_600), ..setup }.start(&net);
    let to = citizen.media();

    let epoch = Instant::now();
    let order = in_disorder(&mut Entropy::from_number(12));
    let mut received = Vec::new();
    for (tick, numbers) in order.iter().enumerate() {
        let due = epoch + Duration::from_millis(20) * u32::try_from(tick).expect("a few hundred ticks");
        while Instant::now() < due {
            listen(&ear, epoch, &mut received);
            // Often enough to see a delay of a millisecond.
            std::thread::sleep(Duration::from_micros(100));
        }
        for number in numbers {
            mouth.send_to(&packet(*number, epoch.elapsed()), to).expect("loopback carries it");
        }
    }
    std::thread::sleep(Duration::from_millis(300));
    let on_time = received.len();
    listen(&ear, epoch, &mut received);
    assert_eq!(received.len(), on_time, "a packet came long after it was sent");

    // The ear gets what was sent, as it was sent: the order is the network's, and the header says where each belongs.
    let sent: Vec<u32> = order.into_iter().flatten().collect();
    let arrived: Vec<u32> = received.iter().map(|(_, number, _)| *number).collect();
    assert_eq!(arrived, sent);
    let places = received.iter().map(|(sequence, number, _)| sequence.wrapping_sub(*number as u16));
    assert!(places.clone().eq(places.take(1).cycle().take(received.len())), "sequence numbers: {received:?}");
    // Half of them: what a busy machine does to single packets is not the relay's doing.
    let mut delays: Vec<Duration> = received.iter().map(|(_, _, delay)| *delay).collect();
    delays.sort();
    let median = delays[delays.len() / 2];
    assert!(median < Duration::from_millis(1), "{median:?} on the way");
    citizen.passes();
    callee.passes();
    daemon.ends_clean();
}

/// The packets in the order in which they are sent, those of one tick together: a twentieth is lost, a tenth comes up to
/// three ticks late, a twentieth is doubled.
fn in_disorder(entropy: &mut Entropy) -> Vec<Vec<u32>> {
    let mut ticks = vec![Vec::new(); PACKETS as usize + 4];
    for number in 0..PACKETS {
        if entropy.below(100) < 5 {
            continue;
        }
        let late = if entropy.below(100) < 10 { 1 + entropy.below(3) } else { 0 };
        let copies = if entropy.below(100) < 5 { 2 } else { 1 };
        let tick = number as usize + usize::try_from(late).expect("three at most");
        ticks[tick].extend(std::iter::repeat_n(number, copies));
    }
    ticks
}

fn packet(number: u32, now: Duration) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend((number as u16).to_be_bytes());
    packet.extend((number * 160).to_be_bytes());
    packet.extend(0x1234_5678_u32.to_be_bytes());
    packet.extend(number.to_be_bytes());
    packet.extend((now.as_nanos() as u64).to_be_bytes());
    packet.extend([0xd5; 160 - LABEL]);
    packet
}

fn listen(ear: &UdpSocket, epoch: Instant, received: &mut Vec<Received>) {
    let mut buffer = [0; 2_048];
    while let Ok((length, _)) = ear.recv_from(&mut buffer) {
        let packet = &buffer[..length];
        let bytes = |at: usize| <[u8; 4]>::try_from(&packet[at..at + 4]).expect("four bytes");
        let number = u32::from_be_bytes(bytes(12));
        let left = Duration::from_nanos(
            u64::from(u32::from_be_bytes(bytes(16))) << 32 | u64::from(u32::from_be_bytes(bytes(20))),
        );
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        received.push((sequence, number, epoch.elapsed().saturating_sub(left)));
    }
}
