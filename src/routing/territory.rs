//! Who serves a territory: region and service to ordered targets.
//!
//! A county without a row of its own uses the row of the region that it lies in; the last row is the service's own, its
//! plan in `hotlines.toml`. A target may be open at certain hours only, and may point to the targets of another row
//! (`via`): a county's 110 reaches 12345 through the city's 110 and the city's 12345 (县110 → 市110 → 市12345). A duty desk
//! is the last resort of its own service: a row that only leads through another service does not borrow it. The order is
//! the configured one and nothing else (I24).

use serde::{Deserialize, Serialize};

use super::config::{Class, Config, Hotline, Priority, Step};
use super::decision::Why;
use super::hours::Hours;
use crate::base::ids::{GroupId, HotlineId, RegionCode, TrunkId};
use crate::base::time::LocalTime;

/// How many rows a target may lead through, one behind the other.
pub const MAX_VIA: usize = 8;

/// The most targets of one decision. What is beyond it would ring for longer than anybody waits.
const MAX_TARGETS: usize = 32;

/// Who serves one region and service: a `[[territory]]` of `territories.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Territory {
    /// The region, by its code.
    pub region: RegionCode,
    /// The hotline whose calls these are.
    pub service: HotlineId,
    /// Who takes them, in this order.
    pub targets: Vec<Target>,
}

/// One target of a territory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TargetRow", into = "TargetRow")]
pub struct Target {
    /// Whom to call.
    pub to: To,
    /// When; always, if not given.
    pub hours: Option<Hours>,
}

/// Whom a target calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// A group, or a number on a trunk.
    Step(Step),
    /// Whoever serves another region or service.
    Via(Via),
}

/// Another row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Via {
    /// Its region, by its code.
    pub region: RegionCode,
    /// Its service.
    pub service: HotlineId,
}

/// A target as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trunk: Option<TrunkId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<Class>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hours: Option<Hours>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    via: Option<Via>,
}

impl TryFrom<TargetRow> for Target {
    type Error = &'static str;

    fn try_from(row: TargetRow) -> Result<Self, Self::Error> {
        let class = row.class.unwrap_or_default();
        let to = match (row.group, row.trunk, row.number, row.via) {
            (Some(group), None, None, None) => To::Step(Step::Group { group, class }),
            (None, Some(trunk), Some(number), None) if !number.is_empty() => {
                To::Step(Step::Trunk { trunk, number, class })
            }
            (None, None, None, Some(via)) if row.class.is_none() => To::Via(via),
            _ => {
                return Err(
                    "a target is a group, a trunk with a number, or via another row (which has its own classes)",
                );
            }
        };
        Ok(Self { to, hours: row.hours })
    }
}

impl From<Target> for TargetRow {
    fn from(target: Target) -> Self {
        let none = Self { group: None, trunk: None, number: None, class: None, hours: target.hours, via: None };
        match target.to {
            To::Step(Step::Group { group, class }) => Self { group: Some(group), class: Some(class), ..none },
            To::Step(Step::Trunk { trunk, number, class }) => {
                Self { trunk: Some(trunk), number: Some(number), class: Some(class), ..none }
            }
            To::Via(via) => Self { via: Some(via), ..none },
        }
    }
}

/// The targets that apply now, in order, with what led to each of them. Empty only if the hotline's own plan is.
pub(super) fn targets(
    config: &Config,
    hotline: &Hotline,
    region: Option<&RegionCode>,
    at: LocalTime,
    why: &mut Vec<Why>,
) -> Vec<Step> {
    let mut search = Search { config, service: &hotline.number, at, plan: Vec::new(), depth: 0, why };
    let rows = region.into_iter().flat_map(|region| config.rows_for(region, &hotline.number));
    for row in rows {
        search.row(row);
        // Every target of a county may be closed; then its city's are asked.
        if !search.plan.is_empty() {
            break;
        }
    }
    if search.plan.is_empty() {
        search.why.push(Why::OwnPlan(hotline.number.clone()));
        search.steps(&hotline.number, &hotline.plan);
    }
    search.ensure_further_target(hotline);
    search.plan
}

struct Search<'a> {
    config: &'a Config,
    /// The service that was asked for.
    service: &'a HotlineId,
    at: LocalTime,
    plan: Vec<Step>,
    depth: usize,
    why: &'a mut Vec<Why>,
}

impl Search<'_> {
    fn row(&mut self, row: &Territory) {
        self.why.push(Why::Row { region: row.region.clone(), service: row.service.clone() });
        for target in &row.targets {
            let closed = target.hours.as_ref().filter(|hours| !hours.contains(self.at));
            match (&target.to, closed) {
                (To::Step(step), None) => self.steps(&row.service, std::slice::from_ref(step)),
                (To::Via(via), None) => self.follow(via),
                (to, Some(hours)) => self.why.push(Why::Closed { target: to.clone(), hours: hours.clone() }),
            }
        }
    }

    /// The targets of another row stand here, in their order. `check` refuses a circle; one that came in otherwise ends
    /// at the limit.
    fn follow(&mut self, via: &Via) {
        if self.depth == MAX_VIA {
            return;
        }
        self.depth += 1;
        let config = self.config;
        match config.rows_for(&via.region, &via.service).next() {
            Some(row) => self.row(row),
            None => {
                if let Some(hotline) = config.hotline(via.service.as_str()) {
                    self.why.push(Why::OwnPlan(hotline.number.clone()));
                    self.steps(&hotline.number, &hotline.plan);
                }
            }
        }
        self.depth -= 1;
    }

    /// Steps of a row or plan of that service.
    fn steps(&mut self, service: &HotlineId, steps: &[Step]) {
        let borrowed = service != self.service;
        steps.iter().filter(|step| !borrowed || step.class() != Class::DutyDesk).for_each(|step| self.take(step));
    }

    /// The same target twice would ring a callee again who has just said no (trap T36).
    fn take(&mut self, step: &Step) {
        if self.plan.len() < MAX_TARGETS && !self.plan.iter().any(|taken| taken.same_callee(step)) {
            self.why.push(Why::Target(step.clone()));
            self.plan.push(step.clone());
        }
    }

    /// An emergency call always has a further target: where the row has no duty desk, the service's own (DESIGN 4).
    fn ensure_further_target(&mut self, hotline: &Hotline) {
        let is_emergency = hotline.priority == Priority::Emergency;
        if is_emergency && self.plan.last().is_some_and(|step| step.class() != Class::DutyDesk) {
            hotline.plan.iter().filter(|step| step.class() == Class::DutyDesk).for_each(|step| self.take(step));
        }
    }
}

impl Config {
    /// The rows that serve a region, its own first, then those of the regions that it lies in.
    pub(super) fn rows_for<'a>(
        &'a self,
        region: &'a RegionCode,
        service: &'a HotlineId,
    ) -> impl Iterator<Item = &'a Territory> {
        self.regions.chain(region.as_str()).flat_map(move |here| {
            self.territories.iter().filter(move |row| row.service == *service && row.region == here.code)
        })
    }

    /// A chain of `via` that leads back to its own beginning, row by row. `None` if there is none.
    pub fn circle(&self, from: &Territory) -> Option<Vec<Via>> {
        let start = Via { region: from.region.clone(), service: from.service.clone() };
        let mut way = vec![start];
        if self.leads_back(from, &mut way) { Some(way) } else { None }
    }

    /// Whether the calls of a row always have somebody to turn to at last: a duty desk without hours, in the row, in one
    /// that it leads through, or in the hotline's own plan, which stands behind it.
    pub fn has_duty_desk(&self, row: &Territory) -> bool {
        let own = |step: &Step| step.class() == Class::DutyDesk;
        let behind = self.hotline(row.service.as_str()).is_some_and(|hotline| hotline.plan.iter().any(own));
        behind || self.leads_to_duty_desk(row, &row.service, 0)
    }

    fn leads_to_duty_desk(&self, row: &Territory, service: &HotlineId, depth: usize) -> bool {
        depth <= MAX_VIA
            && row.targets.iter().filter(|target| target.hours.is_none()).any(|target| match &target.to {
                To::Step(step) => row.service == *service && step.class() == Class::DutyDesk,
                To::Via(via) => self
                    .rows_for(&via.region, &via.service)
                    .next()
                    .is_some_and(|next| self.leads_to_duty_desk(next, service, depth + 1)),
            })
    }

    fn leads_back(&self, row: &Territory, way: &mut Vec<Via>) -> bool {
        if way.len() > MAX_VIA {
            return true;
        }
        for target in &row.targets {
            let To::Via(via) = &target.to else { continue };
            let Some(next) = self.rows_for(&via.region, &via.service).next() else { continue };
            let here = Via { region: next.region.clone(), service: next.service.clone() };
            let seen = way.contains(&here);
            way.push(here);
            if seen || self.leads_back(next, way) {
                return true;
            }
            way.pop();
        }
        false
    }
}
