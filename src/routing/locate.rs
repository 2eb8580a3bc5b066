//! Which territory (属地) a call belongs to: the strongest of those who say so.
//!
//! The agent's choice, then the address of the incident, then the number that was called and the trunk's or seat's own
//! region, then the home of the caller's number, then the default. The home of a number is only a hint: it never beats
//! what people or trunks say.

use super::caller_id::CallerId;
use super::config::{CalledNumber, Config, Hotline, Trunk};
use super::decision::{Located, LocatedBy, Origin, Refusal, RegionHints, Why};
use super::regions::Found;
use crate::base::ids::{GroupId, RegionCode};
use crate::base::number::{Form, Number};

/// What is known of a call besides what people say.
pub(super) struct Circumstances<'a> {
    /// The region of the number that was called.
    pub(super) called: Option<&'a RegionCode>,
    /// The region of the trunk or seat that the call comes from.
    pub(super) own: Option<&'a RegionCode>,
    /// Where the call was located before.
    pub(super) before: Option<&'a Located>,
    /// Whose call it is.
    pub(super) caller: &'a CallerId,
    /// The area code of the trunk that it came over.
    pub(super) area: Option<&'a str>,
}

/// Locates a call. An agent's choice that means no region, or several, is refused: to guess would send the caller to
/// somebody else's police.
pub(super) fn locate(
    config: &Config,
    hints: RegionHints<'_>,
    circumstances: &Circumstances<'_>,
    why: &mut Vec<Why>,
) -> Result<Option<Located>, Refusal> {
    let located = |code: &str, source| located(config, code, source);
    if let Some(chosen) = hints.chosen {
        return match config.regions.find(chosen) {
            Found::One(region) => Ok(located(region.code.as_str(), LocatedBy::Agent)),
            Found::Several(_) => Err(Refusal::AmbiguousRegion),
            Found::Nothing => Err(Refusal::UnknownRegion),
        };
    }
    if let Some(address) = hints.incident {
        match config.regions.of_address(address) {
            Some(region) => return Ok(located(region.code.as_str(), LocatedBy::Address)),
            None => why.push(Why::AddressNotUnderstood),
        }
    }
    let Circumstances { called, own, before, caller, area } = circumstances;
    let told = called.and_then(|code| located(code.as_str(), LocatedBy::Dnis));
    let told = told.or_else(|| own.and_then(|code| located(code.as_str(), LocatedBy::Trunk)));
    let told = told.or_else(|| before.and_then(|before| located(before.code.as_str(), before.source)));
    let home = || config.homes.of(&Number::parse(caller.number.reveal(), *area));
    let told = told.or_else(|| home().and_then(|code| located(code.as_str(), LocatedBy::NumberHint)));
    let default = || config.default_region.as_ref().and_then(|code| located(code.as_str(), LocatedBy::Default));
    Ok(told.or_else(default))
}

fn located(config: &Config, code: &str, source: LocatedBy) -> Option<Located> {
    let region = config.regions.get(code)?;
    Some(Located { code: region.code.clone(), name: region.name.clone(), source })
}

/// The own region of whoever asks.
pub(super) fn own_region<'a>(config: &'a Config, from: Origin<'_>) -> Option<&'a RegionCode> {
    match from {
        Origin::Trunk(trunk) => config.trunk(trunk).and_then(|trunk| trunk.region.as_ref()),
        Origin::Agent(agent) => {
            let groups = &config.agents.iter().find(|row| row.id == *agent)?.groups;
            let of = |id: &GroupId| config.groups.iter().find(|row| row.id == *id).and_then(|row| row.region.as_ref());
            groups.iter().find_map(of)
        }
    }
}

/// What a called number means.
pub(super) struct Called<'a> {
    /// The hotline.
    pub(super) hotline: &'a Hotline,
    /// The region that the number names.
    pub(super) region: Option<&'a RegionCode>,
}

/// What `called` means over `trunk`: a row of the trunk's own table, or the hotline of that number, as it stands or in
/// another form that a network writes (`110`, `0898110`, `+86898110`). Nothing else is ever dialled (V20).
pub(super) fn called<'a>(config: &'a Config, trunk: Option<&'a Trunk>, called: &str) -> Option<Called<'a>> {
    let area = trunk.and_then(|trunk| trunk.subscription.area_code.as_deref());
    let rows = trunk.map(|trunk| trunk.called.as_slice()).unwrap_or_default();
    let by_row = |row: &'a CalledNumber| {
        let hotline = config.hotline(row.hotline.as_str())?;
        Some(Called { hotline, region: row.region.as_ref() })
    };
    if let Some(row) = rows.iter().find(|row| row.number == called) {
        return by_row(row);
    }
    if let Some(hotline) = config.hotline(called) {
        return Some(Called { hotline, region: None });
    }
    if let Some(row) = rows.iter().find(|row| digits_within(&row.number) == digits_within(called)) {
        return by_row(row);
    }
    let hotline = config.hotlines.iter().find(|row| same_number(row.number.as_str(), called, area))?;
    Some(Called { hotline, region: None })
}

/// Whether two texts write one number of ours. Withheld and odd ones are none.
fn same_number(hotline: &str, called: &str, area: Option<&str>) -> bool {
    let number = Number::parse(called, area);
    match number.form() {
        Form::Withheld | Form::Odd => false,
        Form::Mobile
        | Form::Fixed
        | Form::Local
        | Form::Service
        | Form::Short
        | Form::Intermediate
        | Form::International => number == Number::parse(hotline, area),
    }
}

/// The digits of a number within the country, without what networks write before them. With the area code, if one
/// stands there: `0898110` and `+86898110` are one, and `+86110` is another. Whatever is no number is itself.
fn digits_within(text: &str) -> &str {
    let rest = ["+86", "0086", "86"].into_iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let rest = rest.strip_prefix('0').unwrap_or(rest);
    let is_number = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { rest } else { text }
}
