//! A decision as an answer: what stands in the JSON, and what the text is made from.

use std::cmp::Reverse;
use std::net::SocketAddr;

use serde::Serialize;

use super::invite::{self, Invite};
use crate::base::time::LocalTime;
use crate::call::site::Site;
use crate::routing::config::{Class, Config, Priority, Step, Transport};
use crate::routing::decision::{Answering, LocatedBy, Why};
use crate::routing::recipe::{Shown, Summary};
use crate::routing::territory::{To, Via};
use crate::routing::{self, Decision, Presentation};
use crate::switch;

/// Where a call goes.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    /// The hotline.
    pub(super) hotline: String,
    /// Its name.
    pub(super) name: String,
    /// `emergency` or `normal`.
    pub(super) priority: Priority,
    /// When the caller is answered: `by_person` or `on_queue`.
    pub(super) answering: &'static str,
    /// How long each party rings.
    pub(super) ring_timeout_s: u64,
    /// The tag on the record, if the call is handed over.
    pub(super) tag: Option<String>,
    /// When.
    pub(super) at: String,
    /// The territory.
    pub(super) territory: Option<Place>,
    /// The caller's number as it came in.
    pub(super) number: String,
    /// Whether the number is withheld.
    pub(super) withheld: bool,
    /// Who is called, in this order.
    pub(super) steps: Vec<Target>,
    /// Who is not called now because of the hours.
    pub(super) closed: Vec<Closed>,
    /// The rules that led here.
    pub(super) why: Vec<String>,
}

/// A territory.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    pub(super) code: String,
    pub(super) name: String,
    /// With the names of those it lies in.
    pub(super) full_name: String,
    pub(super) source: LocatedBy,
    /// The source in words.
    pub(super) because: &'static str,
}

/// One target.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Target {
    Group {
        class: Class,
        group: String,
        /// The agents, in the order of agents.toml.
        agents: Vec<String>,
    },
    Trunk {
        class: Class,
        trunk: String,
        number: String,
        gateways: Vec<Gateway>,
        /// The INVITE to the first gateway. Those to the others differ in their address only.
        invite: Option<Invite>,
        /// What the record would keep of it.
        presented: Option<Presented>,
    },
}

/// One gateway of a trunk.
#[derive(Debug, Serialize)]
pub(super) struct Gateway {
    pub(super) address: SocketAddr,
    pub(super) transport: Transport,
    /// A lower number is tried first.
    pub(super) priority: u16,
    /// Its share among those of the same priority.
    pub(super) weight: u16,
}

/// What is shown of the caller.
#[derive(Debug, Serialize)]
pub(super) struct Presented {
    /// What stands in From.
    pub(super) shown: &'static str,
    /// The headers that name the citizen's number.
    pub(super) carried_by: Vec<String>,
}

/// A target that is closed.
#[derive(Debug, Serialize)]
pub(super) struct Closed {
    pub(super) target: String,
    pub(super) hours: String,
}

impl Said {
    pub(super) fn of(decision: &Decision, settings: &switch::Settings, at: LocalTime) -> Self {
        let routing = &settings.routing;
        let site = settings.site();
        let hotline = routing.hotline(decision.hotline.as_str());
        let closed = decision.why.iter().filter_map(|why| match why {
            Why::Closed { target, hours } => Some(Closed { target: target_name(target), hours: hours.to_string() }),
            _ => None,
        });
        Self {
            hotline: decision.hotline.to_string(),
            name: hotline.map(|row| row.name.clone()).unwrap_or_default(),
            priority: decision.priority,
            answering: match decision.answering {
                Answering::ByPerson => "by_person",
                Answering::OnQueue => "on_queue",
            },
            ring_timeout_s: decision.ring_timeout.as_secs(),
            tag: decision.referral.as_ref().and(hotline).map(|row| row.tag()),
            at: at.to_string(),
            territory: decision.territory.as_ref().map(|located| Place {
                code: located.code.to_string(),
                name: located.name.clone(),
                full_name: routing.regions.full_name(located.code.as_str()),
                source: located.source,
                because: because(located.source),
            }),
            number: decision.caller_id.number.reveal().to_owned(),
            withheld: decision.caller_id.presentation == Presentation::Restricted,
            steps: decision.plan.iter().map(|step| target(step, decision, settings, &site)).collect(),
            closed: closed.collect(),
            why: decision.why.iter().filter_map(|why| reason(why, routing)).collect(),
        }
    }
}

/// One target, with the INVITE to it.
pub(super) fn target(step: &Step, decision: &Decision, settings: &switch::Settings, site: &Site) -> Target {
    let routing = &settings.routing;
    match step {
        Step::Group { group, class } => Target::Group {
            class: *class,
            group: group.to_string(),
            agents: routing.members(group).map(|agent| agent.id.to_string()).collect(),
        },
        Step::Trunk { trunk, number, class } => {
            let row = routing.trunk(trunk);
            let transport = row.map(|row| row.transport).unwrap_or_default();
            let gateway = |row: &routing::gateway::Gateway| Gateway {
                address: row.address,
                transport,
                priority: row.priority,
                weight: row.weight,
            };
            let mut gateways: Vec<Gateway> = row.iter().flat_map(|row| &row.gateways).map(gateway).collect();
            // Of equal priority the weights decide by chance, which is not thrown here: the heaviest stands first.
            gateways.sort_by_key(|gateway| (gateway.priority, Reverse(gateway.weight)));
            let written = gateways.first().and_then(|gateway| {
                let way = (gateway.transport, gateway.address);
                invite::write(site, &settings.sip, decision, (trunk, number), way)
            });
            let (invite, presented) = written.unzip();
            Target::Trunk {
                class: *class,
                trunk: trunk.to_string(),
                number: number.clone(),
                gateways,
                invite,
                presented: presented.map(presented_as),
            }
        }
    }
}

fn presented_as(summary: Summary) -> Presented {
    let shown = match summary.shown {
        Shown::Number => "the citizen's number",
        Shown::OwnNumber => "the trunk's own number, as its profile asks",
        Shown::OwnNumberAfterRefusal => "the trunk's own number, after a refusal",
        Shown::Withheld => "nobody: the number is withheld",
        Shown::Unknown => "nobody: the network gave no number",
    };
    Presented { shown, carried_by: summary.carried_by }
}

/// A target in words.
fn target_name(to: &To) -> String {
    match to {
        To::Step(step) => step_name(step),
        To::Via(Via { region, service }) => format!("the targets of {region} for {service}"),
    }
}

fn step_name(step: &Step) -> String {
    match step {
        Step::Group { group, .. } => format!("group {group}"),
        Step::Trunk { trunk, number, .. } => format!("{number} on trunk {trunk}"),
    }
}

const fn because(source: LocatedBy) -> &'static str {
    match source {
        LocatedBy::Agent => "chosen by the agent",
        LocatedBy::Address => "by the address of the incident",
        LocatedBy::Dnis => "by the number that was called",
        LocatedBy::Trunk => "by the trunk or seat that the call comes from",
        LocatedBy::NumberHint => "by the home of the caller's number (按号码归属地, 仅供参考: a hint only)",
        LocatedBy::Default => "by default_region of territories.toml",
    }
}

/// A rule in a sentence. What the answer says already is left out.
fn reason(why: &Why, routing: &Config) -> Option<String> {
    Some(match why {
        Why::HotlineDialled(hotline) => format!("{hotline} is a row of hotlines.toml"),
        Why::AssertionBelieved(trunk) => format!("trunk {trunk} is trusted: the number that it asserts is believed"),
        Why::AssertionRemoved(trunk) => format!("trunk {trunk} is not trusted: what it asserts is removed"),
        Why::ResourcePriority(trunk) => format!("{trunk} is trusted and says by Resource-Priority that it is urgent"),
        Why::Correlated { trunk, .. } => format!("{trunk} has made it for the agent who has another call"),
        Why::NotCorrelated { trunk, found } => format!("{trunk} has made it, and {found} of its calls fit"),
        Why::AgentsNumber(agent) => format!("a call of agent {agent} shows the agent's own number"),
        Why::AddressNotUnderstood => "the address of the incident begins with no region that is known".to_owned(),
        Why::Row { region, service } => {
            let name = routing.regions.get(region.as_str()).map(|region| region.name.as_str()).unwrap_or_default();
            format!("territories.toml: region {region} {name}, service {service}")
        }
        Why::OwnPlan(hotline) => format!("hotlines.toml: the plan of {hotline}"),
        Why::Target(step) => format!("  then {}", step_name(step)),
        Why::Closed { target, hours } => format!("  not {}: open {hours}", target_name(target)),
    })
}
