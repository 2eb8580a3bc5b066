use super::*;

const FIVE: Duration = Duration::from_secs(5);
const EVEN: u16 = 1_000;

fn at(ms: u64) -> Instant {
    Instant::START + Duration::from_millis(ms)
}

fn gateway() -> Health {
    Health::new(at(0), FIVE, Duration::ZERO)
}

/// Lets time pass to the next deadline; answers each probe by `answer`.
fn run(health: &mut Health, until: Instant, mut answer: impl FnMut(Instant) -> Option<Sign>) {
    let mut probes = 0;
    while let Some(next) = health.next_timeout().filter(|next| *next <= until) {
        match health.on_time(next, 2_000) {
            Due::Probe => {
                probes += 1;
                if let Some(sign) = answer(next) {
                    health.on_probe(next, sign, 2_000);
                }
            }
            Due::Nothing => {}
        }
    }
    assert!(probes < 1_000, "probes storm");
}

#[test]
fn silence_is_noticed_within_15_s_wherever_it_begins() {
    for begins in (0..20_000).step_by(100) {
        let mut health = gateway();
        let silent_from = at(30_000 + begins);
        let until = silent_from + Duration::from_secs(15);
        run(&mut health, until, |now| (now < silent_from).then_some(Sign::Works));
        assert_eq!(health.state(), State::Down, "silent from {silent_from:?}");
    }
}

#[test]
fn one_lost_probe_is_no_failure_of_the_gateway() {
    let mut health = gateway();
    let mut asked = 0;
    run(&mut health, at(60_000), |_| {
        asked += 1;
        (asked % 4 != 0).then_some(Sign::Works)
    });
    assert_eq!(health.state(), State::Up);
    assert!(asked > 10, "it is asked about every 5 s: {asked}");
}

#[test]
fn a_503_to_the_probe_is_not_health() {
    let mut health = gateway();
    assert_eq!(health.on_time(at(0), EVEN), Due::Probe);
    health.on_probe(at(10), Sign::Overloaded(None), EVEN);
    assert_eq!(health.state(), State::Down);
    assert_eq!(health.access(at(11)), Access::LastResort);
}

#[test]
fn half_open_takes_one_call_at_a_time_until_one_goes_through() {
    let mut health = gateway();
    health.on_call(at(0), Sign::Failed);
    health.on_call(at(1), Sign::Failed);
    assert_eq!(health.state(), State::Down);
    assert_eq!(health.on_time(at(5_500), EVEN), Due::Probe);
    health.on_probe(at(5_510), Sign::Works, EVEN);
    assert_eq!(health.access(at(5_520)), Access::Trial);
    health.call_begins(at(5_520));
    assert_eq!(health.access(at(5_530)), Access::LastResort, "a second one waits");
    assert_eq!(health.access(at(10_520)), Access::Trial, "a trial without a word ends by itself");
    health.on_call(at(10_530), Sign::Works);
    assert_eq!(health.state(), State::Up);
}

#[test]
fn half_open_falls_back_at_the_first_failure_and_rises_at_the_second_answer() {
    let mut health = gateway();
    for sign in [Sign::Failed, Sign::Failed] {
        health.on_call(at(0), sign);
    }
    health.on_probe(at(5_000), Sign::Works, EVEN);
    health.on_call(at(5_100), Sign::Failed);
    assert_eq!(health.state(), State::Down);
    health.on_probe(at(10_000), Sign::Works, EVEN);
    assert_eq!(health.state(), State::HalfOpen(Trial::Free));
    health.on_probe(at(15_000), Sign::Works, EVEN);
    assert_eq!(health.state(), State::Up);
}

#[test]
fn retry_after_is_honoured_and_capped() {
    let mut health = gateway();
    health.on_call(at(0), Sign::Overloaded(Some(Duration::from_secs(20))));
    assert_eq!(health.access(at(1)), Access::Resting);
    assert_eq!(health.on_time(at(19_999), EVEN), Due::Nothing, "it is not asked while it rests");
    assert_eq!(health.on_time(at(20_000), EVEN), Due::Probe);
    assert_eq!(health.access(at(20_000)), Access::Trial);
    health.on_call(at(20_001), Sign::Overloaded(Some(Duration::from_secs(86_400))));
    assert_eq!(health.next_timeout(), Some(at(80_001)));
}

#[test]
fn every_kind_of_failure_counts() {
    for signs in
        [[Sign::Failed, Sign::Failed], [Sign::Overloaded(None), Sign::Failed], [Sign::Failed, Sign::Overloaded(None)]]
    {
        let mut health = gateway();
        health.on_call(at(0), signs[0]);
        health.on_call(at(1), Sign::Heard);
        health.on_call(at(2), signs[1]);
        assert_eq!(health.state(), State::Down, "{signs:?}: a 100 between them proves nothing");
    }
}

#[test]
fn traffic_that_proves_it_alive_spares_the_probe() {
    let mut health = gateway();
    health.on_call(at(0), Sign::Works);
    assert_eq!(health.on_time(at(0), EVEN), Due::Nothing);
    assert_eq!(health.on_time(at(5_000), EVEN), Due::Probe, "nothing was heard since");
}

#[test]
fn a_gateway_that_is_never_asked_comes_back_by_time() {
    let mut health = Health::new(at(0), Duration::ZERO, Duration::ZERO);
    assert_eq!(health.next_timeout(), None);
    health.on_call(at(0), Sign::Failed);
    health.on_call(at(1), Sign::Failed);
    assert_eq!(health.state(), State::Down);
    assert_eq!(health.on_time(at(30_001), EVEN), Due::Nothing);
    assert_eq!(health.access(at(30_001)), Access::Trial);
    assert_eq!(health.next_timeout(), None);
}
