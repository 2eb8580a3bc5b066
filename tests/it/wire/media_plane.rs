//! The media threads alone, on loopback: who hears whom, strangers, ports given back, facts that wait.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lianxian::base::entropy::Entropy;
use lianxian::base::ids::{CallId, LegId};
use lianxian::engine::clock::Clock;
use lianxian::engine::media_workers::{MediaFact, MediaWorkers, Settings, Statistics};
use lianxian::engine::prompts;
use lianxian::engine::tasks::{Outcome, Tasks};
use lianxian::media::fact::Fact;
use lianxian::media::g711::{PCMA_TO_LINEAR, encode_pcma};
use lianxian::media::library::Library;
use lianxian::media::order::{AgreedSession, Codec, Order, Payload, RtpSource, Source};
use lianxian::media::rtp::Header;
use lianxian::media::tone::{Goertzel, Tone};
use lianxian::net::rtp_sockets::{MediaSocket, Remarks};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Media threads on an address of their own, so that tests that run at the same time share no port.
struct Threads {
    workers: MediaWorkers,
    facts: mpsc::Receiver<MediaFact>,
    tasks: Tasks,
    host: [u8; 4],
}

/// A party with a tone.
struct Party {
    socket: UdpSocket,
    tone: Tone,
    header: Header,
    heard: Vec<i16>,
}

impl Threads {
    fn start(host: [u8; 4], library: Library, facts_capacity: usize) -> Self {
        let (told, facts) = mpsc::channel(facts_capacity);
        let mut tasks = Tasks::default();
        let settings = Settings { workers: 2, own_ports: 40_000..=40_999 };
        let entropy = &mut Entropy::from_number(1);
        let clock = Clock::start();
        let workers = MediaWorkers::start(&settings, &Arc::new(library), clock, entropy, &told, &mut tasks).unwrap();
        Self { workers, facts, tasks, host }
    }

    fn local(&self, leg: u64) -> SocketAddr {
        SocketAddr::from((self.host, 40_000 + 2 * leg as u16))
    }

    fn open(&mut self, call: u128, leg: u64, peer: SocketAddr) {
        let order = Order::Open { call: CallId(call), leg: LegId(leg), local: self.local(leg) };
        self.workers.send(CallId(call), order);
        let session = AgreedSession {
            send_to: Some(peer),
            rtcp_to: None,
            signalled: peer,
            receive: true,
            payloads: [Payload { receive_type: 8, send_type: 8, codec: Codec::Pcma }].into_iter().collect(),
            ptime_ms: 20,
            rtp_source: RtpSource::Sdp,
            inband_keys: false,
        };
        self.workers.send(CallId(call), Order::Agree { leg: LegId(leg), session });
    }

    fn hear(&mut self, call: u128, leg: u64, source: Source) {
        self.workers.send(CallId(call), Order::Hear { leg: LegId(leg), source });
    }

    fn close(&mut self, call: u128, leg: u64) {
        self.workers.send(CallId(call), Order::Close { leg: LegId(leg) });
    }

    async fn fact(&mut self) -> MediaFact {
        timeout(Duration::from_secs(5), self.facts.recv()).await.expect("a fact within 5 s").unwrap()
    }

    /// What is counted once the threads have published it and `done` holds.
    async fn statistics_when(&self, done: impl Fn(&Statistics) -> bool) -> Statistics {
        for _ in 0..100 {
            if done(&self.workers.statistics()) {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.workers.statistics()
    }
}

impl Party {
    fn new(host: [u8; 4], frequency_hz: u32) -> Self {
        let socket = UdpSocket::bind(SocketAddr::from((host, 0))).unwrap();
        socket.set_nonblocking(true).unwrap();
        let header =
            Header { marker: true, payload_type: 8, sequence: 7, timestamp: 99, ssrc: 0x1234_0000 + frequency_hz };
        Self { socket, tone: Tone::new(frequency_hz, 8_000), header, heard: Vec::new() }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    fn talk(&mut self, to: SocketAddr) {
        let mut packet = self.header.to_bytes().to_vec();
        packet.extend((0..160).map(|_| encode_pcma(self.tone.next_sample())));
        // A port where nobody listens answers by ICMP, which is reported at a later send.
        while self.socket.send_to(&packet, to).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {}
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp += 160;
    }

    /// Takes everything that has arrived; the number of packets.
    fn listen(&mut self) -> usize {
        let mut count = 0;
        let mut buffer = [0; 1_500];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, _)) => {
                    let sound = &buffer[12..length];
                    self.heard.extend(sound.iter().map(|code| PCMA_TO_LINEAR[usize::from(*code)]));
                    count += 1;
                }
                // A port that was closed while we sent answers by ICMP.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    return count;
                }
            }
        }
    }

    fn hears(&self, frequency_hz: u32) -> f64 {
        Goertzel::amplitude(frequency_hz, &self.heard)
    }
}

/// V1, V2 on real sockets, with the tone matrix: each hears the other; the attacker hears and is heard by nobody.
#[tokio::test]
async fn two_parties_hear_each_other_and_a_stranger_nothing() {
    let mut threads = Threads::start([127, 0, 77, 1], Library::empty(), 64);
    let (mut citizen, mut agent) = (Party::new([127, 0, 77, 2], 500), Party::new([127, 0, 77, 3], 900));
    let mut attacker = Party::new([127, 0, 77, 66], 1_300);
    threads.open(1, 1, citizen.address());
    threads.open(1, 2, agent.address());
    threads.hear(1, 1, Source::Leg(LegId(2)));
    threads.hear(1, 2, Source::Leg(LegId(1)));
    threads.statistics_when(|all| all.plane.opened == 2).await;
    let mut attacks = 0;
    for step in 0..100 {
        if step == 10 || step == 60 {
            // The whole range, before the first legal packet and in mid-call.
            (40_000..=40_999).for_each(|port| attacker.talk(SocketAddr::from((threads.host, port))));
            attacks += 4;
        }
        if step % 20 == 10 {
            // The copied source, not only a guessed one.
            attacker.header.ssrc = citizen.header.ssrc;
        }
        for leg in [1, 2] {
            let rtp = threads.local(leg);
            attacker.talk(rtp);
            attacker.talk(SocketAddr::new(rtp.ip(), rtp.port() + 1));
            attacks += 2;
        }
        if step == 25 {
            // Until now each has heard a quiet line at most, should this machine have taken more than a second.
            citizen.heard.clear();
            agent.heard.clear();
        }
        if step >= 25 {
            citizen.talk(threads.local(1));
            agent.talk(threads.local(2));
        }
        sleep(Duration::from_millis(20)).await;
        citizen.listen();
        agent.listen();
    }
    assert!(citizen.heard.len() >= 73 * 160 && agent.heard.len() >= 73 * 160);
    assert!((citizen.hears(900) - 8_000.0).abs() < 500.0, "{}", citizen.hears(900));
    assert!((agent.hears(500) - 8_000.0).abs() < 500.0, "{}", agent.hears(500));
    assert!(citizen.hears(500) < 100.0 && agent.hears(900) < 100.0, "nobody hears himself");
    assert!(citizen.hears(1_300) < 100.0 && agent.hears(1_300) < 100.0, "nobody hears the stranger");
    assert_eq!(attacker.listen(), 0, "the stranger hears nobody");
    let counted = threads.statistics_when(|all| all.plane.wrong_source == attacks).await;
    assert_eq!(counted.plane.wrong_source, attacks, "{counted:?}");
    assert_eq!(counted.sockets.send_failures, 0);
    let facts = [threads.fact().await, threads.fact().await];
    assert!(facts.iter().all(|(call, _, fact)| (*call, fact) == (CallId(1), &Fact::FirstPacket)));
}

/// A media thread that panics is replaced: its call hears again within a second, nobody is told, no other call notices.
#[tokio::test]
async fn a_dead_thread_is_replaced_and_its_calls_go_on() {
    let mut threads = Threads::start([127, 0, 77, 21], Library::empty(), 64);
    let (mut citizen, mut agent) = (Party::new([127, 0, 77, 22], 500), Party::new([127, 0, 77, 23], 900));
    let mut others = [[127, 0, 77, 24]; 4].map(|host| Party::new(host, 1_300));
    threads.open(1, 1, citizen.address());
    threads.open(1, 2, agent.address());
    threads.hear(1, 1, Source::Leg(LegId(2)));
    threads.hear(1, 2, Source::Leg(LegId(1)));
    // Four more calls: some on the same thread, some on the other.
    for (other, leg) in others.iter().zip(11..) {
        threads.open(u128::from(leg), leg, other.address());
        threads.hear(u128::from(leg), leg, Source::Ringback);
    }
    threads.statistics_when(|all| all.plane.opened == 6).await;
    let (mut heard_before, mut packets) = (0, [0; 4]);
    for step in 0..150 {
        if step == 50 {
            heard_before = citizen.heard.len();
            threads.workers.strike(CallId(1));
            let ended = timeout(Duration::from_secs(5), threads.tasks.ended()).await.expect("the thread dies");
            assert_eq!(ended.outcome, Outcome::Panicked);
            threads.workers.replace_dead(&mut threads.tasks);
            assert_eq!(threads.workers.take_lost(), []);
        }
        citizen.talk(threads.local(1));
        agent.talk(threads.local(2));
        sleep(Duration::from_millis(20)).await;
        citizen.listen();
        agent.listen();
        others.iter_mut().zip(&mut packets).for_each(|(other, packets)| *packets += other.listen());
    }
    assert!(heard_before >= 45 * 160 && citizen.heard.len() - heard_before >= 90 * 160, "{}", citizen.heard.len());
    assert!((citizen.hears(900) - 8_000.0).abs() < 800.0, "{}", citizen.hears(900));
    assert!((agent.hears(500) - 8_000.0).abs() < 800.0, "{}", agent.hears(500));
    assert!(packets.iter().all(|packets| *packets > 90) && packets.iter().any(|packets| *packets > 145), "{packets:?}");
    let open = |all: &Statistics| all.plane.opened - all.plane.closed;
    let counted = threads.statistics_when(|all| all.replaced == 1 && open(all) == 6).await;
    assert_eq!((counted.replaced, open(&counted)), (1, 6));
}

/// V35: after every kind of end the descriptors are gone: all ports can be bound again.
#[tokio::test]
async fn closed_legs_give_their_ports_back() {
    let mut threads = Threads::start([127, 0, 77, 11], Library::empty(), 4_096);
    let nobody = SocketAddr::from(([127, 0, 77, 12], 9));
    for round in 0..3 {
        for leg in 0..300 {
            let call = u128::from(leg / 3);
            threads.open(call, leg, nobody);
            match (leg + round) % 3 {
                0 => threads.hear(call, leg, Source::Ringback),
                1 => threads.hear(call, leg, Source::Leg(LegId(leg ^ 1))),
                _ => {}
            }
        }
        for leg in 0..300 {
            threads.close(u128::from(leg / 3), leg);
        }
        let counted = threads.statistics_when(|all| all.plane.closed == 300 * (round + 1)).await;
        assert_eq!((counted.plane.opened, counted.plane.closed), (300 * (round + 1), 300 * (round + 1)));
        assert_eq!((counted.sockets.bind_failures, counted.orders_lost), (0, 0));
        for leg in 0..300 {
            MediaSocket::bind_pair(threads.local(leg)).expect("the port is free again");
        }
    }
    threads.workers.shutdown();
    for _ in 0..2 {
        let ended = timeout(Duration::from_secs(5), threads.tasks.ended()).await.unwrap();
        assert_eq!((ended.name, ended.outcome), ("media", Outcome::Finished));
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_to_its_call_only() {
    let mut threads = Threads::start([127, 0, 77, 21], Library::empty(), 64);
    let _occupied = UdpSocket::bind(threads.local(5)).unwrap();
    let mut party = Party::new([127, 0, 77, 22], 500);
    threads.open(9, 5, party.address());
    threads.open(9, 6, party.address());
    assert_eq!(threads.fact().await, (CallId(9), LegId(5), Fact::OpenFailed));
    // The other port may still be being opened, and on a slow day a leg that has heard nobody is told to be silent.
    let heard = async {
        loop {
            party.talk(threads.local(6));
            match timeout(Duration::from_millis(50), threads.fact()).await {
                Err(_) | Ok((_, _, Fact::Silent { .. })) => {}
                Ok(fact) => return fact,
            }
        }
    };
    let fact = timeout(Duration::from_secs(30), heard).await.expect("the other leg is served");
    assert_eq!(fact, (CallId(9), LegId(6), Fact::FirstPacket));
}

/// Facts wait in the thread while the engine does not fetch them; none is lost and no packet waits for them.
#[tokio::test]
async fn facts_wait_for_a_busy_engine() {
    let mut threads = Threads::start([127, 0, 77, 31], Library::empty(), 1);
    let mut parties: Vec<Party> = (0..40).map(|_| Party::new([127, 0, 77, 32], 500)).collect();
    for (leg, party) in parties.iter_mut().enumerate() {
        threads.open(5, leg as u64, party.address());
        threads.hear(5, leg as u64, Source::Ringback);
    }
    sleep(Duration::from_millis(200)).await;
    for (leg, party) in parties.iter_mut().enumerate() {
        party.talk(threads.local(leg as u64));
    }
    sleep(Duration::from_millis(200)).await;
    assert!(parties.iter_mut().all(|party| party.listen() >= 10), "the threads play on");
    let mut told = Vec::new();
    for _ in 0..40 {
        let (_, leg, fact) = threads.fact().await;
        assert_eq!(fact, Fact::FirstPacket);
        told.push(leg.0);
    }
    told.sort_unstable();
    assert_eq!(told, (0..40).collect::<Vec<_>>());
}

/// E7: the kernel says how long a datagram has waited for us.
#[tokio::test]
async fn a_datagram_that_waited_shows_its_age() {
    let (socket, _control) = MediaSocket::bind_pair(SocketAddr::from(([127, 0, 77, 41], 40_000))).unwrap();
    let sender = UdpSocket::bind(SocketAddr::from(([127, 0, 77, 42], 0))).unwrap();
    // The kernel starts to stamp a moment after the first socket has asked for it.
    sleep(Duration::from_millis(200)).await;
    sender.send_to(&[7; 2_000], SocketAddr::from(([127, 0, 77, 41], 40_000))).unwrap();
    sender.send_to(&[7; 172], SocketAddr::from(([127, 0, 77, 41], 40_000))).unwrap();
    sleep(Duration::from_millis(250)).await;
    let (mut buffer, mut remarks) = ([0; 1_500], Remarks::default());
    let long = socket.receive(&mut buffer, &mut remarks).unwrap().unwrap();
    assert_eq!(long.length, 0, "what does not fit is not half a packet");
    let datagram = socket.receive(&mut buffer, &mut remarks).unwrap().unwrap();
    assert_eq!((datagram.length, datagram.from), (172, sender.local_addr().unwrap()));
    let age = Clock::start().wall() - datagram.taken_at.expect("the kernel remarks on every datagram");
    assert!((Duration::from_millis(240)..Duration::from_secs(5)).contains(&age), "{age:?}");
    assert_eq!(socket.receive(&mut buffer, &mut remarks).unwrap(), None);
}

#[tokio::test]
async fn media_goes_over_ipv6_too() {
    let sender = UdpSocket::bind("[::1]:0").unwrap();
    // Any even port of the ephemeral range will do; another program may have the first ones.
    let bound = (0..100).find_map(|step| {
        let local = SocketAddr::new(sender.local_addr().unwrap().ip(), 41_000 + 2 * step);
        MediaSocket::bind_pair(local).ok().map(|(rtp, _)| (local, rtp))
    });
    let (local, rtp) = bound.expect("a pair of a hundred is free");
    sender.send_to(&[7; 172], local).unwrap();
    sleep(Duration::from_millis(100)).await;
    let (mut buffer, mut remarks) = ([0; 1_500], Remarks::default());
    let datagram = rtp.receive(&mut buffer, &mut remarks).unwrap().unwrap();
    assert_eq!((datagram.length, datagram.from), (172, sender.local_addr().unwrap()));
    rtp.send(&[8; 100], datagram.from).unwrap();
    sender.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert_eq!(sender.recv_from(&mut buffer).unwrap(), (100, local));
}

/// The recordings that are shipped: they load, they sound, and the music is no party's tone.
#[tokio::test]
async fn shipped_prompts_are_heard() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let names = ["hold_music", "please_wait", "all_busy", "no_answer", "transfer_failed", "out_of_service"];
    let library = prompts::load(&folder, &names).unwrap();
    let error = prompts::load(&folder, &["nowhere"]).unwrap_err().to_string();
    assert!(error.contains("nowhere.wav is missing"), "{error}");
    let mut threads = Threads::start([127, 0, 77, 51], library, 64);
    let mut listener = Party::new([127, 0, 77, 52], 500);
    threads.open(1, 1, listener.address());
    threads.hear(1, 1, Source::Prompt { name: "hold_music".to_owned(), repeat: true });
    for _ in 0..40 {
        sleep(Duration::from_millis(50)).await;
        listener.listen();
    }
    assert!(listener.heard.iter().any(|sample| sample.abs() > 4_000));
    for tone in [500, 900, 1_300] {
        assert!(listener.hears(tone) < 400.0, "{tone} Hz in the music");
    }
    threads.hear(1, 1, Source::Prompt { name: "please_wait".to_owned(), repeat: false });
    // The listener says nothing for five seconds meanwhile, which is a fact too.
    while threads.fact().await != (CallId(1), LegId(1), Fact::PromptEnded) {}
}

/// Not a test by itself: the media threads in a process of their own, for the test below to stop. It tells its facts and
/// ends when its input does.
#[tokio::test]
async fn media_threads_of_a_child() {
    let Ok(peers) = std::env::var(CHILD) else { return };
    let mut threads = Threads::start(STOPPED, Library::empty(), 64);
    for (leg, peer) in (1..).zip(peers.split(',')) {
        threads.open(1, leg, peer.parse().unwrap());
        threads.hear(1, leg, Source::Leg(LegId(3 - leg)));
    }
    writeln!(std::io::stdout(), "{READY}").unwrap();
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await.unwrap();
    while let Ok((_, leg, fact)) = threads.facts.try_recv() {
        writeln!(std::io::stdout(), "{leg} {fact:?}").unwrap();
    }
    writeln!(std::io::stdout(), "stale {}", threads.workers.statistics().plane.stale).unwrap();
}

const CHILD: &str = "LIANXIAN_TEST_MEDIA_CHILD";
const READY: &str = "the threads run";
const STOPPED: [u8; 4] = [127, 0, 77, 61];

/// F26, E7: stopped for more than five seconds in mid-call; afterwards nothing old is heard and nobody is called silent.
#[tokio::test]
async fn a_stopped_process_goes_on_without_delay() {
    let mut parties = [Party::new([127, 0, 77, 62], 500), Party::new([127, 0, 77, 63], 900)];
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "wire::media_plane::media_threads_of_a_child", "--nocapture"])
        .env(CHILD, format!("{},{}", parties[0].address(), parties[1].address()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.by_ref().any(|line| line.contains(READY)));
    let pid = Pid::from_raw(child.id() as i32);
    let mut heard_while_stopped = [0; 2];
    for step in 0..375 {
        match step {
            50 => kill(pid, Signal::SIGSTOP).unwrap(),
            325 => kill(pid, Signal::SIGCONT).unwrap(),
            _ => {}
        }
        for (leg, party) in (1..).zip(&mut parties) {
            party.talk(SocketAddr::from((STOPPED, 40_000 + 2 * leg)));
        }
        sleep(Duration::from_millis(20)).await;
        for (heard, party) in heard_while_stopped.iter_mut().zip(&mut parties) {
            let count = party.listen();
            if (60..325).contains(&step) {
                *heard += count;
            }
        }
    }
    drop(child.stdin.take());
    let told: Vec<String> = told.collect();
    assert!(child.wait().unwrap().success());
    assert_eq!(heard_while_stopped, [0, 0]);
    for party in &parties {
        // A second before, a second after, and at most what is younger than 100 ms; 275 packets were sent meanwhile.
        let packets = party.heard.len() / 160;
        assert!((90..=115).contains(&packets), "{packets} packets, {told:?}");
    }
    assert!(!told.iter().any(|line| line.contains("Silent")), "{told:?}");
    let stale = told.iter().find_map(|line| line.strip_prefix("stale ")).expect("the child tells").to_owned();
    assert!(stale.parse::<u32>().unwrap() > 300, "{stale}");
}
