//! `lianxian route`: where a call would go and which headers would leave, before there is any call.
//!
//! Decides: nothing. The decision is the one that calls get, and the INVITE is written by the same code and the same
//! endpoint; only what is random in it stands as a placeholder.
//! Does not do: any sending. Who is free or registered now is not known here, nor which gateways are up.

mod invite;
mod said;
mod tell;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{Form, MISCONFIGURED, tell as tell_problems};
use crate::base::ids::{AgentId, HotlineId, TrunkId};
use crate::base::pii::Pii;
use crate::base::time::LocalTime;
use crate::config::{self, Sources};
use crate::engine::clock::Clock;
use crate::routing::caller_id::CallerId;
use crate::routing::claims::{Claim, Claims};
use crate::routing::config::Step;
use crate::routing::decision::{Answering, Enquiry, Handover, Origin, RegionHints};
use crate::routing::territory::To;
use crate::routing::{self, Decision, Presentation, Refusal};
use crate::switch;
use said::Said;

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Question {
    /// The hotline that has the call; with --dnis the number of the caller.
    #[arg(long, value_name = "NUMBER")]
    from: String,
    /// Hand the call over to this hotline: 110, 12345, ..
    #[arg(long, value_name = "HOTLINE", conflicts_with = "dnis", required_unless_present = "dnis")]
    to: Option<String>,
    /// A call arrives: the number that was called.
    #[arg(long, value_name = "NUMBER")]
    dnis: Option<String>,
    /// The number of the caller, with --to.
    #[arg(long, value_name = "NUMBER", conflicts_with = "dnis")]
    caller: Option<String>,
    /// The trunk over which the call arrives.
    #[arg(long, value_name = "ID", conflicts_with = "agent")]
    trunk: Option<String>,
    /// The agent who hands it over, or who calls.
    #[arg(long, value_name = "NUMBER")]
    agent: Option<String>,
    /// The territory that the agent chose: a code or a name.
    #[arg(long, visible_alias = "region", value_name = "REGION")]
    territory: Option<String>,
    /// Where the incident is: an address that begins with a region.
    #[arg(long, value_name = "ADDRESS")]
    incident: Option<String>,
    /// When, in Beijing time: "Mon 03:00". Now, if not given.
    #[arg(long, value_name = "TIME")]
    at: Option<LocalTime>,
    /// The caller withholds the number.
    #[arg(long)]
    withheld: bool,
    /// The main configuration file.
    #[arg(long, value_name = "FILE", default_value = "config/lianxian.toml")]
    config: std::path::PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Why there is no answer, not even no.
#[derive(Debug, thiserror::Error)]
enum Misasked {
    #[error("--from {0}: no hotline of hotlines.toml has that number")]
    NoSuchHotline(String),
    #[error("--trunk {0}: no trunk of trunks.toml has that id")]
    NoSuchTrunk(String),
    #[error("--agent {0}: no agent of agents.toml has that number")]
    NoSuchAgent(String),
    #[error("--dnis needs --trunk or --agent: which trunk brings the call, or which agent makes it")]
    FromWhere,
    #[error("--to needs --caller: whose number is shown")]
    WhoseNumber,
}

/// Answers the question.
pub(super) fn route(question: &Question) -> ExitCode {
    let configuration = match config::load(&question.config, &Sources::system()) {
        Ok(configuration) => configuration,
        Err(problems) => {
            tell_problems(&problems);
            return ExitCode::from(MISCONFIGURED);
        }
    };
    let settings = configuration.switch();
    let at = question.at.unwrap_or_else(|| Clock::start().wall_clock().local_time());
    let answer = match ask(question, &settings.routing, at) {
        Ok(answer) => answer,
        Err(misasked) => {
            tell::misasked(&misasked);
            return ExitCode::from(MISCONFIGURED);
        }
    };
    let said = answer.map(|decision| Said::of(&decision, &settings, at));
    tell::tell(question, at, &said, if question.json { Form::Json } else { Form::Text });
    if said.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Answer = Result<Decision, Refusal>;

fn ask(question: &Question, routing: &routing::Config, at: LocalTime) -> Result<Answer, Misasked> {
    let agent = question.agent.as_deref().map(AgentId::from);
    if let Some(agent) = agent.as_ref().filter(|agent| !routing.agents.iter().any(|row| row.id == **agent)) {
        return Err(Misasked::NoSuchAgent(agent.to_string()));
    }
    let trunk = question.trunk.as_deref().map(TrunkId::from);
    if let Some(trunk) = trunk.as_ref().filter(|trunk| routing.trunk(trunk).is_none()) {
        return Err(Misasked::NoSuchTrunk(trunk.to_string()));
    }
    let region = RegionHints { chosen: question.territory.as_deref(), incident: question.incident.as_deref() };
    match (&question.to, &question.dnis) {
        (Some(to), _) => hand_over(question, routing, to, agent.as_ref(), region, at),
        (None, called) => {
            let from = match (&trunk, &agent) {
                (Some(trunk), _) => Origin::Trunk(trunk),
                (None, Some(agent)) => Origin::Agent(agent),
                (None, None) => return Err(Misasked::FromWhere),
            };
            let claims = claims(question);
            let called = called.as_deref().unwrap_or_default();
            Ok(routing::decide(routing, &Enquiry { called, from, claims: &claims, region, at }))
        }
    }
}

fn hand_over(
    question: &Question,
    routing: &routing::Config,
    to: &str,
    agent: Option<&AgentId>,
    region: RegionHints<'_>,
    at: LocalTime,
) -> Result<Answer, Misasked> {
    let from = HotlineId::from(question.from.as_str());
    if routing.hotline(from.as_str()).is_none() {
        return Err(Misasked::NoSuchHotline(question.from.clone()));
    }
    let number = question.caller.as_deref().ok_or(Misasked::WhoseNumber)?;
    let presentation = if question.withheld { Presentation::Restricted } else { Presentation::Allowed };
    let caller = CallerId { presentation, ..CallerId::plain(number) };
    let handover = Handover { from_hotline: &from, to, region, agent, origin: None, caller: &caller, at };
    Ok(routing::decide_transfer(routing, &handover))
}

/// What a call of this caller over a trunk would show, as JSON and in words: to the first number on it in the plans and
/// the territories. `None` if there is none.
pub(super) fn over(trunk: &TrunkId, caller: &str, settings: &switch::Settings) -> Option<(serde_json::Value, String)> {
    let routing = &settings.routing;
    let plans = routing.hotlines.iter().flat_map(|row| row.plan.iter().map(move |step| (row, step)));
    let territories = routing.territories.iter().flat_map(|row| {
        let hotline = routing.hotline(row.service.as_str());
        let steps = row.targets.iter().filter_map(|target| match &target.to {
            To::Step(step) => Some(step),
            To::Via(_) => None,
        });
        steps.filter_map(move |step| Some((hotline?, step)))
    });
    let dials = |step: &Step| matches!(step, Step::Trunk { trunk: id, .. } if id == trunk);
    let (hotline, step) = plans.chain(territories).find(|(_, step)| dials(step))?;
    let decision = Decision {
        hotline: hotline.number.clone(),
        priority: hotline.priority,
        answering: Answering::ByPerson,
        announcement: None,
        ring_timeout: hotline.ring_timeout(),
        plan: vec![step.clone()],
        territory: None,
        caller_id: CallerId::plain(caller),
        referral: None,
        why: Vec::new(),
    };
    let target = said::target(step, &decision, settings, &settings.site());
    let mut words = String::new();
    tell::target(&mut words, 1, &target);
    Some((serde_json::to_value(&target).ok()?, words))
}

/// What an INVITE of the caller would say: the same number in From and in what the network asserts.
fn claims(question: &Question) -> Claims {
    let claim = Claim { number: question.from.clone().into(), ..Claim::default() };
    let mut claims = Claims { from: claim.clone(), asserted: vec![claim], ..Claims::default() };
    if question.withheld {
        claims.privacy.read(b"id");
    }
    claims
}

impl Question {
    /// The number that the operator wrote: shown as it was given.
    fn number(&self) -> Pii {
        Pii::new(self.caller.as_deref().unwrap_or(&self.from))
    }

    fn config(&self) -> &Path {
        &self.config
    }
}
