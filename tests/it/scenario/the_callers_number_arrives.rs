//! 携号: whoever is rung sees the citizen's number, whatever happened before; and nobody sees what is withheld or forged.

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Line, OnInvite};
use crate::world::sip_writer::SipText;
use crate::world::town;

const CITIZEN: &str = "13900001111";
/// A number that nobody has: somebody claims it.
const FORGED: &str = "17000000110";

/// The INVITE that a party received last.
fn received(w: &World, party: usize) -> &SipText {
    &w.dialog(party).invite
}

#[test]
fn i21_every_next_one_who_is_rung_sees_the_citizens_number() {
    let mut w = World::new(4_100);
    let (seat, duty) = (w.seat(), w.agent("9001"));
    w.on_invite(seat, OnInvite::Refuse { code: 486, after: Duration::from_secs(1) });
    let caller = w.citizen(CITIZEN);
    w.phones[caller].manners.claims = vec![("P-Asserted-Identity", format!("<tel:+86{CITIZEN}>"))];
    w.calls(caller, "110");
    w.until_talking(caller, duty);
    for rung in [seat, duty] {
        let invite = received(&w, rung);
        for name in ["From", "P-Asserted-Identity"] {
            assert!(invite.header(name).unwrap_or_default().contains(CITIZEN), "{name} of {invite:?}");
        }
    }
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn i21_the_number_survives_the_loss_of_the_agent_and_a_restart() {
    let mut w = World::new(4_101);
    w.restore_per_mille = 500;
    let (first, second) = (w.agent("8001"), w.agent("8002"));
    let caller = w.citizen(CITIZEN);
    w.calls(caller, "12345");
    w.until_talking(caller, first);
    w.phones[first].forget();
    w.run(Duration::from_secs(40));
    w.hangs_up(caller);
    w.run(Duration::from_secs(2));
    let rung = w.phones[second].last().map(|dialog| dialog.invite.clone());
    assert!(rung.is_none_or(|invite| invite.header("From").unwrap_or_default().contains(CITIZEN)));
    w.settle();
}

#[test]
fn i22_a_withheld_number_reaches_110_and_no_untrusted_trunk() {
    let mut w = World::new(4_102);
    let (seat, county) = (w.seat(), w.add("96110", town::county(0), Line::Udp));
    for (at, target, number) in [("110", seat, CITIZEN), ("96110", county, "13900002222")] {
        let caller = w.citizen(number);
        w.phones[caller].manners.anonymous = true;
        w.phones[caller].manners.claims =
            vec![("P-Asserted-Identity", format!("<tel:{number}>")), ("Privacy", "id;user".to_owned())];
        w.calls(caller, at);
        w.until_talking(caller, target);
        w.hangs_up(caller);
        w.run(Duration::from_secs(1));
    }
    let police = received(&w, seat);
    assert!(police.header("P-Asserted-Identity").unwrap_or_default().contains(CITIZEN), "{police:?}");
    assert_eq!(police.header("Privacy"), Some("id;user"));
    let open = received(&w, county);
    assert_eq!(
        open.header("From").and_then(|from| from.split(";tag").next()),
        Some("\"Anonymous\" <sip:anonymous@anonymous.invalid>")
    );
    let text = String::from_utf8_lossy(&open.to_bytes()).into_owned();
    assert!(!text.contains("13900002222"), "{text}");
    w.settle();
}

#[test]
fn i23_what_an_untrusted_peer_asserts_is_not_believed_and_not_passed_on() {
    let mut w = World::new(4_103);
    let agent = w.agent("8001");
    let caller = w.add(CITIZEN, town::county(1), Line::Udp);
    w.phones[caller].manners.claims = vec![
        ("P-Asserted-Identity ", format!("<tel:{FORGED}>")),
        ("remote-party-id", format!("<sip:{FORGED}@x>;screen=yes")),
        ("Diversion", format!("<sip:{FORGED}@x>;reason=unconditional")),
        ("History-Info", format!("<sip:{FORGED}@x>;index=1, <sip:12345@x>;index=1.1")),
    ];
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    let text = String::from_utf8_lossy(&received(&w, agent).to_bytes()).into_owned();
    assert!(text.contains(CITIZEN) && !text.contains(FORGED), "{text}");
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn v17_a_softphone_speaks_with_its_own_number_whatever_it_asserts() {
    let mut w = World::new(4_104);
    let (seat, agent) = (w.seat(), w.agent_over("8001", Line::Tcp));
    w.phones[agent].manners.claims = vec![("P-Asserted-Identity", format!("<tel:{FORGED}>"))];
    w.calls(agent, "110");
    w.until_talking(agent, seat);
    let text = String::from_utf8_lossy(&received(&w, seat).to_bytes()).into_owned();
    assert!(text.contains("<sip:8001@") && !text.contains(FORGED), "{text}");
    w.hangs_up(agent);
    w.settle();
}
