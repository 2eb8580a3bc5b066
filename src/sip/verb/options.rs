//! OPTIONS, inside a dialog and outside: what we can do (RFC 3261 11).

use super::context::Context;
use crate::sip::message::Request;
use crate::sip::transaction::table::TxId;

/// Answers an OPTIONS inside a dialog.
pub fn answer(cx: &mut Context<'_>, tx: TxId, request: &Request) {
    let response = cx.core.voice.options_answer(request, &cx.line.flow);
    cx.respond(tx, &response);
}
