//! The same number is served by other people in another region, at another hour, and by the desks above it in turn.

use std::time::Duration;

use lianxian::base::ids::{HotlineId, RegionCode};
use lianxian::switch::Settings;
use serde::Deserialize;

use crate::world::phone::{OnInvite, Phase};
use crate::world::{World, town};

/// Two counties of one prefecture. One has police of its own, at night another desk than by day; the other asks the
/// clerks.
const PLACES: &str = r#"
called = [
    { number = "0908110", hotline = "110", region = "653001" },
    { number = "0998110", hotline = "110", region = "653022" },
    { number = "0997110", hotline = "110", region = "653024" },
]
[[region]]
code = "653000"
name = "克孜勒苏柯尔克孜自治州"
level = "city"
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

[[territory]]
region = "653001"
service = "110"
targets = [
    { trunk = "police", number = "11011", class = "dedicated", hours = "Mon-Fri 10:00-19:30" },
    { trunk = "police", number = "11012" },
    { via = { region = "653000", service = "110" } },
]
[[territory]]
region = "653022"
service = "110"
targets = [{ group = "clerks" }]
[[territory]]
region = "653000"
service = "110"
targets = [{ trunk = "police", number = "11000" }, { group = "duty", class = "duty_desk" }]
"#;

#[derive(Deserialize)]
struct Places {
    called: Vec<lianxian::routing::config::CalledNumber>,
    region: lianxian::routing::regions::Regions,
    territory: Vec<lianxian::routing::territory::Territory>,
}

fn settings() -> Settings {
    let places: Places = toml::from_str(PLACES).expect("the places are well formed");
    let mut settings = town::settings();
    let city = settings.routing.trunks.iter_mut().find(|trunk| trunk.id.as_str() == "city").unwrap();
    city.called = places.called;
    settings.routing.regions = places.region;
    settings.routing.territories = places.territory;
    settings
}

fn world(seed: u64, moment: &str) -> World {
    let mut w = World::new(seed);
    w.reload(settings());
    w.clock_shows(moment);
    w
}

/// The numbers that were called at the seat of the police, in their order.
fn called_at(w: &World, seat: usize) -> Vec<String> {
    let user = |uri: &str| uri.trim_start_matches("sip:").split('@').next().unwrap_or_default().to_owned();
    w.phones[seat].dialogs.iter().filter_map(|dialog| dialog.invite.uri().map(user)).collect()
}

#[test]
fn two_territories_have_two_targets() {
    for (seed, called, at_the_police) in [(601, "0908110", true), (602, "0998110", false), (603, "110", true)] {
        let mut w = world(seed, "Mon 12:00");
        let (seat, clerk) = (w.seat(), w.agent("8001"));
        let caller = w.citizen("13900001111");
        w.calls(caller, called);
        w.until_talking(caller, if at_the_police { seat } else { clerk });
        w.hangs_up(caller);
        w.settle();
    }
}

#[test]
fn the_hours_decide_which_desk_is_called() {
    for (seed, moment, number) in [
        (611, "Mon 12:00", "11011"),
        (612, "Mon 19:29", "11011"),
        (613, "Mon 19:30", "11012"),
        (614, "Sun 12:00", "11012"),
        (615, "Fri 03:00", "11012"),
    ] {
        let mut w = world(seed, moment);
        let seat = w.seat();
        let caller = w.citizen("13900001111");
        w.calls(caller, "0908110");
        w.until_talking(caller, seat);
        assert_eq!(called_at(&w, seat), [number], "{moment}");
        w.hangs_up(caller);
        w.settle();
    }
}

/// T36, R11: whoever refuses is not called again; then the next desk of the territory, the one above it, and at last
/// the duty desk.
#[test]
fn the_desks_of_the_territory_and_of_the_one_above_it_are_tried_in_their_order_then_the_duty_desk() {
    let mut w = world(621, "Mon 12:00");
    let (seat, duty) = (w.seat(), w.agent("9001"));
    w.on_invite(seat, OnInvite::Refuse { code: 486, after: Duration::from_millis(50) });
    let caller = w.citizen("13900001111");
    w.calls(caller, "0908110");
    w.until_talking(caller, duty);
    assert_eq!(called_at(&w, seat), ["11011", "11012", "11000"]);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_county_without_a_row_is_served_by_its_prefecture() {
    let mut w = world(631, "Mon 12:00");
    let seat = w.seat();
    let caller = w.citizen("13900001111");
    w.calls(caller, "0997110");
    w.until_talking(caller, seat);
    assert_eq!(called_at(&w, seat), ["11000"]);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn f28_a_territory_taken_away_leaves_its_calls_and_new_ones_go_by_the_plan_of_the_hotline() {
    let mut w = world(641, "Mon 12:00");
    let (seat, clerk) = (w.seat(), w.agent("8001"));
    let caller = w.citizen("13900001111");
    w.calls(caller, "0998110");
    w.until_talking(caller, clerk);
    let mut without = settings();
    without.routing.territories.retain(|row| row.region != RegionCode::from("653022"));
    without.routing.territories.retain(|row| row.service != HotlineId::from("110") || row.region.as_str() != "653000");
    w.reload(without);
    w.run(Duration::from_secs(3));
    assert!(w.talking(caller, clerk), "the call that is up goes on");
    let second = w.citizen("13900002222");
    w.calls(second, "0998110");
    w.until_talking(second, seat);
    assert_eq!(called_at(&w, seat), ["110"], "the hotline's own plan");
    assert_eq!(w.phase(clerk), Some(Phase::Up));
    w.hangs_up(second);
    w.hangs_up(caller);
    w.settle();
}
