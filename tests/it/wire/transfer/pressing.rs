//! Who presses: telephones of three makers by REFER, and other systems by a command over HTTP. Each telephone shows the
//! agent how it goes in its own way; the caller reaches the seat of 110, which sees the citizen's number, and the
//! telephone is released.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::wire::baresip::Baresip;
use crate::wire::client::Client;
use crate::wire::linphone::Linphone;
use crate::wire::loopback::Loopback;
use crate::wire::phone::{Phone, PhoneSetup, Pickup};
use crate::wire::setup::{CITIZEN, DAEMON, Daemon, REALM, Setup};
use crate::wire::sipp::{Sipp, SippSetup};
use crate::wire::sound::{AGENT_HZ, CITIZEN_HZ, THIRD_HZ, Voice};

/// A citizen in talk with a registered agent, and a seat of 110 that answers.
struct Scene {
    daemon: Daemon,
    citizen: Sipp,
    seat: Sipp,
    ear: Voice,
    mouth: Voice,
}

fn setup<'a>(net: &'a Loopback) -> Setup<'a> {
    Setup::new(net)
        .trunk("citizens", (net.host(2), 5060))
        .trunk("police", (net.host(10), 5060))
        .rings_agents()
        .agent("1001")
        .hotline("110", &[("police", "110")])
}

impl Scene {
    /// The citizen calls, and talks for a second with whoever has answered.
    fn begin(net: &Loopback, daemon: Daemon, talk: Duration) -> Self {
        Self::begin_with(net, daemon, talk, "desk_answers")
    }

    /// The same, with another scenario for the seat.
    fn begin_with(net: &Loopback, daemon: Daemon, talk: Duration, seat: &'static str) -> Self {
        let (trunk, police): (Ipv4Addr, Ipv4Addr) = (net.host(2), net.host(10));
        let mut ear = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
        let mouth = Voice::new((police, 4_000).into(), THIRD_HZ);
        let seat = SippSetup::new(seat, police, daemon.sip, mouth.address()).start(net);
        let setup = SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address());
        let mut citizen = SippSetup { talk, ..setup }.start(net);
        ear.speak_to(citizen.media());
        std::thread::sleep(Duration::from_millis(1_500));
        ear.so_far().must_hear(AGENT_HZ, Duration::from_millis(500));
        Self { daemon, citizen, seat, ear, mouth }
    }

    /// The seat answers and speaks.
    fn seat_speaks(&mut self) {
        self.mouth.speak_to(self.seat.media());
    }

    /// The citizen has heard the seat from the agent's last word on.
    fn ends_well(self) {
        self.ends_well_but(Duration::from_millis(200));
    }

    /// The same, where the agent's telephone itself is silent for a while.
    fn ends_well_but(self, silent: Duration) {
        self.citizen.passes();
        self.seat.passes();
        let heard = self.ear.finish();
        heard.must_switch(AGENT_HZ, THIRD_HZ);
        let silence = heard.longest_silence();
        assert!(silence <= silent + Duration::from_millis(20), "silence of {silence:?}; {}", heard.summary());
        self.mouth.finish().must_hear(CITIZEN_HZ, Duration::from_millis(1_500));
        self.daemon.ends_clean();
    }
}

fn pjsua(net: &Loopback, daemon: &Daemon) -> Phone {
    PhoneSetup::new("1001", net.host(97), AGENT_HZ).register(net, daemon.sip)
}

#[test]
fn pjsua_presses_transfer() {
    let net = Loopback::new("pjsua-refers");
    let daemon = setup(&net).start();
    let mut agent = pjsua(&net, &daemon);
    let mut scene = Scene::begin(&net, daemon, Duration::from_millis(6_500));
    agent.process.tell(&format!("transfer sip:110@{REALM}"));
    scene.seat_speaks();
    agent.process.expect("transfer 200 final");
    agent.process.expect("state DISCONNECTED");
    scene.ends_well();
    agent.finish().must_hear(CITIZEN_HZ, Duration::from_secs(1));
}

/// A telephone without a transfer key: the code is typed, and the caller hears nothing of it but the switch-over.
#[test]
fn pjsua_types_a_code() {
    let net = Loopback::new("pjsua-types");
    let daemon = setup(&net).feature_code("*110#", "110").start();
    let mut agent = pjsua(&net, &daemon);
    let mut scene = Scene::begin(&net, daemon, Duration::from_millis(8_500));
    agent.process.tell("digits *110#");
    scene.seat_speaks();
    agent.process.expect("state DISCONNECTED");
    // It sends its keys in the place of its voice, five of 200 ms and the pauses between them.
    scene.ends_well_but(Duration::from_millis(1_400));
    // Two tones in the place of the citizen's voice tell the agent that the code was taken: 320 ms, and nothing longer.
    let heard = agent.finish();
    assert!(heard.heard(CITIZEN_HZ) >= Duration::from_secs(1), "{}", heard.summary());
    let signal = heard.longest_gap(CITIZEN_HZ);
    assert!((200..=420).contains(&signal.as_millis()), "the signal took {signal:?}; {}", heard.summary());
}

/// Trap T31: the caller hears music while it is held, and the seat hears the caller although the agent never resumed.
#[test]
fn pjsua_holds_and_then_presses_transfer() {
    let net = Loopback::new("pjsua-holds");
    let daemon = setup(&net).start();
    let mut agent = pjsua(&net, &daemon);
    let mut scene = Scene::begin(&net, daemon, Duration::from_millis(7_500));
    agent.process.tell("hold");
    agent.process.expect("media held");
    agent.process.tell(&format!("transfer sip:110@{REALM}"));
    scene.seat_speaks();
    agent.process.expect("transfer 200 final");
    agent.process.expect("state DISCONNECTED");
    scene.citizen.passes();
    scene.seat.passes();
    let heard = scene.ear.finish();
    heard.must_hear(THIRD_HZ, Duration::from_millis(1_500));
    scene.mouth.finish().must_hear(CITIZEN_HZ, Duration::from_millis(1_500));
    scene.daemon.ends_clean();
}

/// Trap T44: the agent holds, asks the seat in a call of its own, and joins the two; before the seat's answer or after it.
fn pjsua_joins(name: &str, asks_first: bool) {
    let net = Loopback::new(name);
    let daemon = setup(&net).start();
    let mut agent = pjsua(&net, &daemon);
    let pickup = if asks_first { Pickup::AtOnce } else { Pickup::WhenTold };
    let seat = PhoneSetup { pickup, ..PhoneSetup::new("110", net.host(10), THIRD_HZ) };
    let mut seat = seat.behind_its_trunk(&net, daemon.sip);
    let ear = Voice::new((net.host(2), 4_000).into(), CITIZEN_HZ);
    let citizen = SippSetup::new("citizen_calls", net.host(2), daemon.sip, ear.address());
    let mut citizen = SippSetup { talk: Duration::from_secs(10), ..citizen }.start(&net);
    ear.speak_to(citizen.media());
    std::thread::sleep(Duration::from_millis(1_500));
    agent.process.tell("hold");
    agent.process.expect("media held");
    agent.process.tell(&format!("consult sip:110@{REALM}"));
    seat.process.expect("incoming");
    std::thread::sleep(Duration::from_millis(1_500));
    agent.process.tell("join");
    if !asks_first {
        std::thread::sleep(Duration::from_millis(500));
        seat.process.tell("answer 200");
    }
    agent.process.expect("transfer 200 final");
    citizen.passes();
    let heard = ear.finish();
    heard.must_hear(AGENT_HZ, Duration::from_millis(500));
    heard.must_hear(THIRD_HZ, Duration::from_millis(1_500));
    heard.must_never_be_silent();
    seat.process.expect("state DISCONNECTED");
    let heard = seat.finish();
    heard.must_hear(CITIZEN_HZ, Duration::from_millis(1_500));
    if asks_first {
        heard.must_hear(AGENT_HZ, Duration::from_millis(500));
    }
    let ended = agent.process.printed().matches("state DISCONNECTED").count();
    assert_eq!(ended, 2, "the agent is released on both dialogs");
    agent.finish();
    daemon.ends_clean();
}

#[test]
fn pjsua_joins_the_seat_that_it_has_asked() {
    pjsua_joins("pjsua-joins", true);
}

#[test]
fn pjsua_joins_the_seat_that_still_rings() {
    pjsua_joins("pjsua-joins-early", false);
}

#[test]
fn baresip_presses_transfer() {
    let net = Loopback::new("baresip-refers");
    let daemon = setup(&net).old_telephones().start();
    let mut agent = Baresip::register(&net, "1001", net.host(97), AGENT_HZ, daemon.sip);
    let mut scene = Scene::begin(&net, daemon, Duration::from_millis(6_500));
    agent.command_with("transfer", &format!("sip:110@{REALM}"));
    scene.seat_speaks();
    scene.ends_well();
    agent.heard().must_hear(CITIZEN_HZ, Duration::from_secs(1));
}

#[test]
fn linphone_presses_transfer() {
    let net = Loopback::new("linphone-refers");
    let daemon = setup(&net).old_telephones().start();
    let mut agent = Linphone::register(&net, "1001", net.host(97), AGENT_HZ, daemon.sip);
    let mut scene = Scene::begin(&net, daemon, Duration::from_millis(6_500));
    agent.transfers_to("110");
    scene.seat_speaks();
    agent.process.expect("ended");
    scene.ends_well();
}

/// F34: the telephone dies in mid-transfer. Nobody says goodbye, and the caller reaches the seat all the same.
#[test]
fn a_telephone_that_dies_after_the_press_takes_nobody_along() {
    let net = Loopback::new("dies-pressing");
    let daemon = setup(&net).start();
    let phone = PhoneSetup { transport: "tcp", ..PhoneSetup::new("1001", net.host(97), AGENT_HZ) };
    let mut agent = phone.register(&net, daemon.sip);
    let mut scene = Scene::begin(&net, daemon, Duration::from_millis(6_500));
    agent.process.tell(&format!("transfer sip:110@{REALM}"));
    agent.process.expect("transfer 180 more");
    agent.process.kill();
    scene.seat_speaks();
    let Scene { daemon, citizen, seat, ear, mouth } = scene;
    citizen.passes();
    seat.passes();
    let heard = ear.finish();
    heard.must_hear(THIRD_HZ, Duration::from_secs(2));
    // What is left of the 300 ms in which the seat rings.
    assert!(heard.longest_silence() < Duration::from_millis(600), "silence of {:?}", heard.longest_silence());
    mouth.finish().must_hear(CITIZEN_HZ, Duration::from_secs(2));
    daemon.ends_clean();
}

/// A CTI server.
fn cti(net: &Loopback) -> Client<'static> {
    Client { at: (net.host(DAEMON), 8080).into(), name: "cti" }
}

#[test]
fn a_cti_server_presses_transfer_for_a_telephone_that_has_no_key() {
    let net = Loopback::new("cti-presses");
    let daemon = setup(&net).agent("1002").http().start();
    let mut agent = pjsua(&net, &daemon);
    let mut scene = Scene::begin(&net, daemon, Duration::from_millis(6_500));
    let answer = cti(&net).ask("POST", &format!("/v1/calls/caller:{CITIZEN}/transfers"), "", r#"{"to":"110"}"#);
    assert_eq!(answer.status, 202, "{answer:?}");
    scene.seat_speaks();
    // The telephone sees no REFER and no NOTIFY; it is released all the same.
    agent.process.expect("state DISCONNECTED");
    scene.ends_well();
    agent.finish().must_hear(CITIZEN_HZ, Duration::from_secs(1));
}

#[test]
fn a_transfer_that_is_given_up_before_the_answer_changes_nothing() {
    let net = Loopback::new("cti-cancels");
    let daemon = setup(&net).agent("1002").http().start();
    let mut agent = pjsua(&net, &daemon);
    let Scene { daemon, citizen, seat, ear, mouth } =
        Scene::begin_with(&net, daemon, Duration::from_millis(4_500), "seat_rings");
    let answer = cti(&net).ask("POST", "/v1/calls/agent:1001/transfers", "", r#"{"to":"110"}"#);
    assert_eq!(answer.status, 202, "{answer:?}");
    let place = answer.header("location");
    std::thread::sleep(Duration::from_millis(500));
    let answer = cti(&net).ask("DELETE", place, "", "");
    assert!((200..300).contains(&answer.status), "{answer:?}");
    seat.passes();
    citizen.passes();
    agent.process.expect("state DISCONNECTED");
    let heard = ear.finish();
    heard.must_hear(AGENT_HZ, Duration::from_secs(1));
    heard.must_never_be_silent();
    assert_eq!(mouth.finish().any_sound(), Duration::ZERO);
    daemon.ends_clean();
}

/// V20: nothing that is not configured is dialled, the call goes on, and one line of the log says who asked for what.
#[test]
fn a_transfer_to_nowhere_is_declined_and_changes_nothing() {
    let net = Loopback::new("pjsua-nowhere");
    let daemon = setup(&net).start();
    let mut agent = pjsua(&net, &daemon);
    let scene = Scene::begin(&net, daemon, Duration::from_secs(4));
    agent.process.tell(&format!("transfer sip:0085212345678@{REALM}"));
    agent.process.expect("transfer 603 final");
    let Scene { daemon, citizen, seat, ear, mouth } = scene;
    citizen.passes();
    let heard = ear.finish();
    heard.must_hear(AGENT_HZ, Duration::from_secs(1));
    heard.must_never_be_silent();
    assert_eq!(mouth.finish().any_sound(), Duration::ZERO);
    drop(seat);
    let audit = daemon.log_lines("transfer_refused");
    assert_eq!(audit.len(), 1, "{audit:?}");
    assert!(audit[0].contains("\"leg\":") && audit[0].contains("NotConfigured"), "{audit:?}");
    daemon.ends_clean();
}
