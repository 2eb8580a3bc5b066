//! A desk and a CTI server at the HTTP interface of the real daemon, with real calls.

use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use super::loopback::Loopback;
use super::phone::PhoneSetup;
use super::setup::{CITIZEN, DAEMON, Setup};
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, THIRD_HZ, Voice};

const MASKED: &str = "139****1111";

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[test]
fn a_call_is_shown_to_its_agent_and_told_on_both_streams_without_a_hole() {
    let net = Loopback::new("http");
    let trunk = net.host(2);
    let daemon =
        Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").agent("1002").http().start();
    let at = (net.host(DAEMON), 8080).into();
    let client = |name| Client { at, name };
    let (server_sent, socket) = (client("cti").listens(""), client("cti").connects());
    let mut agent = PhoneSetup::new("1001", net.host(97), AGENT_HZ).register(&net, daemon.sip);
    let ear = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address()).start(&net);
    ear.speak_to(citizen.media());
    agent.process.expect("state CONFIRMED");
    let first = server_sent.until("party.answered");
    assert_eq!(types(&first), ["call.arrived", "party.dialled", "party.answered"]);
    assert_eq!(first[0]["caller"], MASKED);

    // Who sees what.
    let call = client("desk-of-1001").get("/v1/calls/agent:1001");
    assert_eq!((call.status, &call.json()["id"]), (200, &first[0]["call"]));
    assert_eq!(call.json()["caller"], MASKED);
    assert_eq!(client("desk-of-1002").get("/v1/calls/agent:1001").status, 404);
    assert!(client("desk-of-1002").get("/v1/calls").json()["calls"].as_array().unwrap().is_empty());
    assert_eq!(client("entitled").get("/v1/calls/agent:1001").json()["caller"], CITIZEN);
    assert!(!client("entitled").get("/v1/calls").body.contains(CITIZEN));

    // The stream is cut while something happens, and goes on where it was.
    let last = first.last().unwrap()["seq"].clone();
    server_sent.cut();
    citizen.passes();
    agent.process.tell("quit");
    let resumed = client("cti").listens(&format!("Last-Event-ID: {last}\r\n"));
    let rest = resumed.until("call.released");
    let whole = socket.until("call.released");
    assert_eq!(numbers(&whole), numbers(&[first, rest].concat()), "nothing is missing and nothing twice");
    assert!(whole.iter().all(|event| !event.to_string().contains(CITIZEN)), "numbers are masked");
    assert_eq!(whole.last().unwrap()["ending"], "caller_hung_up");
    daemon.ends_clean();
}

#[test]
fn a_desk_hands_its_call_to_110_and_a_cti_server_watches_each_step() {
    let net = Loopback::new("http-transfer");
    let (trunk, police) = (net.host(2), net.host(3));
    let daemon = Setup::new(&net)
        .trunk("citizens", (trunk, 5060))
        .trunk("police", (police, 5060))
        .rings_agents()
        .hotline("110", &[("police", "110")])
        .agent("1001")
        .agent("1002")
        .http()
        .start();
    let at = (net.host(DAEMON), 8080).into();
    let client = |name| Client { at, name };
    let (server_sent, socket) = (client("cti").listens(""), client("cti").connects());
    let mut agent = PhoneSetup::new("1001", net.host(97), AGENT_HZ).register(&net, daemon.sip);
    let mut ear = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mouth = Voice::new((police, 4_000).into(), THIRD_HZ);
    let mut seat = SippSetup::new("desk_answers", police, daemon.sip, mouth.address()).start(&net);
    let patient = Duration::from_secs(6);
    let citizen = SippSetup { talk: patient, ..SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address()) };
    let mut citizen = citizen.start(&net);
    ear.speak_to(citizen.media());
    agent.process.expect("state CONFIRMED");
    let first = server_sent.until("party.answered");

    // Pressed twice by an impatient finger; and by somebody whose call it is not.
    let press = |name| {
        let body = "{\"to\":\"110\",\"mode\":\"one_click\",\"urgency\":\"urgent\"}";
        client(name).ask("POST", "/v1/calls/agent:1001/transfers", "Idempotency-Key: press-1\r\n", body)
    };
    assert_eq!(press("desk-of-1002").status, 404, "another agent's call is not there");
    let (once, twice) = (press("desk-of-1001"), press("desk-of-1001"));
    assert_eq!((once.status, twice.status), (202, 202), "{once:?} {twice:?}");
    let location = once.header("location").to_owned();
    assert_eq!(twice.header("location"), location);
    let requested = server_sent.until("transfer.requested");
    let last = requested.last().unwrap()["seq"].clone();
    server_sent.cut();
    mouth.speak_to(seat.media());

    // The stream that was cut goes on where it was.
    let resumed = client("cti").listens(&format!("Last-Event-ID: {last}\r\n"));
    let rest = resumed.until("transfer.joined");
    let whole = socket.until("transfer.joined");
    assert_eq!(numbers(&whole), numbers(&[first, requested, rest].concat()), "nothing is missing and nothing twice");
    let steps = types(&whole).into_iter().filter(|kind| kind.starts_with("transfer.")).collect::<Vec<_>>();
    for step in ["transfer.requested", "transfer.dialling", "transfer.answered", "transfer.joined"] {
        assert_eq!(steps.iter().filter(|kind| **kind == step).count(), 1, "{step} once in {steps:?}");
    }
    assert!(whole.iter().all(|event| !event.to_string().contains(CITIZEN)), "numbers are masked");
    assert_eq!(client("cti").get(&location).json()["state"], "succeeded");

    std::thread::sleep(Duration::from_secs(1));
    ear.so_far().must_hear(THIRD_HZ, Duration::from_millis(400));
    citizen.passes();
    seat.passes();
    agent.process.tell("quit");
    let end = resumed.until("call.released");
    let transfers = end.last().unwrap()["transfers"].clone();
    assert_eq!((&transfers[0]["state"], transfers.as_array().unwrap().len()), (&"succeeded".into(), 1));
    daemon.ends_clean();
}

/// What strangers may do at this door: nothing, slowly.
#[test]
fn v33_without_a_token_nothing_is_told_and_the_listener_has_nothing_of_the_administrators() {
    let net = Loopback::new("http-strangers");
    let daemon = Setup::new(&net)
        .trunk("citizens", (net.host(2), 5060))
        .rings_agents()
        .agent("1001")
        .agent("1002")
        .http()
        .start();
    let at = (net.host(DAEMON), 8080).into();
    let stranger = Client { at, name: "nobody" };
    for path in ["/v1/calls", "/v1/agents", "/v1/events"] {
        let answer = stranger.get(path);
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    for path in ["/metrics", "/healthz", "/v1/admin/reload"] {
        assert_eq!(Client { at, name: "cti" }.get(path).status, 404, "{path}");
    }
    assert_eq!(stranger.get("/openapi.json").status, 200);
    let guesses = (0..60).map(|_| stranger.get("/v1/calls").status);
    assert!(guesses.filter(|status| *status == 429).count() > 20, "guessing is slow");
    assert_eq!(Client { at, name: "cti" }.get("/v1/calls").status, 200, "who knows the token is answered");
    daemon.ends_clean();
}
