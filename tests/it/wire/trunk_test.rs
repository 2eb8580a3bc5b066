//! `lianxian trunk test` beside the running daemon: a carrier's proxy that answers, gateways where nobody listens, that
//! take no calls or are silent, and a trunk that nobody has configured.

use std::net::UdpSocket;
use std::process::{Command, Output};

use serde_json::Value;

use super::desk::response;
use super::kamailio::Kamailio;
use super::loopback::Loopback;
use super::setup::{PASSWORD, Setup};

fn trunk_test(net: &Loopback, trunk: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lianxian"));
    command.args(["trunk", "test", trunk]).args(more).arg("--config").arg(net.file("config/lianxian.toml"));
    command.env("LIANXIAN_TEST_SECRET", PASSWORD).output().expect("the program is built")
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn each_gateway_says_whether_it_works_and_the_invite_of_a_call_is_shown() {
    let net = Loopback::new("trunk-test");
    let (edge, nobody, silent, busy) = (net.host(9), net.host(10), net.host(11), net.host(12));
    let daemon = Setup::new(&net)
        .trunk("edge", (edge, 5060))
        .trunk_with_gateways("pair", &[(nobody, 5060).into(), (busy, 5060).into()])
        .trunk("silent", (silent, 5060))
        .rings_trunk("edge", "6000")
        .start();
    let _edge = Kamailio::between(&net, edge, (net.host(2), 5060).into(), daemon.sip);

    let good = trunk_test(&net, "edge", &["--json", "--caller", "13912345678"]);
    let said = json(&good);
    assert_eq!(good.status.code(), Some(0), "{said:#}");
    assert_eq!((&said["works"], &said["gateways"][0]["code"]), (&true.into(), &200.into()), "{said:#}");
    assert!(said["gateways"][0]["milliseconds"].as_u64().is_some_and(|after| after < 4_000), "{said:#}");
    let invite = &said["call"]["invite"];
    assert_eq!(invite["request_uri"], format!("sip:6000@{edge}:5060"));
    assert!(invite["headers"].to_string().contains("13912345678"), "{said:#}");
    let words = trunk_test(&net, "edge", &[]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains(&format!("{edge}:5060 udp  works, answers 200, after ")), "{words}");
    assert!(words.contains(&format!("INVITE sip:6000@{edge}:5060")), "{words}");

    let taken = UdpSocket::bind((busy, 5060)).expect("the address is free");
    let overloaded = std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        let (length, from) = taken.recv_from(&mut buffer).expect("an OPTIONS");
        let options = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let answer = response(&options, "503 Service Unavailable", ";tag=busy", "");
        taken.send_to(answer.as_bytes(), from).expect("loopback carries it");
    });
    let neither = trunk_test(&net, "pair", &["--json"]);
    overloaded.join().expect("it was asked");
    let said = json(&neither);
    assert_eq!(neither.status.code(), Some(1), "{said:#}");
    let gateway = |number: usize| (&said["gateways"][number]["works"], &said["gateways"][number]["code"]);
    assert_eq!((gateway(0), gateway(1)), ((&false.into(), &Value::Null), (&false.into(), &503.into())), "{said:#}");
    assert!(said["gateways"][0]["says"].to_string().contains("nobody listens"), "{said:#}");
    assert_eq!(said["call"], Value::Null, "no plan dials a number on it");

    let _nothing_is_read_here = UdpSocket::bind((silent, 5060)).expect("the address is free");
    let mute = trunk_test(&net, "silent", &[]);
    assert_eq!(mute.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&mute.stdout).contains("says nothing within 4 s"), "{mute:?}");

    let unknown = trunk_test(&net, "nobody", &[]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no trunk of trunks.toml has that id"), "{unknown:?}");
    daemon.ends_clean();
}
