//! The signalling sockets alone, on loopback: order, reuse, limits, slow and vanished peers.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use lianxian::net::{Event, Listener, Net, Patience, Settings};
use lianxian::sip::flow::{Flow, FlowFailure, Transport};
use lianxian::sip::wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Long enough for what has to happen before, short enough to wait for.
const SHORT: Duration = Duration::from_millis(500);

fn net(transport: Transport, address: IpAddr) -> Net {
    net_with(transport, address, |_| {})
}

fn net_with(transport: Transport, address: IpAddr, change: impl FnOnce(&mut Settings)) -> Net {
    let listener = Listener { transport, address: SocketAddr::new(address, 0) };
    let mut settings = Settings {
        listeners: vec![listener],
        framing: wire::Limits::default(),
        connections: 100,
        connections_per_address: 100,
        patience: Patience {
            first_message: Duration::from_millis(300),
            message: Duration::from_millis(300),
            ..Patience::default()
        },
    };
    change(&mut settings);
    Net::bind(settings).unwrap()
}

fn address(net: &Net) -> SocketAddr {
    net.listeners()[0].address
}

async fn next(net: &mut Net) -> Event {
    timeout(Duration::from_secs(5), net.event()).await.expect("an event within 5 s")
}

async fn nothing(net: &mut Net, for_ms: u64) {
    let event = timeout(Duration::from_millis(for_ms), net.event()).await;
    assert!(event.is_err(), "{event:?}");
}

fn message(number: usize, body: usize) -> Bytes {
    let head = format!(
        "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.9;branch=z9hG4bK{number}\r\nFrom: <sip:a@b>;tag=1\r\n\
         To: <sip:a@b>\r\nCall-ID: {number}\r\nCSeq: {number} OPTIONS\r\nContent-Length: {body}\r\n\r\n"
    );
    let mut whole = head.into_bytes();
    whole.resize(whole.len() + body, b'x');
    whole.into()
}

async fn received(net: &mut Net) -> (Flow, Bytes) {
    match next(net).await {
        Event::Received { flow, message } => (flow, message),
        other => panic!("a message, not {other:?}"),
    }
}

async fn failed(net: &mut Net) -> (Flow, FlowFailure) {
    match next(net).await {
        Event::Failed { flow, failure } => (flow, failure),
        other => panic!("a failure, not {other:?}"),
    }
}

// === Datagrams ===

#[tokio::test]
async fn datagrams_arrive_and_answers_return_to_the_source_over_both_families() {
    for ip in [LOOPBACK, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let mut net = net(Transport::Udp, ip);
        let peer = UdpSocket::bind(SocketAddr::new(ip, 0)).await.unwrap();
        peer.send_to(b"one", address(&net)).await.unwrap();
        let (flow, bytes) = received(&mut net).await;
        assert_eq!((flow.remote, flow.local, &bytes[..]), (peer.local_addr().unwrap(), address(&net), &b"one"[..]));
        net.send(flow, Bytes::from_static(b"two"));
        let mut buffer = [0; 10];
        let (length, from) = peer.recv_from(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..length], from), (&b"two"[..], address(&net)));
    }
}

#[tokio::test]
async fn a_port_unreachable_is_a_refused_flow_and_harms_no_other() {
    for ip in [LOOPBACK, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let mut net = net(Transport::Udp, ip);
        let gone = UdpSocket::bind(SocketAddr::new(ip, 0)).await.unwrap().local_addr().unwrap();
        let peer = UdpSocket::bind(SocketAddr::new(ip, 0)).await.unwrap();
        let flow = |remote| Flow { transport: Transport::Udp, local: address(&net), remote, connection: None };
        let (dead, alive) = (flow(gone), flow(peer.local_addr().unwrap()));
        net.send(dead, Bytes::from_static(b"lost"));
        net.send(alive, Bytes::from_static(b"kept"));
        let mut buffer = [0; 10];
        let length = timeout(Duration::from_secs(5), peer.recv(&mut buffer)).await.unwrap().unwrap();
        assert_eq!(&buffer[..length], b"kept");
        assert_eq!(failed(&mut net).await, (dead, FlowFailure::Refused));
    }
}

// === Streams: order and reuse ===

#[tokio::test]
async fn what_is_sent_on_one_flow_keeps_its_order_even_while_it_is_being_opened() {
    let mut net = net(Transport::Tcp, LOOPBACK);
    let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let remote = peer.local_addr().unwrap();
    let flow = Flow { transport: Transport::Tcp, local: address(&net), remote, connection: None };
    let mut expected = Vec::new();
    for number in 0..100 {
        net.send(flow, message(number, 10));
        expected.extend_from_slice(&message(number, 10));
    }
    let (mut stream, from) = peer.accept().await.unwrap();
    assert_eq!(from.ip(), LOOPBACK);
    let mut got = vec![0; expected.len()];
    timeout(Duration::from_secs(5), stream.read_exact(&mut got)).await.unwrap().unwrap();
    assert_eq!(got, expected);
    assert_eq!(net.counters().connections, 1, "one connection carries them all");
}

#[tokio::test]
async fn a_connection_the_peer_opened_is_reused_for_requests_to_it() {
    let mut net = net_with(Transport::Tcp, LOOPBACK, |settings| settings.patience.half_closed = SHORT);
    let mut peer = TcpStream::connect(address(&net)).await.unwrap();
    peer.write_all(&message(1, 0)).await.unwrap();
    let (flow, _) = received(&mut net).await;
    net.send(Flow { connection: None, ..flow }, message(2, 0));
    let mut got = vec![0; message(2, 0).len()];
    timeout(Duration::from_secs(5), peer.read_exact(&mut got)).await.unwrap().unwrap();
    assert_eq!(got, message(2, 0));
    assert_eq!(net.counters().connections, 1);
    drop(peer);
    // Both names under which messages went over it fail.
    let unnamed = Flow { connection: None, ..flow };
    let (both, half) = ([failed(&mut net).await, failed(&mut net).await], FlowFailure::HalfClosed);
    assert!(both.contains(&(flow, half)) && both.contains(&(unnamed, half)), "{both:?}");
    assert_eq!(failed(&mut net).await, (flow, FlowFailure::Closed), "nobody uses its address any more");
    net.send(flow, message(3, 0));
    assert_eq!(failed(&mut net).await, (flow, FlowFailure::Closed), "only the peer can open it again");
}

#[tokio::test]
async fn messages_split_and_joined_at_any_byte_arrive_whole_and_in_order() {
    let mut net = net(Transport::Tcp, IpAddr::V6(Ipv6Addr::LOCALHOST));
    let mut peer = TcpStream::connect(address(&net)).await.unwrap();
    let whole: Vec<u8> = (0..5).flat_map(|number| message(number, number * 7)).collect();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        for piece in whole.chunks(13) {
            peer.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        peer
    });
    for number in 0..5 {
        assert_eq!(received(&mut net).await.1, message(number, number * 7));
    }
    drop(tasks.join_next().await);
}

#[tokio::test]
async fn a_keep_alive_is_answered_and_is_no_message() {
    let mut net = net_with(Transport::Tcp, LOOPBACK, |settings| settings.patience = Patience::default());
    let mut peer = TcpStream::connect(address(&net)).await.unwrap();
    peer.write_all(b"\r\n\r\n").await.unwrap();
    nothing(&mut net, 100).await;
    let mut pong = [0; 2];
    timeout(Duration::from_secs(5), peer.read_exact(&mut pong)).await.unwrap().unwrap();
    assert_eq!(&pong, b"\r\n");
}

#[tokio::test]
async fn nobody_listening_and_nobody_answering_are_told_apart() {
    let patience = Patience { connect: Duration::from_millis(300), ..Patience::default() };
    let mut net = net_with(Transport::Tcp, LOOPBACK, |settings| settings.patience = patience);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let flow = |remote| Flow { transport: Transport::Tcp, local: address(&net), remote, connection: None };
    let refused = flow(closed);
    net.send(refused, message(1, 0));
    assert_eq!(failed(&mut net).await, (refused, FlowFailure::Refused));
    // A listener whose backlog is full answers no SYN.
    let full = TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(1).unwrap();
    let mut held = Vec::new();
    for _ in 0..8 {
        let connecting = TcpStream::connect(full.local_addr().unwrap());
        match timeout(Duration::from_millis(100), connecting).await {
            Ok(stream) => held.push(stream.unwrap()),
            Err(_) => break,
        }
    }
    let silent = Flow { remote: full.local_addr().unwrap(), ..refused };
    net.send(silent, message(2, 0));
    assert_eq!(failed(&mut net).await, (silent, FlowFailure::ConnectTimeout));
}

// === Streams: a peer that has said its last word ===

#[tokio::test]
async fn a_peer_that_has_closed_its_side_still_gets_the_answers_it_waits_for() {
    let mut net = net(Transport::Tcp, LOOPBACK);
    let mut peer = TcpStream::connect(address(&net)).await.unwrap();
    peer.write_all(&message(1, 0)).await.unwrap();
    peer.shutdown().await.unwrap();
    let (flow, _) = received(&mut net).await;
    assert_eq!(failed(&mut net).await, (flow, FlowFailure::HalfClosed), "it can be asked nothing any more");
    let mut got = vec![0; message(2, 0).len()];
    for number in 2..4 {
        // The second answer is late, as that to an INVITE is.
        nothing(&mut net, 100).await;
        net.send(flow, message(number, 0));
        timeout(Duration::from_secs(5), peer.read_exact(&mut got)).await.unwrap().unwrap();
        assert_eq!(got, message(number, 0));
    }
    assert_eq!(net.counters().connections, 1, "it counts as long as it stays");
    net.disconnect(&flow);
    assert!(is_closed(&mut peer).await);
    assert_eq!(net.counters().connections, 0);
}

#[tokio::test]
async fn a_half_closed_connection_is_kept_for_a_while_only_and_carries_no_request_of_ours() {
    let mut net = net_with(Transport::Tcp, LOOPBACK, |settings| settings.patience.half_closed = SHORT);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let remote = listener.local_addr().unwrap();
    let unnamed = Flow { transport: Transport::Tcp, local: address(&net), remote, connection: None };
    net.send(unnamed, message(1, 0));
    let (mut first, _) = listener.accept().await.unwrap();
    first.write_all(&message(2, 0)).await.unwrap();
    let (named, _) = received(&mut net).await;
    first.shutdown().await.unwrap();
    let (both, half) = ([failed(&mut net).await, failed(&mut net).await], FlowFailure::HalfClosed);
    assert!(both.contains(&(named, half)) && both.contains(&(unnamed, half)), "{both:?}");
    net.send(unnamed, message(3, 0));
    let (mut second, _) = timeout(Duration::from_secs(5), listener.accept()).await.unwrap().unwrap();
    let mut got = vec![0; message(3, 0).len()];
    timeout(Duration::from_secs(5), second.read_exact(&mut got)).await.unwrap().unwrap();
    assert_eq!(got, message(3, 0));
    assert_eq!(failed(&mut net).await, (named, FlowFailure::Closed), "and the second one is not hurt");
    assert!(is_closed(&mut first).await);
    nothing(&mut net, 100).await;
    assert_eq!(net.counters().connections, 1);
    // Who has said nothing waits for no answer, and holds no place.
    drop(TcpStream::connect(address(&net)).await.unwrap());
    assert_eq!(failed(&mut net).await.1, FlowFailure::Closed);
}

// === Streams: limits ===

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => error.kind() == ErrorKind::ConnectionReset,
        Err(_) => false,
    }
}

#[tokio::test]
async fn v12_idle_connections_are_capped_per_address_and_closed_while_others_still_connect() {
    let mut net = net_with(Transport::Tcp, LOOPBACK, |settings| settings.connections_per_address = 10);
    let target = address(&net);
    let mut idle = Vec::new();
    for _ in 0..50 {
        idle.push(TcpStream::connect(target).await.unwrap());
    }
    let agent = TcpSocket::new_v4().unwrap();
    agent.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut agent = agent.connect(target).await.unwrap();
    agent.write_all(&message(1, 0)).await.unwrap();
    let (flow, _) = received(&mut net).await;
    assert_eq!(flow.remote.ip(), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
    assert_eq!(net.counters().connections_refused, 40);
    for _ in 0..10 {
        assert_eq!(failed(&mut net).await.1, FlowFailure::Limit);
    }
    for stream in &mut idle {
        assert!(is_closed(stream).await);
    }
    assert_eq!((net.counters().connections, net.counters().connections_closed_by_limit), (1, 10));
}

#[tokio::test]
async fn v13_a_message_sent_byte_by_byte_is_cut_at_its_deadline() {
    let mut net = net(Transport::Tcp, LOOPBACK);
    let mut peer = TcpStream::connect(address(&net)).await.unwrap();
    peer.write_all(&message(1, 0)).await.unwrap();
    received(&mut net).await;
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        for byte in message(2, 100).iter().cycle() {
            if peer.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(failed(&mut net).await.1, FlowFailure::Limit);
    timeout(Duration::from_secs(5), tasks.join_next()).await.expect("the peer sees the end").unwrap().unwrap();
}

#[tokio::test]
async fn v13_endless_headers_and_too_large_bodies_are_unframed_and_closed() {
    let endless = [&message(1, 0)[..150], &b"X: y\r\n".repeat(20_000)].concat();
    let large = String::from_utf8_lossy(&message(1, 0)).replace("Content-Length: 0", "Content-Length: 300000");
    for bytes in [endless, large.into_bytes()] {
        let mut net = net(Transport::Tcp, LOOPBACK);
        let mut peer = TcpStream::connect(address(&net)).await.unwrap();
        // The daemon may close before it has read everything.
        peer.write_all(&bytes).await.ok();
        let Event::Unframed { flow, broken } = next(&mut net).await else { panic!("unframed") };
        if let Some(answer) = broken.answer {
            net.send(flow, answer.to_bytes());
        }
        net.disconnect(&flow);
        assert!(is_closed(&mut peer).await);
        assert_eq!(net.counters().connections, 0);
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_closed_and_only_its_flow_fails() {
    let mut net = net(Transport::Tcp, LOOPBACK);
    let mut peer = TcpStream::connect(address(&net)).await.unwrap();
    let mut other = TcpStream::connect(address(&net)).await.unwrap();
    peer.write_all(&message(1, 0)).await.unwrap();
    let (flow, _) = received(&mut net).await;
    other.write_all(&message(2, 0)).await.unwrap();
    let (reading, _) = received(&mut net).await;
    for number in 0..2_000 {
        net.send(flow, message(number, 32_000));
        if let Some(event) = net.try_event() {
            let Event::Failed { flow: failed, failure } = event else { panic!("{event:?}") };
            assert_eq!((failed, failure), (flow, FlowFailure::QueueFull));
            break;
        }
        assert!(number < 1_999, "64 MB queued for a peer that does not read");
        tokio::task::yield_now().await;
    }
    net.send(reading, message(3, 0));
    let mut got = vec![0; message(3, 0).len()];
    timeout(Duration::from_secs(5), other.read_exact(&mut got)).await.unwrap().unwrap();
    assert_eq!(net.counters().connections, 1);
}

#[tokio::test]
async fn v14_messages_cut_by_a_reset_at_any_byte_leave_no_connection_behind() {
    let mut net = net(Transport::Tcp, LOOPBACK);
    let target = address(&net);
    let whole = message(1, 20);
    for cut in (0..=whole.len()).step_by(3) {
        let mut peer = TcpStream::connect(target).await.unwrap();
        peer.write_all(&whole[..cut]).await.unwrap();
        // Closing with a zero linger is a reset.
        socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        let mut messages = 0;
        loop {
            match next(&mut net).await {
                Event::Received { .. } => messages += 1,
                Event::Failed { .. } => break,
                Event::Unframed { .. } => panic!("nothing is broken here"),
            }
        }
        assert!(messages <= usize::from(cut == whole.len()));
    }
    assert_eq!(net.counters().connections, 0);
}

#[tokio::test]
async fn a_connection_that_we_opened_may_carry_requests_for_long_before_its_peer_says_anything() {
    let mut net = net(Transport::Tcp, LOOPBACK);
    let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let remote = peer.local_addr().unwrap();
    let flow = Flow { transport: Transport::Tcp, local: address(&net), remote, connection: None };
    net.send(flow, message(1, 0));
    let (mut stream, _) = peer.accept().await.unwrap();
    // Three times as long as an accepted connection has for its first message.
    nothing(&mut net, 900).await;
    stream.write_all(&message(2, 0)).await.unwrap();
    assert_eq!(received(&mut net).await.1, message(2, 0));
}

#[tokio::test]
async fn a_connection_that_we_close_fails_under_each_name_it_was_used_by() {
    let mut net = net(Transport::Tcp, LOOPBACK);
    let mut peer = TcpStream::connect(address(&net)).await.unwrap();
    peer.write_all(&message(1, 0)).await.unwrap();
    let (flow, _) = received(&mut net).await;
    let unnamed = Flow { connection: None, ..flow };
    net.send(unnamed, message(2, 0));
    net.disconnect(&flow);
    let both = [failed(&mut net).await, failed(&mut net).await];
    assert!(both.contains(&(flow, FlowFailure::Closed)) && both.contains(&(unnamed, FlowFailure::Closed)), "{both:?}");
    assert!(is_closed(&mut peer).await);
    nothing(&mut net, 100).await;
}

#[tokio::test]
async fn a_full_queue_fails_under_each_name_the_connection_was_used_by() {
    let mut net = net(Transport::Tcp, LOOPBACK);
    let mut peer = TcpStream::connect(address(&net)).await.unwrap();
    peer.write_all(&message(1, 0)).await.unwrap();
    let (flow, _) = received(&mut net).await;
    let unnamed = Flow { connection: None, ..flow };
    net.send(unnamed, message(2, 0));
    // Nothing is written while this test does not wait, so that the queue fills at once.
    for number in 0..40 {
        net.send(flow, message(number, 32_000));
        if net.counters().connections == 0 {
            break;
        }
    }
    let both = [failed(&mut net).await, failed(&mut net).await];
    let full = FlowFailure::QueueFull;
    assert!(both.contains(&(flow, full)) && both.contains(&(unnamed, full)), "{both:?}");
}
