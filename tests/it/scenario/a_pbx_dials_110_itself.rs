//! A PBX that swallows its telephone's REFER and dials 110 itself, without Replaces: the new call is found to belong to
//! the call that its agent has, and 110 sees the citizen. What is not certain is not guessed (trap T40).

use std::time::Duration;

use lianxian::routing::config::{CorrelateBy, Correlation, PeerClass};
use lianxian::sip::endpoint::Transfers;

use crate::world::phone::{Ending, Line, Phase};
use crate::world::{World, town};

pub(super) const CITIZEN: &str = "13900001111";
const SECOND_CITIZEN: &str = "13700002222";
/// The number under which the office's agents are called, and which its PBX shows.
pub(super) const OFFICE: &str = "96110";

/// The town in which the trunk `county` leads to the PBX of an office.
pub(super) fn world(seed: u64, by: &[CorrelateBy]) -> World {
    let mut w = World::new(seed);
    let mut settings = town::settings();
    for trunk in settings.routing.trunks.iter_mut().filter(|trunk| trunk.id.as_str() == "county") {
        trunk.class = PeerClass::Pbx;
        let header = Some("X-Linkage-Id".to_owned());
        trunk.correlation = Correlation { by: by.to_vec(), header, agent_header: Some("X-Agent-Number".to_owned()) };
    }
    for access in settings.sip.trunks.iter_mut().filter(|access| access.id.as_str() == "county") {
        access.transfers = Transfers::Taken;
    }
    w.reload(settings);
    w
}

/// The PBX, in talk with a citizen of its own.
pub(super) fn office_in_talk(w: &mut World, number: &str) -> (usize, usize) {
    let office = w.add(OFFICE, town::county(0), Line::Udp);
    let citizen = calls_office(w, office, number);
    (office, citizen)
}

fn calls_office(w: &mut World, office: usize, number: &str) -> usize {
    let citizen = w.citizen(number);
    w.calls(citizen, OFFICE);
    w.until_talking(citizen, office);
    citizen
}

/// The PBX dials 110 for its agent, with these headers.
fn dials_110(w: &mut World, office: usize, headers: &[(&str, String)]) {
    w.with(office, |phone, now| {
        phone.call_with(now, "110", headers);
    });
}

/// The same, on behalf of that citizen.
pub(super) fn dials_110_for(w: &mut World, office: usize, citizen: &str, headers: &[(&str, String)]) {
    w.ledger.consultations.insert(office, citizen.to_owned());
    dials_110(w, office, headers);
}

/// What our INVITE told the PBX in User-to-User.
pub(super) fn user_to_user(w: &World, office: usize) -> String {
    w.dialog(office).invite.header("User-to-User").expect("the recipe of the trunk writes it").to_owned()
}

#[test]
fn by_each_of_the_four_ways_110_sees_the_citizen_and_the_same_linkage() {
    for (seed, by) in [
        (701, CorrelateBy::Header),
        (702, CorrelateBy::UserToUser),
        (703, CorrelateBy::Agent),
        (704, CorrelateBy::Caller),
    ] {
        let mut w = world(seed, &[by]);
        let (office, citizen) = office_in_talk(&mut w, CITIZEN);
        let seat = w.seat();
        let told = user_to_user(&w, office);
        let linkage = told[2..34].to_owned();
        let dialler = match by {
            CorrelateBy::Header | CorrelateBy::UserToUser | CorrelateBy::Agent => office,
            // The PBX passes the citizen's number on.
            CorrelateBy::Caller => w.add(CITIZEN, town::county(1), Line::Udp),
        };
        let headers = match by {
            CorrelateBy::Header => vec![("X-Linkage-Id", linkage)],
            CorrelateBy::UserToUser => vec![("User-to-User", told)],
            CorrelateBy::Agent | CorrelateBy::Caller => Vec::new(),
        };
        dials_110_for(&mut w, dialler, CITIZEN, &headers);
        w.until_talking(dialler, seat);
        assert_eq!(w.dialog(seat).remote_number(), CITIZEN, "{by:?}: 110 sees the citizen, not the PBX");
        assert_eq!(w.phase(citizen), Some(Phase::Up), "{by:?}: the citizen's call is untouched");
        w.hangs_up(dialler);
        assert_eq!(w.until_over(seat), Ending::TheirBye, "{by:?}: the consultation is a call of its own");
        w.run(Duration::from_secs(1));
        assert_eq!(w.phase(citizen), Some(Phase::Up), "{by:?}: and its end ends nothing else");
        w.settle();
    }
}

#[test]
fn the_pbx_joins_its_two_calls_and_the_citizen_has_110() {
    for (seed, on_the_consultation) in [(741, false), (742, true)] {
        let mut w = world(seed, &[CorrelateBy::UserToUser]);
        let (office, citizen) = office_in_talk(&mut w, CITIZEN);
        let seat = w.seat();
        let (call, told) = (w.dialog(office).call_id.clone(), user_to_user(&w, office));
        dials_110_for(&mut w, office, CITIZEN, &[("User-to-User", told)]);
        w.until_talking(office, seat);
        let consultation = w.dialog(office).call_id.clone();
        if on_the_consultation {
            w.transfers_to(office, &consultation, &call);
        } else {
            w.transfers_to(office, &call, &consultation);
        }
        assert_eq!(w.until_reported(office), 200, "on the consultation: {on_the_consultation}");
        w.until_talking(citizen, seat);
        w.run(Duration::from_secs(3));
        w.must(w.talking(citizen, seat), "citizen and 110 are in talk");
        for dialog in &w.phones[office].dialogs {
            w.must(matches!(dialog.phase, Phase::Over(_)), &format!("the PBX is free, not {:?}", dialog.phase));
        }
        assert_eq!(w.dialog(seat).remote_number(), CITIZEN);
        assert_eq!(w.phones[citizen].got("INVITE"), 0, "the citizen's leg was not touched");
        assert_eq!(w.product.callers_lost(), 0);
        w.hangs_up(citizen);
        assert_eq!(w.until_over(seat), Ending::TheirBye);
        w.settle();
    }
}

#[test]
fn of_two_calls_that_fit_none_is_taken_and_the_pbx_shows_itself() {
    let mut w = world(711, &[CorrelateBy::UserToUser, CorrelateBy::Agent]);
    let (office, _) = office_in_talk(&mut w, CITIZEN);
    calls_office(&mut w, office, SECOND_CITIZEN);
    let second = user_to_user(&w, office);
    let seat = w.seat();
    dials_110(&mut w, office, &[]);
    w.until_talking(office, seat);
    assert_eq!(w.dialog(seat).remote_number(), OFFICE, "both were called by that number: nobody guesses");
    w.hangs_up(seat);
    w.until_over(seat);
    // One that says which of the two it is for is understood.
    dials_110_for(&mut w, office, SECOND_CITIZEN, &[("User-to-User", second)]);
    w.until_talking(office, seat);
    assert_eq!(w.dialog(seat).remote_number(), SECOND_CITIZEN);
    w.settle();
}

#[test]
fn nobody_picks_a_call_that_is_not_theirs() {
    let mut w = world(721, &[CorrelateBy::UserToUser, CorrelateBy::Header, CorrelateBy::Caller]);
    let (office, citizen) = office_in_talk(&mut w, CITIZEN);
    let told = user_to_user(&w, office);
    let seat = w.seat();
    // Another trunk with a true linkage id.
    let stranger = w.citizen("13600003333");
    dials_110(&mut w, stranger, &[("User-to-User", told.clone()), ("X-Linkage-Id", told[2..34].to_owned())]);
    w.until_talking(stranger, seat);
    assert_eq!(w.dialog(seat).remote_number(), "13600003333");
    w.hangs_up(stranger);
    w.until_over(seat);
    // The PBX with the linkage id of a call that has ended, and with nonsense.
    w.hangs_up(citizen);
    w.until_over(office);
    let nonsense = format!("{};encoding=hex", "00".repeat(500));
    for claim in [told, nonsense, "00zz;encoding=hex".to_owned(), ";;;".to_owned()] {
        dials_110(&mut w, office, &[("User-to-User", claim)]);
        w.until_talking(office, seat);
        assert_eq!(w.dialog(seat).remote_number(), OFFICE);
        w.hangs_up(office);
        w.until_over(seat);
        w.run(Duration::from_secs(4));
    }
    w.settle();
}

#[test]
fn a_pbx_of_which_nothing_is_expected_shows_itself() {
    let mut w = world(731, &[]);
    let (office, _) = office_in_talk(&mut w, CITIZEN);
    let told = user_to_user(&w, office);
    let seat = w.seat();
    dials_110(&mut w, office, &[("User-to-User", told)]);
    w.until_talking(office, seat);
    assert_eq!(w.dialog(seat).remote_number(), OFFICE);
    w.settle();
}
