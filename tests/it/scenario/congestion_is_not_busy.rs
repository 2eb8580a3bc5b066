//! What a gateway says decides who is called next: congestion is the way's fault, a refusal is the callee's (T36, F8).

use std::time::Duration;

use super::silent_gateway_is_followed_in_2_s::{settle, world};
use crate::world::phone::OnInvite;

const AT_ONCE: Duration = Duration::from_millis(20);

#[test]
fn congestion_is_followed_by_the_next_gateway_within_100_ms() {
    for (seed, code) in [(120, 503), (121, 500), (122, 408), (123, 504)] {
        let (mut w, [full, next], _) = world(seed, Duration::ZERO);
        w.on_invite(full, OnInvite::Refuse { code, after: AT_ONCE });
        let caller = w.citizen("13900001111");
        w.calls(caller, "110");
        let refused = w.run_until(Duration::from_secs(2), |w| w.phones[full].got("ACK") > 0);
        w.must(refused, "the refusal is acknowledged");
        let since = w.now;
        let called = w.run_until(Duration::from_secs(2), |w| w.phones[next].got("INVITE") > 0);
        w.must(called, "the next gateway is called");
        assert!(w.now - since < Duration::from_millis(100), "{code}: {:?}", w.now - since);
        w.until_talking(caller, next);
        w.hangs_up(caller);
        settle(&mut w);
    }
}

#[test]
fn a_callee_who_says_no_is_not_rung_by_another_gateway() {
    for (seed, code) in [(130, 486), (131, 600), (132, 603)] {
        let (mut w, [busy, other], duty) = world(seed, Duration::ZERO);
        w.on_invite(busy, OnInvite::Refuse { code, after: AT_ONCE });
        let caller = w.citizen("13900001111");
        w.calls(caller, "110");
        w.until_talking(caller, duty);
        assert_eq!((w.phones[busy].got("INVITE"), w.phones[other].got("INVITE")), (1, 0), "{code}");
        w.hangs_up(caller);
        settle(&mut w);
    }
}
