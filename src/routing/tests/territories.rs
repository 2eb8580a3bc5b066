//! Territories: who serves whom, at what hour, and who said where it is.

use super::super::config::Class;
use super::super::decision::Origin;
use super::super::territory::{Target, To};
use super::*;
use crate::base::pii::Pii;
use crate::routing::LocatedBy;

const TOWN: &str = r#"
default_region = "650000"
[area_codes]
"0908" = "653000"

[[region]]
code = "650000"
name = "新疆维吾尔自治区"
level = "province"
[[region]]
code = "653000"
name = "克孜勒苏柯尔克孜自治州"
level = "city"
parent = "650000"
aliases = ["克州"]
[[region]]
code = "653001"
name = "阿图什市"
level = "county"
parent = "653000"
[[region]]
code = "653022"
name = "阿克陶县"
level = "county"
parent = "653000"
[[region]]
code = "653024"
name = "乌恰县"
level = "county"
parent = "653000"
[[region]]
code = "653101"
name = "喀什市"
level = "county"
parent = "650000"

[[trunk]]
id = "carrier"
networks = ["192.0.2.0/24"]
gateways = [{ address = "192.0.2.1:5060", priority = 0, weight = 1 }]
subscription = { area_code = "0908" }
region = "653022"
called = [
    { number = "0908110", hotline = "110", region = "653001" },
    { number = "0998110", hotline = "110", region = "653101" },
]
[[trunk]]
id = "police"
networks = ["198.51.100.0/24"]
gateways = [{ address = "198.51.100.1:5060", priority = 0, weight = 1 }]
[[trunk]]
id = "plain"
networks = ["203.0.113.0/24"]

[[group]]
id = "seats"
region = "653001"
[[group]]
id = "duty"
[[group]]
id = "linkage"
[[agent]]
number = "8001"
groups = ["seats", "duty", "linkage"]

[[hotline]]
number = "12345"
plan = [{ group = "seats" }, { group = "duty", class = "duty_desk" }]
[[hotline]]
number = "110"
priority = "emergency"
plan = [{ trunk = "police", number = "110" }, { group = "duty", class = "duty_desk" }]
[[hotline]]
number = "02061330000"
plan = [{ trunk = "carrier", number = "02061330000" }]

[[territory]]
region = "653001"
service = "110"
targets = [
    { trunk = "police", number = "1101", class = "dedicated", hours = "Mon-Fri 10:00-19:00" },
    { trunk = "police", number = "1102", class = "overflow" },
    { group = "duty", class = "duty_desk" },
]
[[territory]]
region = "653000"
service = "110"
targets = [{ trunk = "police", number = "1100" }, { group = "duty", class = "duty_desk" }]
[[territory]]
region = "653022"
service = "12345"
targets = [{ via = { region = "653000", service = "110" } }, { via = { region = "653000", service = "12345" } }]
[[territory]]
region = "653000"
service = "12345"
targets = [{ group = "linkage", class = "dedicated" }, { via = { region = "650000", service = "12345" } }]
[[territory]]
region = "653024"
service = "12345"
targets = [{ group = "linkage", hours = "Mon 09:00-10:00" }]
"#;

fn town() -> Config {
    toml::from_str(TOWN).expect("the town is well formed")
}

fn callees(decision: &Decision) -> Vec<String> {
    let name = |step: &Step| match step {
        Step::Group { group, .. } => group.to_string(),
        Step::Trunk { number, .. } => number.clone(),
    };
    decision.plan.iter().map(name).collect()
}

fn caller(number: &str) -> CallerId {
    CallerId { number: Pii::new(number), ..CallerId::of_agent(&AgentId::from("8001")) }
}

fn hand(config: &Config, from: &str, to: &str, region: RegionHints<'_>, at: &str) -> Result<Decision, Refusal> {
    let handover = Handover {
        from_hotline: &HotlineId::from(from),
        to,
        region,
        agent: None,
        origin: None,
        caller: &caller("13800138000"),
        at: at.parse().unwrap(),
    };
    decide_transfer(config, &handover)
}

fn chosen(region: &str) -> RegionHints<'_> {
    RegionHints { chosen: Some(region), incident: None }
}

#[test]
fn each_territory_has_its_own_targets_in_their_order_at_their_hours() {
    for (region, to, at, targets) in [
        ("653001", "110", "Mon 12:00", &["1101", "1102", "duty"][..]),
        ("653001", "110", "Mon 03:00", &["1102", "duty"]),
        ("653001", "110", "Sun 12:00", &["1102", "duty"]),
        // A county without a row uses its city's, and an emergency always has a duty desk behind.
        ("653022", "110", "Mon 12:00", &["1100", "duty"]),
        // No row anywhere above: the service's own plan.
        ("653101", "110", "Mon 12:00", &["110", "duty"]),
        ("653000", "12345", "Mon 12:00", &["linkage", "seats", "duty"]),
        // Everything of the county is closed: its city's targets.
        ("653024", "12345", "Mon 09:30", &["linkage"]),
        ("653024", "12345", "Mon 12:00", &["linkage", "seats", "duty"]),
    ] {
        let from = if to == "110" { "12345" } else { "110" };
        let decision = hand(&town(), from, to, chosen(region), at).unwrap();
        assert_eq!(callees(&decision), targets, "{region} {to} {at}");
    }
}

#[test]
fn the_plan_of_a_call_that_waits_follows_the_hours_and_the_configuration_of_now() {
    let mut config = town();
    let decision = hand(&config, "12345", "110", chosen("653001"), "Mon 09:59").unwrap();
    let now = |config: &Config, at: &str| {
        let plan = current_plan(config, &decision, at.parse().unwrap())?;
        Some(callees(&Decision { plan, ..decision.clone() }))
    };
    assert_eq!(now(&config, "Mon 09:59").unwrap(), callees(&decision));
    assert_eq!(now(&config, "Mon 10:00").unwrap(), ["1101", "1102", "duty"], "it is open now");
    config.territories.retain(|row| row.region.as_str() != "653001");
    assert_eq!(now(&config, "Mon 10:00").unwrap(), ["1100", "duty"], "its city's, as for a new call");
    config.hotlines.retain(|row| row.number.as_str() != "110");
    assert_eq!(now(&config, "Mon 10:00"), None);
}

#[test]
fn a_county_reaches_12345_through_the_citys_110_and_the_citys_12345() {
    let decision = hand(&town(), "110", "12345", chosen("阿克陶县"), "Mon 12:00").unwrap();
    assert_eq!(callees(&decision), ["1100", "linkage", "seats", "duty"]);
    let rows: Vec<String> = decision
        .why
        .iter()
        .filter_map(|why| {
            let Why::Row { region, service } = why else { return None };
            Some(format!("{region} {service}"))
        })
        .collect();
    assert_eq!(rows, ["653022 12345", "653000 110", "653000 12345"]);
}

#[test]
fn a_circle_of_via_is_found_and_never_followed_for_ever() {
    let mut config = town();
    assert!(config.territories.iter().all(|row| config.circle(row).is_none()));
    let back = r#"
region = "653000"
service = "110"
targets = [{ trunk = "police", number = "1100" }, { via = { region = "653022", service = "12345" } }]
"#;
    config.territories.retain(|row| (row.region.as_str(), row.service.as_str()) != ("653000", "110"));
    config.territories.push(toml::from_str(back).unwrap());
    assert!(config.territories.iter().any(|row| config.circle(row).is_some()));
    let decision = hand(&config, "110", "12345", chosen("653022"), "Mon 12:00").unwrap();
    assert_eq!(callees(&decision), ["1100", "linkage", "seats", "duty"], "each target once");
}

#[test]
fn i24_ties_are_broken_by_the_configured_order_only() {
    let mut config = town();
    let again = r#"
region = "653000"
service = "110"
targets = [{ trunk = "police", number = "first" }]
"#;
    config.territories.insert(0, toml::from_str(again).unwrap());
    let decide = |config: &Config| callees(&hand(config, "12345", "110", chosen("653000"), "Mon 12:00").unwrap());
    let first = decide(&config);
    assert_eq!(first, ["first", "duty"]);
    assert!((0..100).all(|_| decide(&config) == first));
}

#[test]
fn the_strongest_who_say_where_it_is_win() {
    let config = town();
    let (trunk, agent, plain) = (TrunkId::from("carrier"), AgentId::from("8001"), TrunkId::from("plain"));
    let hint = |chosen, incident| RegionHints { chosen, incident };
    let (over, seat, nowhere) = (Origin::Trunk(&trunk), Origin::Agent(&agent), Origin::Trunk(&plain));
    for (from, called, number, hints, code, source) in [
        (over, "110", "09081234567", hint(Some("653001"), Some("喀什市")), "653001", LocatedBy::Agent),
        (over, "110", "09081234567", hint(None, Some("喀什市解放路")), "653101", LocatedBy::Address),
        (over, "0998110", "09081234567", hint(None, None), "653101", LocatedBy::Dnis),
        (over, "110", "09081234567", hint(None, None), "653022", LocatedBy::Trunk),
        (over, "110", "09081234567", hint(None, Some("某某路")), "653022", LocatedBy::Trunk),
        (seat, "110", "8001", hint(None, None), "653001", LocatedBy::Trunk),
        (nowhere, "110", "09081234567", hint(None, None), "653000", LocatedBy::NumberHint),
        (nowhere, "110", "13800138000", hint(None, None), "650000", LocatedBy::Default),
    ] {
        let claims = Claims { from: Claim { number: number.into(), ..Claim::default() }, ..Claims::default() };
        let enquiry = Enquiry { called, from, claims: &claims, region: hints, at: LocalTime::default() };
        let located = decide(&config, &enquiry).unwrap().territory.unwrap();
        assert_eq!((located.code.as_str(), located.source), (code, source), "{called} {hints:?}");
    }
}

#[test]
fn a_handover_stays_where_the_call_was_located_unless_people_say_otherwise() {
    let config = town();
    let origin = Located {
        code: crate::base::ids::RegionCode::from("653001"),
        name: "阿图什市".into(),
        source: LocatedBy::Trunk,
    };
    let hotline = HotlineId::from("12345");
    let caller = caller("09081234567");
    for (region, code, source) in [
        (RegionHints::default(), "653001", LocatedBy::Trunk),
        (RegionHints { incident: Some("克州"), chosen: None }, "653000", LocatedBy::Address),
        (chosen("653101"), "653101", LocatedBy::Agent),
    ] {
        let at = LocalTime::default();
        let handover = Handover {
            from_hotline: &hotline,
            to: "110",
            region,
            agent: None,
            origin: Some(&origin),
            caller: &caller,
            at,
        };
        let decision = decide_transfer(&config, &handover).unwrap();
        let located = decision.territory.unwrap();
        assert_eq!((located.code.as_str(), located.source), (code, source));
        assert_eq!(decision.caller_id, caller, "the number is the call's, never the transferor's");
    }
}

#[test]
fn v20_a_handover_goes_to_what_is_configured_and_nowhere_else() {
    let config = town();
    for to in ["00442012345678", "13800138000", "119", "", "02061330001", "110@evil.example", "1101", "0110"] {
        assert_eq!(
            hand(&config, "12345", to, RegionHints::default(), "Mon 12:00"),
            Err(Refusal::NotConfigured),
            "{to}"
        );
    }
    for (to, hotline) in [("110", "110"), ("+86110", "110"), ("020-61330000", "02061330000")] {
        let decision = hand(&config, "12345", to, RegionHints::default(), "Mon 12:00").unwrap();
        assert_eq!(decision.hotline.as_str(), hotline);
    }
    assert_eq!(hand(&config, "12345", "12345", chosen("653001"), "Mon 12:00"), Err(Refusal::SameHotline));
    assert_eq!(hand(&config, "12345", "110", chosen("999999"), "Mon 12:00"), Err(Refusal::UnknownRegion));
}

#[test]
fn a_called_number_means_a_hotline_in_every_form_that_networks_write() {
    let config = town();
    let trunk = TrunkId::from("carrier");
    let claims = Claims::default();
    for (called, hotline, region) in [
        ("110", Some("110"), "653022"),
        ("+86110", Some("110"), "653022"),
        ("0908110", Some("110"), "653001"),
        ("+86908110", Some("110"), "653001"),
        ("0086908110", Some("110"), "653001"),
        ("86908110", Some("110"), "653001"),
        ("+860908110", Some("110"), "653001"),
        ("0998110", Some("110"), "653101"),
        ("+86998110", Some("110"), "653101"),
        ("090812345", Some("12345"), "653022"),
        ("+8690812345", Some("12345"), "653022"),
        ("+862061330000", Some("02061330000"), "653022"),
        // The short code of an area that nobody configured is somebody else's.
        ("0991110", None, ""),
        ("1100", None, ""),
        ("anonymous", None, ""),
    ] {
        let enquiry = enquiry(called, Origin::Trunk(&trunk), &claims);
        let decision = decide(&config, &enquiry).ok();
        assert_eq!(decision.as_ref().map(|found| found.hotline.as_str()), hotline, "{called}");
        if let Some(located) = decision.and_then(|found| found.territory) {
            assert_eq!(located.code.as_str(), region, "{called}");
        }
    }
}

#[test]
fn a_target_is_a_group_a_trunk_or_another_row() {
    let target = |text: &str| toml::from_str::<Target>(text);
    let via = target("via = { region = \"653000\", service = \"110\" }\nhours = \"Mon 09:00-10:00\"").unwrap();
    assert!(matches!(via.to, To::Via(_)) && via.hours.is_some());
    let group = target("group = \"seats\"\nclass = \"overflow\"").unwrap();
    assert!(matches!(&group.to, To::Step(Step::Group { class: Class::Overflow, .. })));
    for bad in [
        "",
        "trunk = \"t\"",
        "number = \"110\"",
        "group = \"g\"\nvia = { region = \"1\", service = \"110\" }",
        "via = { region = \"1\", service = \"110\" }\nclass = \"overflow\"",
        "group = \"g\"\nhours = \"always\"",
        "group = \"g\"\nclass = \"best\"",
    ] {
        assert!(target(bad).is_err(), "{bad}");
    }
}
