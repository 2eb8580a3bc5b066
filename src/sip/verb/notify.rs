//! NOTIFY: how a REFER goes, told to whoever sent it (RFC 3515 2.4.5, RFC 6665); and what a NOTIFY to us gets.

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::refer::EventId;
use crate::sip::dialog::Dialog;
use crate::sip::message::{Method, Name, Request, Response, default_reason};
use crate::sip::transaction::table::TxId;

/// What a NOTIFY says of its subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Standing {
    /// It goes on, for this many seconds at most.
    Active {
        /// Seconds.
        expires_s: u64,
    },
    /// The REFER is settled: it is over.
    Settled,
    /// Its time has run out: it is over, and how the REFER goes is not known.
    Expired,
}

/// A report: the status line of the call to the target as a `message/sipfrag` (RFC 3420).
pub(super) fn report(
    cx: &Context<'_>,
    dialog: &mut Dialog,
    event: EventId,
    status: u16,
    standing: Standing,
) -> Request {
    let mut request = dialog.request(Method::Notify);
    let headers = &mut request.headers;
    cx.introduce(headers);
    headers.push(Name::Event, event.value());
    let standing = match standing {
        Standing::Active { expires_s } => format!("active;expires={expires_s}"),
        Standing::Settled => "terminated;reason=noresource".to_owned(),
        Standing::Expired => "terminated;reason=timeout".to_owned(),
    };
    headers.push(Name::SubscriptionState, standing);
    headers.push(Name::ContentType, "message/sipfrag;version=2.0");
    request.body = format!("SIP/2.0 {status} {}\r\n", default_reason(status)).into();
    request
}

/// A NOTIFY to us. We never subscribe, so that it belongs to nothing (RFC 6665 4.1.3); the dialog is not touched.
pub(super) fn refuse(cx: &mut Context<'_>, tx: TxId, request: &Request) {
    let response = refusal(request);
    cx.respond(tx, &response);
}

/// What a NOTIFY that belongs to nothing gets, inside a dialog and outside.
pub(crate) fn refusal(request: &Request) -> Response {
    let package = request.headers.get(&Name::Event).map(|event| {
        let package = event.split(|byte| *byte == b';').next().unwrap_or_default();
        package.trim_ascii().eq_ignore_ascii_case(b"refer")
    });
    match package {
        Some(true) => Response::new(481, request),
        // RFC 6665 4.1.3, 8.2.2: a package that we do not know, or none named.
        Some(false) | None => {
            let mut response = Response::new(489, request);
            response.headers.push(Name::parse(b"Allow-Events"), "refer");
            response
        }
    }
}
