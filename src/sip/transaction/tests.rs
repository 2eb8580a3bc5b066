//! The four machines, each as a table of inputs, effects and the state after them.

use std::time::Duration;

use smallvec::SmallVec;

use super::client::Client;
use super::client_invite::{ClientInput, ClientInvite};
use super::machine::{Class, Effect, Scene};
use super::server::Server;
use super::server_invite::{ServerInput, ServerInvite};
use super::timers::{Reliability, Timer, Timing};
use crate::base::time::Instant;
use crate::base::timer::TimerTable;

/// A machine's surroundings that outlive one input.
struct Stage {
    reliability: Reliability,
    now: Instant,
    timers: TimerTable<Timer>,
}

impl Stage {
    fn new(reliability: Reliability) -> Self {
        Self { reliability, now: Instant::START, timers: TimerTable::default() }
    }

    fn play<S>(&mut self, act: impl FnOnce(&mut Scene<'_>) -> S) -> (S, Vec<Effect>) {
        let (now, reliability, timers) = (self.now, self.reliability, &mut self.timers);
        let mut scene = Scene { now, timing: Timing::default(), reliability, timers, effects: SmallVec::new() };
        let state = act(&mut scene);
        (state, scene.effects.to_vec())
    }

    /// The next timer, at its time.
    fn next(&mut self) -> Option<(Timer, f64)> {
        self.now = self.timers.next_timeout()?;
        let timer = self.timers.expire(self.now)?;
        Some((timer, self.now.since(Instant::START).as_secs_f64()))
    }
}

const UDP: Reliability = Reliability::Unreliable;
const TCP: Reliability = Reliability::Reliable;

fn response(class: Class) -> ClientInput {
    ClientInput::Response(class)
}

#[test]
fn client_invite_in_each_state() {
    use Effect::{Acknowledge, Deliver, TimedOut, Transmit, TransportFailed};
    type Row = (Reliability, &'static [ClientInput], &'static [Effect], &'static str, &'static [Timer]);
    const PROVISIONAL: ClientInput = ClientInput::Response(Class::Provisional);
    const SUCCESS: ClientInput = ClientInput::Response(Class::Success);
    const REFUSAL: ClientInput = ClientInput::Response(Class::Refusal);
    const GONE: ClientInput = ClientInput::Timer(Timer::B);
    let table: &[Row] = &[
        (UDP, &[], &[Transmit], "Calling", &[Timer::A, Timer::B]),
        (TCP, &[], &[Transmit], "Calling", &[Timer::B]),
        (UDP, &[ClientInput::Timer(Timer::A)], &[Transmit], "Calling", &[Timer::A, Timer::B]),
        (UDP, &[ClientInput::Timer(Timer::B)], &[TimedOut], "GivenUp", &[Timer::M]),
        (UDP, &[GONE, PROVISIONAL], &[Deliver], "Recalled", &[Timer::M]),
        (UDP, &[GONE, PROVISIONAL, PROVISIONAL], &[], "Recalled", &[Timer::M]),
        (UDP, &[GONE, SUCCESS], &[Deliver], "Accepted", &[Timer::M]),
        (UDP, &[GONE, REFUSAL], &[Acknowledge], "Completed", &[Timer::D]),
        (TCP, &[GONE, REFUSAL], &[Acknowledge], "Terminated", &[]),
        (UDP, &[GONE, ClientInput::Timer(Timer::M)], &[], "Terminated", &[]),
        (UDP, &[GONE, ClientInput::TransportFailed], &[], "Terminated", &[]),
        (UDP, &[PROVISIONAL, ClientInput::Abandoned], &[], "Recalled", &[Timer::M]),
        (UDP, &[PROVISIONAL, ClientInput::Abandoned, SUCCESS], &[Deliver], "Accepted", &[Timer::M]),
        (UDP, &[PROVISIONAL, ClientInput::Abandoned, REFUSAL], &[Acknowledge], "Completed", &[Timer::D]),
        (UDP, &[PROVISIONAL, ClientInput::Abandoned, ClientInput::Timer(Timer::M)], &[], "Terminated", &[]),
        (UDP, &[ClientInput::TransportFailed], &[TransportFailed], "Terminated", &[]),
        (UDP, &[PROVISIONAL], &[Deliver], "Proceeding", &[]),
        (UDP, &[PROVISIONAL, PROVISIONAL], &[Deliver], "Proceeding", &[]),
        (UDP, &[SUCCESS], &[Deliver], "Accepted", &[Timer::M]),
        (UDP, &[SUCCESS, SUCCESS], &[Deliver], "Accepted", &[Timer::M]),
        (UDP, &[SUCCESS, REFUSAL], &[], "Accepted", &[Timer::M]),
        (UDP, &[SUCCESS, ClientInput::Timer(Timer::M)], &[], "Terminated", &[]),
        (UDP, &[PROVISIONAL, REFUSAL], &[Acknowledge, Deliver], "Completed", &[Timer::D]),
        (UDP, &[REFUSAL, REFUSAL], &[Acknowledge], "Completed", &[Timer::D]),
        (UDP, &[REFUSAL, SUCCESS], &[], "Completed", &[Timer::D]),
        (UDP, &[REFUSAL, ClientInput::Timer(Timer::D)], &[], "Terminated", &[]),
        (TCP, &[REFUSAL], &[Acknowledge, Deliver], "Terminated", &[]),
    ];
    for (reliability, inputs, effects, state, timers) in table {
        let mut stage = Stage::new(*reliability);
        let (mut machine, mut last) = stage.play(ClientInvite::start);
        for input in *inputs {
            if let ClientInput::Timer(timer) = input {
                stage.timers.stop(*timer);
            }
            (machine, last) = stage.play(|scene| machine.handle(scene, *input));
        }
        assert_eq!(&last, effects, "{inputs:?}");
        assert!(format!("{machine:?}").starts_with(state), "{inputs:?}: {machine:?}");
        assert_eq!(stage.timers.len(), timers.len(), "{inputs:?}");
        assert!(timers.iter().all(|timer| stage.timers.get(*timer).is_some()), "{inputs:?}");
    }
}

#[test]
fn client_in_each_state() {
    let mut stage = Stage::new(UDP);
    let (mut machine, effects) = stage.play(Client::start);
    assert_eq!(effects, [Effect::Transmit]);
    // RFC 3261 17.1.2.2: T1 doubled up to T2; once a provisional response has come, T2.
    let mut times = Vec::new();
    for _ in 0..4 {
        let (timer, at) = stage.next().unwrap();
        assert_eq!(timer, Timer::E);
        times.push(at);
        machine = stage.play(|scene| machine.handle(scene, ClientInput::Timer(timer))).0;
    }
    assert_eq!(times, [0.5, 1.5, 3.5, 7.5]);
    let (machine, effects) = stage.play(|scene| machine.handle(scene, response(Class::Provisional)));
    assert_eq!(effects, [Effect::Deliver]);
    let (machine, effects) = stage.play(|scene| machine.handle(scene, response(Class::Refusal)));
    assert_eq!(effects, [Effect::Deliver]);
    assert_eq!(machine, Client::Completed);
    let (machine, effects) = stage.play(|scene| machine.handle(scene, response(Class::Refusal)));
    assert!(effects.is_empty(), "a repetition is swallowed");
    let (timer, _) = stage.next().unwrap();
    assert_eq!(timer, Timer::K);
    assert_eq!(stage.play(|scene| machine.handle(scene, ClientInput::Timer(timer))).0, Client::Terminated);
}

#[test]
fn server_invite_in_each_state() {
    use Effect::{Deliver, Settled, TimedOut, Transmit, TransportFailed};
    type Row = (Reliability, &'static [ServerInput], &'static [Effect], &'static str, usize);
    const RING: ServerInput = ServerInput::Respond(Class::Provisional);
    const ACCEPT: ServerInput = ServerInput::Respond(Class::Success);
    const REFUSE: ServerInput = ServerInput::Respond(Class::Refusal);
    let table: &[Row] = &[
        (UDP, &[ServerInput::Repeated], &[Transmit], "Proceeding", 0),
        (UDP, &[RING], &[Transmit], "Proceeding", 0),
        (UDP, &[ServerInput::TransportFailed], &[TransportFailed], "Proceeding", 0),
        (UDP, &[ACCEPT], &[Transmit], "Accepted", 1),
        (UDP, &[ACCEPT, ServerInput::Repeated], &[], "Accepted", 1),
        (UDP, &[ACCEPT, ServerInput::Acknowledged], &[Deliver], "Accepted", 1),
        (UDP, &[ACCEPT, REFUSE], &[], "Accepted", 1),
        (UDP, &[ACCEPT, ServerInput::Timer(Timer::L)], &[], "Terminated", 0),
        (UDP, &[REFUSE], &[Transmit], "Completed", 2),
        (TCP, &[REFUSE], &[Transmit], "Completed", 1),
        (UDP, &[REFUSE, ServerInput::Repeated], &[Transmit], "Completed", 2),
        (UDP, &[REFUSE, ACCEPT], &[], "Completed", 2),
        (UDP, &[REFUSE, ServerInput::Timer(Timer::G)], &[Transmit], "Completed", 2),
        (UDP, &[REFUSE, ServerInput::Timer(Timer::H)], &[TimedOut], "Terminated", 0),
        (UDP, &[REFUSE, ServerInput::Acknowledged], &[Settled], "Confirmed", 1),
        (TCP, &[REFUSE, ServerInput::Acknowledged], &[Settled], "Terminated", 0),
        (UDP, &[REFUSE, ServerInput::Acknowledged, ServerInput::Acknowledged], &[], "Confirmed", 1),
        (UDP, &[REFUSE, ServerInput::Acknowledged, ServerInput::Timer(Timer::I)], &[], "Terminated", 0),
    ];
    for (reliability, inputs, effects, state, timers) in table {
        let mut stage = Stage::new(*reliability);
        let (mut machine, mut last) = (ServerInvite::Proceeding, Vec::new());
        for input in *inputs {
            if let ServerInput::Timer(timer) = input {
                stage.timers.stop(*timer);
            }
            (machine, last) = stage.play(|scene| machine.handle(scene, *input));
        }
        assert_eq!(&last, effects, "{inputs:?}");
        assert!(format!("{machine:?}").starts_with(state), "{inputs:?}: {machine:?}");
        assert_eq!(stage.timers.len(), *timers, "{inputs:?}");
    }
}

#[test]
fn server_in_each_state() {
    let accept = ServerInput::Respond(Class::Success);
    let mut stage = Stage::new(UDP);
    let (machine, effects) = stage.play(|scene| Server::Trying.handle(scene, ServerInput::Repeated));
    assert_eq!((machine, effects.as_slice()), (Server::Trying, &[][..]), "RFC 4320: silence until the answer");
    let (machine, effects) = stage.play(|scene| Server::Trying.handle(scene, accept));
    assert_eq!((&machine, effects.as_slice()), (&Server::Completed, &[Effect::Transmit][..]));
    let (machine, effects) = stage.play(|scene| machine.handle(scene, ServerInput::Repeated));
    assert_eq!(effects, [Effect::Transmit], "I4: the same answer again");
    assert_eq!(stage.next(), Some((Timer::J, 32.0)));
    let (machine, _) = stage.play(|scene| machine.handle(scene, ServerInput::Timer(Timer::J)));
    assert_eq!(machine, Server::Terminated);
    let mut stage = Stage::new(TCP);
    assert_eq!(stage.play(|scene| Server::Trying.handle(scene, accept)).0, Server::Terminated);
}

#[test]
fn timer_d_lasts_at_least_32_seconds_whatever_t1_is() {
    let quick = Timing { t1: Duration::from_millis(50), ..Timing::default() };
    assert_eq!(quick.patience(), Duration::from_millis(3_200));
    assert_eq!(quick.d(), Duration::from_secs(32));
}
