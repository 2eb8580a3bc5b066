//! The records of a transfer reach a ticket store that is away, broken, redirecting or choosy: each event once, those of a
//! record in their order, and the call notices nothing of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::Town;
use crate::wire::client::Client;
use crate::wire::desk::{Goodbye, OnNotify};
use crate::wire::loopback::{Loopback, wait_for};
use crate::wire::setup::{CITIZEN, DAEMON, PASSWORD, Setup};
use crate::wire::sound::{AGENT_HZ, THIRD_HZ};
use crate::wire::ticket_store::{Manner, TicketStore};

/// Pauses between attempts double: the sixth comes after half a minute at the latest.
const DRAINED: Duration = Duration::from_secs(90);

/// A citizen is handed from 12345 to 110 and hangs up, whatever the ticket store does.
fn hands_over(net: &Loopback, town: &mut Town) {
    let seat = town.seat(0, "desk_answers").start(net);
    let citizen = town.citizen_talks(net, Duration::from_millis(5_500));
    town.desk.refers_to("110");
    let mut seat = seat;
    town.seat.speak_to(seat.media());
    town.desk.waits_for("NOTIFY 200 terminated");
    town.desk.waits_for("BYE");
    citizen.passes();
    seat.passes();
}

fn town(net: &Loopback, store: SocketAddr) -> Town {
    let setup = Setup::new(net).ticket_store(&format!("http://{store}/orders"));
    Town::with(setup, net, 1, OnNotify::Takes, Goodbye::Never)
}

/// Waits until nothing is pending for the ticket store, and gives what it keeps.
fn drained(town: &Town, store: &TicketStore) -> Vec<Value> {
    let pending = || town.daemon.metric("lianxian_ticket_outbox_pending", "sink=\"foreign\"");
    wait_for("every event to be taken", DRAINED, || {
        let kept = store.kept();
        let tagged = kept.iter().any(|event| event["event"] == "tagged");
        (tagged && pending() < 0.5).then_some(kept)
    })
}

/// I27, I28: each event once, those of a record in their order and linked, one tag on the sender's record.
fn must_be_whole(kept: &[Value]) {
    let keys: BTreeSet<&str> = kept.iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), kept.len(), "an event twice");
    let mut last: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for event in kept {
        let (seq, hash) = last.get(event["ticket_id"].as_str().unwrap()).copied().unwrap_or((0, ""));
        assert_eq!((event["seq"].as_u64(), event["prev_hash"].as_str()), (Some(seq + 1), Some(hash)), "out of order");
        let next = (event["seq"].as_u64().unwrap(), event["hash"].as_str().unwrap());
        last.insert(event["ticket_id"].as_str().unwrap(), next);
    }
    assert_eq!(last.len(), 2, "the sender's record and the receiver's");
    let tagged: Vec<&Value> = kept.iter().filter(|event| event["event"] == "tagged").collect();
    assert_eq!(tagged.len(), 1);
    assert_eq!((&tagged[0]["tags"][0], &tagged[0]["status"]), (&"已转110受理".into(), &"结案".into()));
    assert_eq!(tagged[0]["caller"]["number_raw"], CITIZEN, "whole: it is the record");
    let linkages: BTreeSet<&str> = kept.iter().map(|event| event["linkage_id"].as_str().unwrap()).collect();
    assert_eq!(linkages.len(), 1, "one contact of a citizen");
}

/// F14, T62, T63, T64: what could not be sent is sent by itself, by the next process too.
#[test]
fn a_store_that_was_away_gets_everything_from_the_next_process() {
    let net = Loopback::new("store-away");
    let at = SocketAddr::from((net.host(30), 9_000));
    let mut before = town(&net, at);
    hands_over(&net, &mut before);
    assert!(before.daemon.metric("lianxian_ticket_events_total", "result=\"not_now\"") >= 1.0, "it was tried");
    before.citizen.finish().must_switch(AGENT_HZ, THIRD_HZ);
    before.daemon.ends_clean();
    drop(before.desk);

    let store = TicketStore::open(at, Vec::new());
    let after = Setup::new(&net).ticket_store(&format!("http://{at}/orders")).rings_agents().agent("1001").start();
    let kept = wait_for("every event to be taken", DRAINED, || {
        let kept = store.kept();
        let pending = after.metric("lianxian_ticket_outbox_pending", "sink=\"foreign\"");
        (kept.iter().any(|event| event["event"] == "tagged") && pending < 0.5).then_some(kept)
    });
    must_be_whole(&kept);
    after.ends_clean();
}

/// F15, V34: 500, a redirect to the machine's own metadata service, no HTTP, half an answer, a lost acknowledgement.
#[test]
fn a_store_that_breaks_in_every_way_gets_each_event_once_and_in_order() {
    let net = Loopback::new("store-breaks");
    let (at, elsewhere) = (SocketAddr::from((net.host(30), 9_000)), SocketAddr::from((net.host(31), 9_001)));
    let metadata = TcpListener::bind(elsewhere).expect("the address is free");
    metadata.set_nonblocking(true).expect("a socket can be asked without waiting");
    let manners = vec![
        Manner::Answers("500 Internal Server Error", String::new()),
        Manner::Answers("302 Found", format!("Location: http://{elsewhere}/latest/meta-data\r\n")),
        Manner::TakesAndBreaksOff,
        Manner::Garbage,
        Manner::Closes,
    ];
    let store = TicketStore::open(at, manners);
    let mut town = town(&net, at);
    hands_over(&net, &mut town);
    let kept = drained(&town, &store);
    must_be_whole(&kept);
    assert_eq!(store.manners_left(), 0, "every manner was met");
    let mut bodies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let seen = store.seen();
    for (key, body) in &seen {
        bodies.entry(key.clone()).or_default().insert(body.clone());
    }
    assert_eq!(bodies.len(), kept.len(), "no key that is not kept");
    assert!(bodies.values().all(|bodies| bodies.len() == 1), "the same key, the same record");
    assert!(seen.len() >= kept.len() + 5, "{} attempts for {} events", seen.len(), kept.len());
    assert!(metadata.accept().is_err(), "the redirect was followed");
    assert!(town.daemon.metric("lianxian_ticket_retries_total", "sink=\"foreign\"") >= 4.0);
    town.citizen.finish().must_switch(AGENT_HZ, THIRD_HZ);
    town.daemon.ends_clean();
}

/// F16: a record that the ticket store refuses is set aside with an alarm; the other service's record flows on.
#[test]
fn a_refused_record_is_set_aside_and_others_flow() {
    let net = Loopback::new("store-refuses");
    let at = SocketAddr::from((net.host(30), 9_000));
    let store = TicketStore::open(at, vec![Manner::Answers("422 Unprocessable Content", String::new())]);
    let mut town = town(&net, at);
    hands_over(&net, &mut town);
    town.daemon.wait_for_metric("lianxian_ticket_dead_letters", "sink=\"foreign\"", 1.0);
    let kept = wait_for("the receiver's record", DRAINED, || Some(store.kept()).filter(|kept| !kept.is_empty()));
    let refused = store.seen()[0].0.clone();
    let refused: Value =
        store.seen().iter().find(|(key, _)| *key == refused).map(|(_, body)| body.parse().unwrap()).unwrap();
    assert_eq!(refused["event"], "created");
    assert!(kept.iter().all(|event| event["ticket_id"] != refused["ticket_id"]), "nothing overtakes a refused event");
    assert_eq!(kept[0]["event"], "created");
    assert!(!town.daemon.log_lines("ticket_refused").is_empty(), "the log tells of it");

    // Somebody has seen to it: the event goes again, and what was behind it follows.
    let mut retry = Command::new(env!("CARGO_BIN_EXE_lianxian"));
    retry.args(["outbox", "retry", refused["event_id"].as_str().unwrap(), "--config"]);
    let retried = retry.arg(net.file("config/lianxian.toml")).env("LIANXIAN_TEST_SECRET", PASSWORD).output().unwrap();
    assert!(retried.status.success(), "{retried:?}");
    must_be_whole(&drained(&town, &store));
    town.daemon.wait_for_metric("lianxian_ticket_dead_letters", "sink=\"foreign\"", 0.0);
    town.citizen.finish().must_switch(AGENT_HZ, THIRD_HZ);
    town.daemon.ends_clean();
}

/// Without a word of configuration the records are in the built-in ticket store, by way of our own interface.
#[test]
fn the_built_in_store_has_both_records() {
    let net = Loopback::new("store-built-in");
    let setup = Setup::new(&net).agent("1001").agent("1002").http();
    let mut town = Town::with(setup, &net, 1, OnNotify::Takes, Goodbye::Never);
    hands_over(&net, &mut town);
    let client = Client { at: (net.host(DAEMON), 8_080).into(), name: "entitled" };
    let kept = wait_for("every event to be taken", DRAINED, || {
        let listed = client.get("/v1/tickets").json();
        let records = listed["tickets"].as_array()?.clone();
        let pending = town.daemon.metric("lianxian_ticket_outbox_pending", "sink=\"builtin\"");
        let events = records.iter().map(|record| {
            client.get(&format!("/v1/tickets/{}/events", record["ticket_id"].as_str().unwrap())).json()["events"]
                .clone()
        });
        let events: Vec<Value> = events.flat_map(|events| events.as_array().unwrap().clone()).collect();
        (pending < 0.5 && events.iter().any(|event| event["event"] == "tagged")).then_some(events)
    });
    must_be_whole(&kept);
    assert!(town.daemon.metric("lianxian_ticket_events_total", "result=\"taken\",sink=\"builtin\"") >= 3.0);
    town.citizen.finish().must_switch(AGENT_HZ, THIRD_HZ);
    town.daemon.ends_clean();
}
