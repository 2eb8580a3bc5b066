//! Which records are asked for, in the words of a query.

use serde::Deserialize;

use super::LARGEST_PAGE;
use crate::api::problem::{Kind, Problem};
use crate::base::calendar::Moment;
use crate::base::ids::AgentId;
use crate::base::pii::Pii;
use crate::store::tickets::{Filter, Span};
use crate::tickets::ids::{LinkageId, TicketId};
use crate::tickets::tag::Tag;
use crate::tickets::ticket::{Direction, Event, Status};

/// The records that are asked for: everything that is given must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct Question {
    /// Made not before this time, RFC 3339.
    #[param(value_type = Option<String>)]
    from: Option<Moment>,
    /// Made before this time.
    #[param(value_type = Option<String>)]
    to: Option<Moment>,
    /// `12345_TO_110`, `110_TO_12345`, `12345_TO_OTHER`, `110_TO_OTHER` or `OTHER`.
    #[param(value_type = Option<String>)]
    direction: Option<Direction>,
    /// `已转110受理`, `已转12345热线受理`, or the text of another hotline's.
    #[param(value_type = Option<String>)]
    tag: Option<Tag>,
    /// The first digits of the region's code (GB/T 2260): `46`, `4601`, `460105`.
    territory: Option<String>,
    /// An operator's number (工号), on either side or as the first.
    agent: Option<String>,
    /// A number of the citizen, whole, in whatever form.
    number: Option<String>,
    /// The status as it stands: 登记, 已推送, .., 结案.
    #[param(value_type = Option<String>)]
    status: Option<Status>,
    /// Something that has happened to it: `created`, `tagged`, `transfer_failed`, ..
    #[param(value_type = Option<String>)]
    event: Option<Event>,
    /// The contact: both services' records.
    #[param(value_type = Option<String>)]
    linkage_id: Option<LinkageId>,
    /// At most so many, 1 to 499; 100 without it. For pages only.
    limit: Option<usize>,
    /// The `next` of the page before. For pages only.
    #[param(value_type = Option<String>)]
    after: Option<TicketId>,
    /// `json` (pages), `csv` or `ndjson`.
    #[param(value_type = Option<String>)]
    #[serde(default)]
    format: Form,
}

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// A page.
    #[default]
    Json,
    /// All, as a table.
    Csv,
    /// All, one JSON object a line.
    Ndjson,
}

/// A question that makes sense.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) filter: Filter,
    pub(super) form: Form,
    pub(super) limit: Option<usize>,
    pub(super) after: Option<TicketId>,
}

impl Question {
    /// Looks at what its types do not say.
    pub(super) fn read(self) -> Result<Asked, Problem> {
        if self.limit.is_some_and(|limit| !(1..=LARGEST_PAGE).contains(&limit)) {
            return Err(malformed("the limit is out of its range"));
        }
        match self.format {
            Form::Csv | Form::Ndjson if self.limit.is_some() || self.after.is_some() => {
                return Err(malformed("limit and after are for pages, and this format has none"));
            }
            Form::Json | Form::Csv | Form::Ndjson => {}
        }
        let digits = |code: &String| code.len() <= 12 && code.bytes().all(|byte| byte.is_ascii_digit());
        if !self.territory.iter().all(digits) {
            return Err(malformed("the territory is not the beginning of a code"));
        }
        let filter = Filter {
            ticket: None,
            made: Span { from: self.from, to: self.to },
            direction: self.direction,
            tag: self.tag,
            territory: self.territory,
            agent: self.agent.map(|agent| AgentId::from(agent.as_str())),
            number: self.number.map(Pii::new),
            status: self.status,
            event: self.event,
            linkage: self.linkage_id,
        };
        Ok(Asked { filter, form: self.format, limit: self.limit, after: self.after })
    }
}

/// A query that cannot be read.
pub(super) fn malformed(detail: impl Into<String>) -> Problem {
    let right = format!("filters of /openapi.json, limit=1..{LARGEST_PAGE}, after=ID, format=json|csv|ndjson");
    Problem::new(Kind::Malformed, detail, right)
}
