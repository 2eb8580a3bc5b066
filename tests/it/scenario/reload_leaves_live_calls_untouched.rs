//! Another configuration while calls are up: they go on, whatever it takes away, and new ones follow it (F28).

use std::time::Duration;

use lianxian::base::ids::{AgentId, GroupId, TrunkId};
use lianxian::sip::auth::Account;
use lianxian::switch::Settings;

use crate::world::phone::{Ending, Line, OnInvite, Phase};
use crate::world::sip_writer::SipText;
use crate::world::{World, town};

/// What a reload takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Trunk,
    TrunkNetwork,
    Hotline,
    Group,
    Agent,
    SoftphoneNetwork,
    Everything,
}

fn without(taken: Taken) -> Settings {
    let mut settings = town::settings();
    match taken {
        Taken::Trunk => {
            settings.sip.trunks.retain(|trunk| trunk.id != TrunkId::from("city"));
            settings.routing.trunks.retain(|trunk| trunk.id != TrunkId::from("city"));
        }
        Taken::TrunkNetwork => settings.sip.trunks[0].networks = vec!["192.0.2.128/26".parse().unwrap()],
        Taken::Hotline => settings.routing.hotlines.retain(|hotline| hotline.number.as_str() != "12345"),
        Taken::Group => {
            settings.routing.groups.retain(|group| group.id != GroupId::from("clerks"));
            settings.routing.agents.iter_mut().for_each(|agent| agent.groups.retain(|group| group.as_str() == "duty"));
        }
        Taken::Agent => {
            settings.routing.agents.retain(|agent| agent.id != AgentId::from("8001"));
            settings.sip.auth.accounts.remove(&AgentId::from("8001"));
        }
        Taken::SoftphoneNetwork => settings.sip.softphone_networks = vec!["10.9.0.0/16".parse().unwrap()],
        Taken::Everything => {
            settings.routing = lianxian::routing::Config::default();
            settings.sip.trunks.clear();
            settings.sip.softphone_networks.clear();
            settings.sip.auth.accounts.clear();
        }
    }
    settings
}

const ALL: [Taken; 7] = [
    Taken::Trunk,
    Taken::TrunkNetwork,
    Taken::Hotline,
    Taken::Group,
    Taken::Agent,
    Taken::SoftphoneNetwork,
    Taken::Everything,
];

#[test]
fn a_call_goes_on_and_ends_properly_whatever_is_taken_away() {
    for (index, taken) in ALL.into_iter().enumerate() {
        for caller_ends in [true, false] {
            let mut w = World::new(900 + 2 * index as u64 + u64::from(caller_ends));
            let (caller, agent) = w.caller_and_agent_in_talk();
            w.reload(without(taken));
            w.run(Duration::from_secs(5));
            assert!(w.talking(caller, agent), "{taken:?}");
            // Requests inside the dialogs are served as before.
            w.holds(agent);
            w.run(Duration::from_secs(2));
            assert!(w.hears_machine(caller), "{taken:?}: the agent's hold is our music");
            w.resumes(agent);
            w.run(Duration::from_secs(2));
            assert!(w.talking(caller, agent), "{taken:?}");
            let (leaver, other) = if caller_ends { (caller, agent) } else { (agent, caller) };
            w.hangs_up(leaver);
            assert_eq!(w.until_over(other), Ending::TheirBye, "{taken:?}");
            assert_eq!(w.phase(leaver), Some(Phase::Over(Ending::Mine)), "{taken:?}: the BYE is answered");
            assert_eq!(w.product.callers_lost(), 0);
            w.settle();
        }
    }
}

#[test]
fn what_is_taken_away_takes_no_new_call() {
    for (index, taken) in ALL.into_iter().enumerate() {
        let mut w = World::new(930 + index as u64);
        w.refusals_expected = true;
        let (caller, agent) = w.caller_and_agent_in_talk();
        let duty = w.agent("9001");
        w.reload(without(taken));
        let second = w.citizen("13900002222");
        w.calls(second, "12345");
        w.run(Duration::from_secs(2));
        match taken {
            Taken::Trunk | Taken::TrunkNetwork | Taken::Everything => {
                assert_eq!(w.phones[second].got("403 INVITE"), 1, "{taken:?}");
            }
            Taken::Hotline => assert_eq!(w.phones[second].got("404 INVITE"), 1),
            Taken::Group | Taken::Agent => assert!(w.talking(second, duty), "{taken:?}: the next step of the plan"),
            // Nobody is registered in the new network: the caller waits.
            Taken::SoftphoneNetwork => assert_eq!(w.phase(duty), None),
        }
        assert!(w.talking(caller, agent), "{taken:?}");
        for party in [caller, second] {
            w.hangs_up(party);
        }
        w.run(Duration::from_secs(40));
        w.settle();
    }
}

#[test]
fn when_the_last_call_is_over_its_source_is_a_stranger_and_meets_silence() {
    let mut w = World::new(940);
    let (caller, _) = w.caller_and_agent_in_talk();
    w.reload(without(Taken::Trunk));
    let invite = |branch: &str| {
        SipText::request("INVITE", "sip:12345@192.0.2.201")
            .with("Via", format!("SIP/2.0/UDP 198.51.100.250:5060;branch=z9hG4bK{branch}"))
            .with("Max-Forwards", "70")
            .with("From", "<sip:13900003333@198.51.100.250>;tag=a")
            .with("To", "<sip:12345@192.0.2.201>")
            .with("Call-ID", branch)
            .with("CSeq", "1 INVITE")
            .to_bytes()
    };
    let source = "198.51.100.250:5060".parse().unwrap();
    w.inject(source, invite("while-up"));
    w.run(Duration::from_secs(1));
    assert_eq!(w.strays[&source].0, 1, "told that it is refused");
    w.hangs_up(caller);
    w.run(Duration::from_secs(40));
    w.inject(source, invite("afterwards"));
    w.run(Duration::from_secs(1));
    assert_eq!(w.strays[&source].0, 1, "not another word");
    w.settle();
}

#[test]
fn a_removed_agent_registers_no_more_and_is_not_offered_after_the_call() {
    let mut w = World::new(950);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.reload(without(Taken::Agent));
    let before = w.phones[agent].got("200 REGISTER");
    w.with(agent, |phone, now| phone.register(now));
    w.run(Duration::from_secs(5));
    assert_eq!(w.phones[agent].got("200 REGISTER"), before, "no account, no registration");
    assert!(w.talking(caller, agent));
    w.hangs_up(caller);
    w.run(Duration::from_secs(2));
    let other = w.citizen("13900002222");
    w.calls(other, "12345");
    w.run(Duration::from_secs(5));
    assert_eq!(w.phones[agent].live().count(), 0, "the agent is gone");
    let second = w.agent("8002");
    w.until_talking(other, second);
    w.hangs_up(other);
    w.settle();
}

#[test]
fn a_caller_whose_trunk_was_renamed_can_still_cancel() {
    let mut w = World::new(951);
    let agent = w.agent("8001");
    w.on_invite(agent, OnInvite::RingOut);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.run(Duration::from_secs(2));
    let mut settings = town::settings();
    settings.sip.trunks[0].id = TrunkId::from("telecom");
    settings.routing.trunks[0].id = TrunkId::from("telecom");
    w.reload(settings);
    w.run(Duration::from_secs(1));
    w.hangs_up(caller);
    w.run(Duration::from_secs(2));
    assert_eq!(w.phones[caller].got("487 INVITE"), 1);
    assert_eq!(w.phase(agent), Some(Phase::Over(Ending::TheirCancel)));
    w.settle();
}

#[test]
fn a_new_secret_counts_from_the_next_register_on() {
    let mut w = World::new(952);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let mut settings = town::settings();
    let changed = Account::of_password("8001", town::REALM, "another-secret");
    settings.sip.auth.accounts.insert(AgentId::from("8001"), changed);
    w.reload(settings);
    w.run(Duration::from_secs(1));
    assert!(w.talking(caller, agent));
    w.hangs_up(caller);
    w.run(Duration::from_secs(1));
    let other = w.citizen("13900002222");
    w.calls(other, "12345");
    w.until_talking(other, agent);
    w.with(agent, |phone, now| phone.register(now));
    w.run(Duration::from_secs(2));
    assert!(w.phones[agent].got("403 REGISTER") > 0, "the old secret is wrong now");
    assert!(w.talking(other, agent), "the call does not care");
    w.hangs_up(other);
    w.settle();
}

#[test]
fn a_caller_who_waits_is_offered_to_those_who_came_with_the_reload() {
    let mut w = World::new(953);
    w.reload(without(Taken::Agent));
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.run(Duration::from_secs(3));
    w.reload(town::settings());
    let agent = w.agent("8001");
    w.until_talking(caller, agent);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_lower_limit_cuts_nobody_off_and_refuses_the_next() {
    let mut w = World::new(954);
    w.refusals_expected = true;
    let (caller, agent) = w.caller_and_agent_in_talk();
    let mut settings = town::settings();
    (settings.limits.calls, settings.limits.emergency_reserve) = (1, 0);
    w.reload(settings);
    let second = w.citizen("13900002222");
    w.calls(second, "12345");
    w.run(Duration::from_secs(2));
    assert_eq!(w.phones[second].got("503 INVITE"), 1);
    assert!(w.talking(caller, agent));
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_softphone_on_a_stream_keeps_its_call_when_its_account_goes() {
    let mut w = World::new(955);
    let agent = w.agent_over("8001", Line::Tcp);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    w.reload(without(Taken::Agent));
    w.run(Duration::from_secs(3));
    assert!(w.talking(caller, agent));
    w.hangs_up(agent);
    assert_eq!(w.until_over(caller), Ending::TheirBye);
    w.settle();
}
