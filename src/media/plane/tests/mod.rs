//! Stories of the plane: legs on a stepped clock, peers that write packets by hand.

mod contained;
mod continuity;
mod health;
mod keys;
mod lull;
mod mix;
mod playing;
mod relay;
mod sources;

use super::*;
use crate::media::order::{AgreedSession, Codec, Keys, Payload, RtpSource};
use crate::media::rtp::Header;

/// A plane with its clock, and everything it has sent.
struct Bench {
    plane: Plane,
    now: Instant,
    sent: Vec<Sent>,
}

/// A datagram that went out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    at: Instant,
    departure: Departure,
    packet: Vec<u8>,
}

impl Sent {
    fn header(&self) -> Header {
        Header::parse(&self.packet).unwrap().0
    }

    fn payload(&self) -> &[u8] {
        &self.packet[12..]
    }

    /// Whether a peer of these tests said it, who repeats one code; noise never does.
    fn is_said(&self) -> bool {
        self.payload().windows(2).all(|pair| pair[0] == pair[1])
    }
}

/// A peer that sends one stream.
#[derive(Clone, Debug)]
struct Peer {
    leg: LegId,
    from: SocketAddr,
    header: Header,
}

impl Peer {
    fn new(leg: u64, payload_type: u8) -> Self {
        let header =
            Header { marker: false, payload_type, sequence: 65_500, timestamp: u32::MAX - 4_000, ssrc: leg as u32 };
        Self { leg: LegId(leg), from: address(leg), header }
    }

    /// The next 20 ms of sound.
    fn voice(&mut self, code: u8) -> Vec<u8> {
        let mut packet = self.header.to_bytes().to_vec();
        packet.extend([code; 160]);
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(160);
        packet
    }
}

const CALL: CallId = CallId(1);
const PCMA: Payload = Payload { receive_type: 8, send_type: 8, codec: Codec::Pcma };
const PCMU: Payload = Payload { receive_type: 0, send_type: 0, codec: Codec::Pcmu };
const KEYS: Payload = Payload { receive_type: 101, send_type: 101, codec: Codec::TelephoneEvent };

/// The peer of a leg sends from here.
fn address(leg: u64) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, leg as u8], 4_000))
}

fn stranger() -> SocketAddr {
    "203.0.113.66:4000".parse().unwrap()
}

fn session(leg: u64, payloads: &[Payload]) -> AgreedSession {
    AgreedSession {
        send_to: Some(address(leg)),
        rtcp_to: Some(SocketAddr::new(address(leg).ip(), 4_001)),
        signalled: address(leg),
        receive: true,
        payloads: payloads.iter().copied().collect(),
        ptime_ms: 20,
        rtp_source: RtpSource::Sdp,
        inband_keys: false,
    }
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl Bench {
    fn new() -> Self {
        Self::with(Library::empty(), 1)
    }

    fn with(library: Library, seed: u64) -> Self {
        let settings = Settings { own_ports: 20_000..=20_999, wall_at_start: Duration::from_secs(1_800_000_000) };
        let plane = Plane::new(settings, Arc::new(library), Entropy::from_number(seed));
        // A start inside the time line, as in a daemon that has run for a while.
        Self { plane, now: Instant::START + Duration::from_secs(1_000), sent: Vec::new() }
    }

    /// A call of two legs that hear each other, both in A-law with keys.
    fn with_a_talk() -> Self {
        let mut bench = Self::new();
        for leg in [1, 2] {
            bench.open(CALL, leg, &[PCMA, KEYS]);
        }
        bench.hear(1, Source::Leg(LegId(2)));
        bench.hear(2, Source::Leg(LegId(1)));
        bench
    }

    fn open(&mut self, call: CallId, leg: u64, payloads: &[Payload]) {
        let local = SocketAddr::from(([192, 0, 2, 200], 20_000 + 2 * (leg as u16 % 400)));
        self.order(Order::Open { call, leg: LegId(leg), local });
        self.order(Order::Agree { leg: LegId(leg), session: session(leg, payloads) });
    }

    fn order(&mut self, order: Order) {
        self.plane.handle(self.now, order);
    }

    fn agree(&mut self, leg: u64, session: AgreedSession) {
        self.order(Order::Agree { leg: LegId(leg), session });
    }

    fn hear(&mut self, leg: u64, source: Source) {
        self.order(Order::Hear { leg: LegId(leg), source });
    }

    fn close(&mut self, leg: u64) {
        self.order(Order::Close { leg: LegId(leg) });
    }

    fn receive(&mut self, peer: &Peer, packet: &[u8]) -> Verdict {
        self.receive_at(self.now, peer.leg, Channel::Rtp, peer.from, packet)
    }

    fn receive_at(&mut self, at: Instant, leg: LegId, channel: Channel, from: SocketAddr, packet: &[u8]) -> Verdict {
        let slot = self.plane.slot(leg).unwrap_or(usize::MAX);
        let arrival = Arrival { port: Port { slot, channel }, from, at };
        let (now, sent) = (self.now, &mut self.sent);
        self.plane.receive(now, arrival, &mut packet.to_vec(), &mut |departure, packet| {
            sent.push(Sent { at: now, departure, packet: packet.to_vec() });
        })
    }

    /// Lets time pass, timer by timer.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.plane.next_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.tick();
        }
        self.now = end;
    }

    /// Fires what is due now, as a worker does that comes late.
    fn tick(&mut self) {
        let (now, sent) = (self.now, &mut self.sent);
        self.plane.handle_timeout(now, &mut |departure, packet| {
            sent.push(Sent { at: now, departure, packet: packet.to_vec() });
        });
    }

    /// `peer` talks for so many packets of 20 ms.
    fn talk(&mut self, peer: &mut Peer, packets: u32, code: u8) {
        for _ in 0..packets {
            let packet = peer.voice(code);
            assert!(matches!(self.receive(peer, &packet), Verdict::Relayed(_)));
            self.pass(milliseconds(20));
        }
    }

    /// Takes out what was sent to the peer of a leg as RTP, and forgets the rest.
    fn take_sent(&mut self, leg: u64) -> Vec<Sent> {
        let sent = std::mem::take(&mut self.sent);
        let rtp = sent.into_iter().filter(|sent| sent.departure.port.channel == Channel::Rtp);
        rtp.filter(|sent| sent.departure.to == address(leg)).collect()
    }

    /// The same without comfort noise: what others have said.
    fn take_relayed(&mut self, leg: u64) -> Vec<Sent> {
        self.take_sent(leg).into_iter().filter(Sent::is_said).collect()
    }

    fn facts(&mut self) -> Vec<(u64, Fact)> {
        std::iter::from_fn(|| self.plane.poll_fact()).map(|(_, leg, fact)| (leg.0, fact)).collect()
    }
}
