//! Asking a gateway whether it is alive.

use super::*;
use crate::sip::fact::{Loss, ProbeId, ProbeResult};
use crate::sip::flow::FlowFailure;
use crate::sip::order::Probe;

fn probe(bench: &mut Bench, id: u64) -> Sent {
    let uri = Uri::sip(None, Host::Ip("192.0.2.10".parse().unwrap()), None);
    let probe = Probe { id: ProbeId(id), trunk: TrunkId::from("t1"), flow: flow(TRUNK), uri };
    bench.endpoint.probe(bench.now, probe);
    bench.drain();
    bench.only()
}

fn results(bench: &mut Bench) -> Vec<(u64, ProbeResult)> {
    let found = bench.events.iter().filter_map(|event| match event {
        Event::Probed { id, result } => Some((id.0, *result)),
        _ => None,
    });
    let found = found.collect();
    bench.events.clear();
    found
}

#[test]
fn a_probe_tells_the_final_answer_whatever_it_is_or_that_there_is_none() {
    let mut bench = Bench::new();
    let options = probe(&mut bench, 7);
    assert!(options.is("OPTIONS sip:192.0.2.10 SIP/2.0"));
    assert_eq!((options.header("To"), options.tag("From").len()), ("<sip:192.0.2.10>", 18));
    bench.receive(TRUNK, &answer(&options, 100, "", ""));
    // Another trunk must not vouch for it.
    bench.receive(OTHER_TRUNK, &answer(&options, 200, "b1", ""));
    assert_eq!(results(&mut bench), []);
    bench.receive(TRUNK, &answer_with(&options, 503, "b1", "Retry-After: 9\r\n", ""));
    let retry_after = Some(Duration::from_secs(9));
    assert_eq!(results(&mut bench), [(7, ProbeResult::Answered { code: 503, retry_after })]);

    probe(&mut bench, 8);
    bench.advance(Duration::from_secs(32));
    assert_eq!(results(&mut bench), [(8, ProbeResult::Lost(Loss::Timeout))]);
    bench.sent();

    probe(&mut bench, 9);
    bench.endpoint.flow_failed(bench.now, flow(TRUNK), FlowFailure::Refused);
    bench.drain();
    assert_eq!(results(&mut bench), [(9, ProbeResult::Lost(Loss::Transport))]);
    bench.assert_empty_in_the_end();
}
