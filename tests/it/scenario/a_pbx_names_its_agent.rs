//! A REFER over the trunk of a PBX: the target and the record learn which agent (工号) asked, if the PBX is believed.

use std::time::Duration;

use lianxian::routing::config::{PeerClass, Trust};
use lianxian::sip::endpoint::Transfers;

use crate::world::phone::{Ending, Line};
use crate::world::{World, town};

/// The number that is dialled at the PBX.
const OFFICE: &str = "96110";
/// Whom its Referred-By names.
const TELEPHONE: &str = "6002";
/// Whom its own header names.
const AGENT: &str = "6001";

/// The town in which `county` leads to a PBX, and 110 is told who transfers.
fn world(seed: u64, trust: Trust) -> World {
    let mut w = World::new(seed);
    let mut settings = town::settings();
    for access in settings.sip.trunks.iter_mut().filter(|access| access.id.as_str() == "county") {
        access.transfers = Transfers::Taken;
    }
    for row in &mut settings.routing.trunks {
        match row.id.as_str() {
            "county" => {
                (row.class, row.trust) = (PeerClass::Pbx, trust);
                row.correlation.agent_header = Some("X-Agent-Number".to_owned());
            }
            "police" => row.profile = "open".into(),
            _ => {}
        }
    }
    w.reload(settings);
    w
}

#[test]
fn the_target_and_the_record_name_the_agent_whom_a_trusted_pbx_names() {
    let header = |value: &str| vec![("X-Agent-Number", value.to_owned())];
    for (seed, trust, said, agent) in [
        (751, Trust::Trusted, header(AGENT), AGENT),
        (752, Trust::Trusted, header("<sip:6001;noa=national@pbx.example>"), AGENT),
        (753, Trust::Trusted, header("60 01"), TELEPHONE),
        (754, Trust::Trusted, Vec::new(), TELEPHONE),
        (755, Trust::Untrusted, header(AGENT), OFFICE),
        // Agents are shown whole, and a citizen is none.
        (756, Trust::Trusted, header("8613900001111"), TELEPHONE),
    ] {
        let mut w = world(seed, trust);
        let office = w.add(TELEPHONE, town::county(0), Line::Udp);
        let (caller, seat) = (w.citizen("13900001111"), w.seat());
        w.calls(caller, OFFICE);
        w.until_talking(caller, office);
        w.phones[office].manners.refer_claims.clone_from(&said);
        w.transfers(office, "110");
        w.until_talking(caller, seat);
        let invite = &w.dialog(seat).invite;
        let named = invite.header("Referred-By").unwrap_or_default().to_owned();
        assert!(named.contains(&format!("sip:{agent}@")), "{trust:?} {said:?}: {named}");
        assert_eq!(invite.header("X-Agent"), Some(agent), "{trust:?} {said:?}");
        assert_eq!(w.dialog(seat).remote_number(), "13900001111", "the citizen is shown as ever");
        assert_eq!(w.until_over(office), Ending::TheirBye);
        w.hangs_up(caller);
        w.run(Duration::from_secs(1));
        w.settle();
        let recorded: Vec<_> = w.ledger.transfers.iter().map(|transfer| transfer.agent.clone()).collect();
        assert_eq!(recorded, [Some(agent.into())], "{trust:?} {said:?}: the record");
    }
}
