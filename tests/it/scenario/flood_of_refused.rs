//! A trunk floods us with calls that are refused and never acknowledges the refusals (V50, V11).

use std::time::Duration;

use crate::world::World;
use crate::world::sip_writer::SipText;

#[test]
fn refusals_that_nobody_acknowledges_do_not_pile_up() {
    let mut w = World::new(161);
    w.refusals_expected = true;
    let (caller, agent) = w.caller_and_agent_in_talk();
    let flooder = w.citizen("13900009999");
    let from = w.phones[flooder].address;
    let mut worst = 0;
    for second in 0..20 {
        for number in 0..200 {
            let name = format!("flood{second}n{number}");
            let invite = SipText::request("INVITE", "sip:5551234@192.0.2.201")
                .with("Via", format!("SIP/2.0/UDP {from};branch=z9hG4bK{name}"))
                .with("Max-Forwards", "70")
                .with("From", format!("<sip:13900009999@{}>;tag={name}", from.ip()))
                .with("To", "<sip:5551234@192.0.2.201>")
                .with("Call-ID", name.clone())
                .with("CSeq", "1 INVITE")
                .with("Contact", format!("<sip:x@{from}>"));
            w.inject(from, invite.to_bytes());
        }
        w.run(Duration::from_secs(1));
        worst = worst.max(w.product.transactions());
    }
    assert!(worst < 4000, "{worst} transactions");
    assert!(w.talking(caller, agent), "calls that are up do not notice");
    w.hangs_up(caller);
    w.run(Duration::from_secs(40));
    w.settle();
    assert_eq!(w.product.transactions(), 0, "back at the baseline after Timer H");
}
