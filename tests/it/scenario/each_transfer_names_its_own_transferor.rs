//! Referred-By names who transfers now, not who did before, and nobody on a plain call; and a target that says no has its
//! answer acknowledged each time (trap T5).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Line, OnInvite};
use crate::world::sip_writer::SipText;
use crate::world::town;

const SECOND: Duration = Duration::from_secs(1);

fn refuse(code: u16) -> OnInvite {
    OnInvite::Refuse { code, after: Duration::from_millis(200) }
}

/// Who the INVITE that a party received last says transfers.
fn transferor(w: &World, party: usize) -> Option<&str> {
    let invite: &SipText = &w.dialog(party).invite;
    invite.header("Referred-By").map(|value| if value.contains("8001") { "8001" } else { value })
}

#[test]
fn t5_two_transfers_of_one_call_name_two_agents_and_each_refusal_is_acknowledged() {
    let mut w = World::new(4_300);
    let (clerk, duty) = (w.agent("8001"), w.agent("9001"));
    let (police, county) = (w.seat(), w.add("96110", town::county(0), Line::Udp));
    w.on_invite(police, refuse(603));
    w.on_invite(county, refuse(486));
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, clerk);

    // Refused: the clerk is named, the refusal is acknowledged once, and they talk on.
    w.transfers(clerk, "96110");
    assert_eq!(w.until_reported(clerk), 486);
    assert_eq!(transferor(&w, county), Some("8001"));
    assert_eq!((w.phones[county].got("INVITE"), w.phones[county].got("ACK")), (1, 1));
    w.must(w.talking(caller, clerk), "a refusal changes nothing");

    // Taken by the next one after another refusal.
    w.transfers(clerk, "110");
    w.until_talking(caller, duty);
    assert_eq!((w.phones[police].got("INVITE"), w.phones[police].got("ACK")), (1, 1));
    w.run(SECOND * 3);

    // The second transfer is the duty agent's own.
    w.on_invite(county, OnInvite::Answer { after: SECOND });
    w.transfers(duty, "96110");
    w.until_talking(caller, county);
    let second = transferor(&w, county).map(str::to_owned);
    assert!(second.as_deref().is_some_and(|value| value.contains("9001")), "{second:?}");
    let text = String::from_utf8_lossy(&w.dialog(county).invite.to_bytes()).into_owned();
    assert!(!text.contains("8001"), "nothing is left of the first one: {text}");
    w.hangs_up(caller);
    w.run(SECOND);

    // A plain call names nobody.
    let other = w.citizen("13900002222");
    w.calls(other, "96110");
    w.until_talking(other, county);
    assert_eq!(transferor(&w, county), None);
    w.hangs_up(other);
    w.settle();
}
