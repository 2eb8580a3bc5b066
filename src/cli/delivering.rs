//! What joins the outbox and the delivery, which do not know one another.

use std::fmt::Write;

use tokio::sync::mpsc;

use crate::delivery::{Report, Secret};
use crate::metrics::DeliveryRecorder;
use crate::tickets::ids::EventId;
use crate::tickets::parcel::Verdict;

/// What the delivery shows our own ticket store: 32 random bytes in hexadecimal, which live as long as the process. As
/// text for whoever has to know it again, and as the secret that is shown.
pub(super) fn own_token() -> Result<(String, Secret), getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    let token = bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    });
    let own = Secret::new(token.as_str());
    Ok((token, own))
}

/// An attempt has ended: it is counted, told in the log, and the outbox learns of it.
pub(super) fn tell(report: Report, counts: &DeliveryRecorder, outbox: &mpsc::Sender<(EventId, Verdict)>) {
    let Report { event, kind, store, verdict, attempt, took } = report;
    let kind = kind.and_then(|kind| serde_json::to_value(kind).ok());
    let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or("unknown");
    let sink = &*store;
    let result = match &verdict {
        Verdict::Taken { .. } => "taken",
        Verdict::NotNow { why, .. } => {
            // A ticket store that is away for a day fails thousands of times.
            if attempt.is_power_of_two() {
                tracing::warn!(event = "ticket_not_delivered", id = %event, kind, sink, attempt, why);
            }
            "not_now"
        }
        Verdict::Refused { why } => {
            tracing::error!(event = "ticket_refused", id = %event, kind, sink, attempt, why);
            "refused"
        }
    };
    counts.attempted(kind, sink, result, attempt, took);
    // Full only if more attempts had ended than can be under way; closed when the daemon is going down.
    if outbox.try_send((event, verdict)).is_err() {
        tracing::warn!(event = "outcome_not_kept", id = %event, sink, "the event is sent again after a restart");
    }
}
