//! What is urgent before its route is known is what routing then takes for an emergency, however it is written (I39).

use super::*;
use crate::base::ids::TrunkId;
use crate::base::time::LocalTime;
use crate::routing::claims::Claims;
use crate::routing::decision::{Enquiry, Origin, RegionHints};

const TRUNK: &str =
    "area_code = \"0908\"\ncalled = [{ number = \"0998110\", hotline = \"110\" }]\n[[trunk]]\nid = \"police\"";
const EMERGENCY: &str = "[[hotline]]\nnumber = \"110\"\nplan = [{ group = \"desk\", class = \"duty_desk\" }]\n\
                         [[hotline]]\nnumber = \"12345\"";

#[test]
fn every_spelling_of_an_emergency_number_is_urgent_and_nothing_else_is() {
    let case = Case::good().replacing("c/trunks.toml", "[[trunk]]\nid = \"police\"", TRUNK).replacing(
        "c/hotlines.toml",
        "[[hotline]]\nnumber = \"12345\"",
        EMERGENCY,
    );
    let configuration = case.load().unwrap();
    let (routing, switch) = (configuration.routing(), configuration.switch());
    let carrier = TrunkId::from("carrier");
    let mut emergencies = Vec::new();
    for prefix in ["", "+86", "0086", "86", "+", "00"] {
        for zero in ["", "0"] {
            for number in ["110", "908110", "998110", "755110", "12345", "90812345", "119"] {
                let called = format!("{prefix}{zero}{number}");
                let enquiry = Enquiry {
                    called: &called,
                    from: Origin::Trunk(&carrier),
                    claims: &Claims::default(),
                    region: RegionHints::default(),
                    at: LocalTime::default(),
                };
                let decided = crate::routing::decide(&routing, &enquiry);
                let emergency = decided.is_ok_and(|decision| decision.priority == Priority::Emergency);
                let urgent = switch.sip.urgent.numbers.contains(&called);
                assert_eq!(urgent, emergency, "{called}");
                emergencies.extend(emergency.then_some(called));
            }
        }
    }
    assert!(emergencies.len() >= 12, "{emergencies:?}");
}
