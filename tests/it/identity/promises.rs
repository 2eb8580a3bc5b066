//! What holds for every header of every shipped profile, whatever the golden texts say.

use lianxian::call::identity::Written;
use lianxian::routing::Presentation;
use lianxian::sip::message::{Name, NameAddr};

use super::{CITIZEN, Case, TELEPHONES, TRUNKS, cases, lines, shown};

/// The digits by which the citizen is found in any spelling of the number.
const DIGITS: &str = "13800138000";

fn every_one() -> impl Iterator<Item = (&'static str, Case, Written)> {
    TRUNKS.iter().chain(TELEPHONES).flat_map(|profile| {
        let fits = move |case: &Case| case.trusted || TRUNKS.contains(profile);
        cases().into_iter().filter(fits).map(move |case| {
            let written = shown(profile, &case);
            (*profile, case, written)
        })
    })
}

fn numbers(written: &Written, name: &Name) -> Vec<String> {
    let values = written.headers.iter().filter(|(known, _)| known == name);
    values.map(|(_, value)| user(&NameAddr::parse(value).unwrap())).collect()
}

fn user(address: &NameAddr) -> String {
    String::from_utf8(address.uri.user().unwrap_or_default().to_vec()).unwrap()
}

#[test]
fn t9_i22_a_withheld_number_stands_nowhere_in_what_goes_to_an_untrusted_trunk() {
    let mut seen = 0;
    for (profile, case, written) in every_one() {
        if case.trusted || case.decision.caller_id.presentation == Presentation::Allowed {
            continue;
        }
        let text = lines(&written);
        assert!(!text.contains(DIGITS) && !text.contains("张三"), "{profile}, {}:\n{text}", case.name);
        assert!(text.contains("Privacy: id\n"), "{profile}, {}:\n{text}", case.name);
        let own = written.from.uri.user().unwrap() == "+862161234567" || user(&written.from) == "02161234567";
        assert!(own || user(&written.from) == "anonymous", "{profile}, {}:\n{text}", case.name);
        seen += 1;
    }
    assert_eq!(seen, 3 * TRUNKS.len());
}

#[test]
fn t55_a_withheld_number_reaches_those_who_may_see_it_and_is_marked() {
    for (profile, case, written) in every_one() {
        if case.trusted && case.decision.caller_id.presentation == Presentation::Restricted {
            let asserted = numbers(&written, &Name::PAssertedIdentity);
            assert!(asserted.iter().all(|number| number.ends_with(DIGITS)), "{profile}: {asserted:?}");
            assert!(!asserted.is_empty(), "{profile}, {}", case.name);
            assert!(lines(&written).contains("Privacy: id;user;critical\n"), "{profile}, {}", case.name);
        }
    }
}

#[test]
fn t20_from_assertion_and_remote_party_name_the_same_number() {
    for (profile, case, written) in every_one() {
        let mut named = numbers(&written, &Name::PAssertedIdentity);
        named.extend(numbers(&written, &Name::PPreferredIdentity));
        named.extend(numbers(&written, &Name::RemotePartyId));
        named.dedup();
        assert!(named.len() <= 1, "{profile}, {}: {named:?}", case.name);
        let carrier = profile.ends_with("-ims");
        if let (Some(number), false) = (named.first(), carrier) {
            assert_eq!(user(&written.from), *number, "{profile}, {}", case.name);
        }
    }
}

#[test]
fn i21_the_number_shown_is_the_citizens_and_never_the_transferring_agents() {
    for (profile, case, written) in every_one().filter(|(_, case, _)| case.name.starts_with("handed")) {
        let mut named = numbers(&written, &Name::PAssertedIdentity);
        named.push(user(&written.from));
        assert!(named.iter().all(|number| number != "1001"), "{profile}, {}: {named:?}", case.name);
        assert!(!case.trusted || named.iter().any(|number| number.ends_with(DIGITS)), "{profile}, {}", case.name);
    }
}

#[test]
fn t54_the_assertion_follows_the_trust_of_the_trunk_and_nothing_else() {
    for (profile, case, written) in every_one() {
        let there = !numbers(&written, &Name::PAssertedIdentity).is_empty();
        let has_number = !case.name.starts_with("no number");
        assert_eq!(there, case.trusted && has_number, "{profile}, {}", case.name);
    }
}

#[test]
fn t5_the_transferor_is_named_on_a_transfer_only() {
    for (profile, case, written) in every_one() {
        let referred = numbers(&written, &Name::ReferredBy);
        match case.decision.referral {
            Some(_) => assert!(referred.iter().all(|agent| agent == "1001"), "{profile}: {referred:?}"),
            None => assert!(referred.is_empty(), "{profile}, {}: {referred:?}", case.name),
        }
    }
}

#[test]
fn t58_user_to_user_is_the_hexadecimal_that_it_says_it_is() {
    let mut seen = 0;
    for (_, _, written) in every_one() {
        for (_, value) in written.headers.iter().filter(|(name, _)| *name == Name::UserToUser) {
            let text = std::str::from_utf8(value).unwrap();
            let content = text.strip_suffix(";encoding=hex").expect("RFC 7433 4.1");
            assert!(content.len().is_multiple_of(2) && content.chars().all(|c| c.is_ascii_hexdigit()), "{text}");
            // ISDN's User-User element has a protocol discriminator first, and 128 octets at most (RFC 7434 4.2).
            assert_eq!(content.strip_prefix("00"), Some("0123456789abcdef0011223344556677"));
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn t56_the_whole_way_of_the_call_is_told_in_order() {
    let through = every_one().filter(|(_, case, _)| case.trusted && case.name.contains("two numbers"));
    let (mut diversions, mut histories) = (0, 0);
    for (profile, _, written) in through {
        let told = numbers(&written, &Name::Diversion);
        if let [latest, second, first] = told.as_slice() {
            assert!(latest == "12345" || latest.ends_with("61234567"), "{profile}: {told:?}");
            assert!(second.ends_with("13911112222") && first.ends_with("2161110000"), "{profile}: {told:?}");
            diversions += 1;
        } else {
            assert!(told.is_empty(), "{profile}: {told:?}");
        }
        let told = numbers(&written, &Name::HistoryInfo);
        if let [first, second, us, target] = told.as_slice() {
            assert!(first.ends_with("2161110000") && second.ends_with("13911112222"), "{profile}: {told:?}");
            assert!((us == "12345" || us.ends_with("61234567")) && target == "110", "{profile}: {told:?}");
            histories += 1;
        } else {
            assert!(told.is_empty(), "{profile}: {told:?}");
        }
    }
    assert!(diversions > 0 && histories > 0);
}

#[test]
fn r2_after_a_refusal_our_own_number_is_shown_and_the_citizens_goes_beside_it() {
    for (profile, case, written) in every_one().filter(|(_, case, _)| case.name.starts_with("the same after a 403")) {
        if TELEPHONES.contains(&profile) {
            continue;
        }
        assert!(user(&written.from).ends_with("2161234567"), "{profile}, {}", case.name);
        assert!(numbers(&written, &Name::PAssertedIdentity).iter().all(|number| number.ends_with("2161234567")));
        let extra = written.headers.iter().find(|(name, _)| *name == Name::from("X-Citizen-Number"));
        let withheld = case.decision.caller_id.presentation == Presentation::Restricted;
        assert_eq!(extra.is_some(), case.trusted || !withheld, "{profile}, {}", case.name);
        assert_eq!(written.summary.carried_by.is_empty(), extra.is_none(), "{profile}, {}", case.name);
    }
    assert!(CITIZEN.ends_with(DIGITS));
}
