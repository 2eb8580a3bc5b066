//! Softphones: digest, registered flows, and dialogs that follow them.

use md5::{Digest, Md5};

use super::*;
use crate::sip::fact::{Cause, Loss};
use crate::sip::flow::ConnectionId;

/// The phone of agent 8001 on a stream, with its memory of the last challenge.
struct Phone {
    flow: Flow,
    nonce: Option<String>,
    count: u32,
    number: u32,
}

impl Phone {
    fn new(connection: u64) -> Self {
        let connection = Some(ConnectionId(connection));
        Self { flow: Flow { transport: Transport::Tcp, connection, ..flow(PHONE) }, nonce: None, count: 0, number: 0 }
    }

    fn udp() -> Self {
        Self { flow: flow(PHONE), ..Self::new(0) }
    }

    fn write(&mut self, method: &str, to_tag: &str, user: &str) -> String {
        self.number += 1;
        let number = self.number;
        let authorization = self.nonce.clone().map_or_else(String::new, |nonce| self.authorization(method, &nonce));
        let to = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        let body = if method == "INVITE" { SDP } else { "" };
        format!(
            "{method} sip:lianxian SIP/2.0\r\nVia: SIP/2.0/TCP 203.0.113.5;branch=z9hG4bK{method}{number};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@lianxian>;tag=phone\r\nTo: <sip:{user}@lianxian>{to}\r\n\
             Call-ID: of-the-phone-{}\r\nCSeq: {number} {method}\r\nContact: <sip:8001@203.0.113.5>\r\n\
             User-Agent: a telephone whose messages are as long as those of others, so that it can be answered\r\n\
             {authorization}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            if method == "REGISTER" { 1 } else { 2 },
            body.len()
        )
    }

    fn authorization(&mut self, method: &str, nonce: &str) -> String {
        self.count += 1;
        let hash = |text: String| Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let count = format!("{:08x}", self.count);
        let ha1 = hash("8001:lianxian:secret".to_owned());
        let ha2 = hash(format!("{method}:sip:lianxian"));
        let response = hash(format!("{ha1}:{nonce}:{count}:c:auth:{ha2}"));
        format!(
            "Authorization: Digest username=\"8001\", realm=\"lianxian\", nonce=\"{nonce}\", uri=\"sip:lianxian\", \
             algorithm=MD5, qop=auth, nc={count}, cnonce=\"c\", response=\"{response}\"\r\n"
        )
    }

    /// Sends a request, and once more with credentials if it is challenged.
    fn ask(&mut self, bench: &mut Bench, method: &str, to_tag: &str) -> Vec<Sent> {
        let text = self.write(method, to_tag, "8001");
        bench.receive_over(self.flow, &text);
        let sent = bench.sent();
        let Some(challenge) = sent.iter().find(|one| one.is("SIP/2.0 401 ")) else { return sent };
        let nonce = challenge.header("WWW-Authenticate").split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
        self.nonce = Some(nonce.to_owned());
        self.count = 0;
        let text = self.write(method, to_tag, "8001");
        bench.receive_over(self.flow, &text);
        bench.sent()
    }

    /// Registers, calls and is answered. Gives the leg and our tag.
    fn talks(&mut self, bench: &mut Bench) -> (LegId, String) {
        assert!(self.ask(bench, "REGISTER", "")[0].is("SIP/2.0 200 "));
        bench.facts();
        self.ask(bench, "INVITE", "");
        let leg = bench.incoming()[0].leg;
        let number = self.number;
        bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
        let tag = bench.sent().pop().unwrap().tag("To").to_owned();
        let text = self.write("ACK", &tag, "8001").replace(&format!("{} ACK", self.number), &format!("{number} ACK"));
        bench.receive_over(self.flow, &text);
        assert_eq!(bench.facts(), [LegFact::Acked { sdp: None }]);
        (leg, tag)
    }
}

#[test]
fn a_softphone_on_udp_is_challenged_for_each_call_and_its_repetitions_are_not() {
    let mut bench = Bench::new();
    let mut phone = Phone::udp();
    assert!(phone.ask(&mut bench, "REGISTER", "")[0].is("SIP/2.0 200 "));
    phone.nonce = None;
    let sent = phone.ask(&mut bench, "INVITE", "");
    assert!(sent[0].is("SIP/2.0 100 "), "{sent:#?}");
    let call = bench.incoming().pop().unwrap();
    assert_eq!(call.peer, Peer::Softphone(AgentId::from("8001")));
    phone.number -= 1;
    phone.count -= 1;
    let again = phone.write("INVITE", "", "8001");
    bench.receive_over(phone.flow, &again);
    assert!(bench.only().is("SIP/2.0 100 "));
    assert!(bench.incoming().is_empty());
}

#[test]
fn a_softphone_calls_in_its_own_name_only() {
    let mut bench = Bench::new();
    let mut phone = Phone::new(1);
    phone.ask(&mut bench, "REGISTER", "");
    let text = phone.write("INVITE", "", "110");
    bench.receive_over(phone.flow, &text);
    assert!(bench.only().is("SIP/2.0 403 "));
    assert_eq!(bench.refusals(), ["foreign_from"]);
}

#[test]
fn a_softphone_whose_stream_broke_goes_on_over_a_new_one_after_registering_there() {
    let mut bench = Bench::new();
    let mut phone = Phone::new(1);
    let (leg, tag) = phone.talks(&mut bench);
    bench.endpoint.flow_failed(bench.now, phone.flow, FlowFailure::Closed);
    bench.drain();
    phone.flow.connection = Some(ConnectionId(2));
    phone.ask(&mut bench, "REGISTER", "");
    bench.facts();
    let text = phone.write("OPTIONS", &tag, "8001");
    bench.receive_over(phone.flow, &text);
    assert!(bench.only().is("SIP/2.0 200 "), "registered there: no challenge");
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    assert_eq!(bench.only().flow, phone.flow, "our requests follow");
}

#[test]
fn a_softphone_on_a_new_stream_without_registration_proves_itself_first() {
    let mut bench = Bench::new();
    let mut phone = Phone::new(1);
    let (_, tag) = phone.talks(&mut bench);
    bench.endpoint.flow_failed(bench.now, phone.flow, FlowFailure::Closed);
    bench.drain();
    bench.facts();
    phone.flow.connection = Some(ConnectionId(2));
    phone.nonce = None;
    let bye = phone.write("BYE", &tag, "8001");
    bench.receive_over(phone.flow, &bye);
    assert!(bench.only().is("SIP/2.0 401 "));
    assert!(bench.facts().is_empty(), "the call is unchanged (V47)");
    assert!(phone.ask(&mut bench, "BYE", &tag)[0].is("SIP/2.0 200 "));
    assert!(matches!(&bench.facts()[..], [LegFact::HungUp { .. }]));
}

#[test]
fn f22_a_request_waits_for_a_softphone_whose_stream_broke_and_is_sent_when_it_is_back() {
    for (order, method) in [
        (LegOrder::HangUp { cause: Cause::default() }, "BYE "),
        (LegOrder::Digit { digit: '1', duration_ms: 100 }, "INFO "),
    ] {
        let mut bench = Bench::new();
        let mut phone = Phone::new(1);
        let (leg, _) = phone.talks(&mut bench);
        let half_open = bench.now;
        // On its way when the stream closes; tried over a new one, which the softphone refuses.
        bench.order(leg, order);
        assert!(bench.only().is(method));
        bench.endpoint.flow_failed(half_open, phone.flow, FlowFailure::Closed);
        let nowhere = Flow { connection: None, ..phone.flow };
        bench.endpoint.flow_failed(half_open, nowhere, FlowFailure::Refused);
        bench.drain();
        bench.advance(Duration::from_secs(20));
        assert!(bench.facts().is_empty() && bench.sent().is_empty(), "{method}: it is not lost");
        phone.flow.connection = Some(ConnectionId(2));
        phone.flow.remote.set_port(40_002);
        let sent = phone.ask(&mut bench, "REGISTER", "");
        assert_eq!(sent.iter().filter(|one| one.is(method) && one.flow == phone.flow).count(), 1, "{sent:#?}");
        bench.advance(Duration::from_secs(40));
        let over = bench.facts().iter().any(|fact| matches!(fact, LegFact::Released));
        assert_eq!(over, method == "BYE ", "{method}: its own timer ends the wait");
    }
    // A re-INVITE asks whether somebody is there; whoever cannot be reached is not.
    let mut bench = Bench::new();
    let mut phone = Phone::new(1);
    let (leg, _) = phone.talks(&mut bench);
    bench.order(leg, LegOrder::Offer { sdp: Bytes::from(SDP) });
    bench.endpoint.flow_failed(bench.now, phone.flow, FlowFailure::Closed);
    bench.drain();
    assert_eq!(bench.facts(), [LegFact::Lost { loss: Loss::Transport }]);
}

#[test]
fn a_softphone_that_has_closed_its_side_gets_the_answers_to_what_it_asked() {
    let mut bench = Bench::new();
    let mut phone = Phone::new(1);
    phone.ask(&mut bench, "REGISTER", "");
    phone.ask(&mut bench, "INVITE", "");
    let leg = bench.incoming()[0].leg;
    bench.endpoint.flow_failed(bench.now, phone.flow, FlowFailure::HalfClosed);
    bench.drain();
    bench.order(leg, LegOrder::Progress { code: 180, sdp: None });
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let sent = bench.sent();
    assert!(sent[0].is("SIP/2.0 180 ") && sent[1].is("SIP/2.0 200 "), "{sent:#?}");
    assert!(sent.iter().all(|one| one.flow == phone.flow), "it still reads there: {sent:#?}");
    // Later the stream is gone: RFC 3261 18.2.2.
    bench.endpoint.flow_failed(bench.now, phone.flow, FlowFailure::Closed);
    bench.advance(Duration::from_millis(600));
    let again = bench.only();
    assert!(again.is("SIP/2.0 200 "));
    assert_eq!((again.flow.connection, again.flow.remote.port()), (None, 5060));
    // What we ask of it needs the softphone's next stream.
    assert_eq!(bench.endpoint.census().contacts, 0);
}

#[test]
fn our_requests_follow_a_softphone_to_where_it_registers_next() {
    let mut bench = Bench::new();
    let mut phone = Phone::new(1);
    let (leg, _) = phone.talks(&mut bench);
    bench.endpoint.flow_failed(bench.now, phone.flow, FlowFailure::Closed);
    bench.drain();
    phone.flow.connection = Some(ConnectionId(2));
    phone.flow.remote.set_port(40_002);
    phone.ask(&mut bench, "REGISTER", "");
    bench.facts();
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let bye = bench.only();
    assert!(bye.is("BYE ") && bye.flow == phone.flow);
}

#[test]
fn a_softphone_that_floods_leaves_a_bounded_number_of_transactions() {
    let mut bench = Bench::new();
    let mut phone = Phone::udp();
    let (_, tag) = phone.talks(&mut bench);
    for _ in 0..2_000 {
        let text = phone.write("OPTIONS", &tag, "8001");
        bench.receive_over(phone.flow, &text);
    }
    assert!(bench.endpoint.census().transactions < 300);
    assert!(bench.sent().iter().any(|one| one.is("SIP/2.0 503 ")));
    let bye = phone.write("BYE", &tag, "8001");
    bench.receive_over(phone.flow, &bye);
    assert!(bench.only().is("SIP/2.0 200 "), "hanging up is always served");
}
