//! Everything that a question means, in one answer, written while it is read: page by page from the store, so that
//! neither the memory nor a lock on the file grows with it.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::try_unfold;
use tokio::sync::OwnedSemaphorePermit;

use super::question::Form;
use super::{csv, gone, note_reading, sight};
use crate::api::Api;
use crate::api::access::{Client, Numbers};
use crate::api::problem::{Kind, Problem};
use crate::store::tickets::{Away, Filter, Kept, Reader, TicketStore};
use crate::tickets::ids::TicketId;

/// An export under way.
struct Export {
    store: TicketStore,
    client: Client,
    filter: Filter,
    form: Form,
    at: Place,
    _room: OwnedSemaphorePermit,
}

/// How far it is.
enum Place {
    Beginning,
    After(TicketId),
    End,
}

/// The answer. A fault of the store in the midst of it ends the connection: the reader sees that it is not whole.
pub(super) fn stream(api: &Api, client: Client, filter: Filter, form: Form) -> Result<Response, Problem> {
    api.tickets().reader().map_err(gone)?;
    let room = Arc::clone(api.exports()).try_acquire_owned().map_err(|_| {
        let detail = "too many exports are being read";
        Problem::new(Kind::Busy, detail, "the same again when another one has ended").retry_after(10)
    })?;
    let store = api.tickets().clone();
    let export = Export { store, client, filter, form, at: Place::Beginning, _room: room };
    let body = Body::from_stream(try_unfold(export, Export::next));
    let (kind, name) = match form {
        Form::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"tickets.csv\""),
        Form::Json | Form::Ndjson => ("application/x-ndjson", "attachment; filename=\"tickets.ndjson\""),
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, [(header::CACHE_CONTROL, "no-store")], body).into_response())
}

impl Export {
    /// The next piece, and the rest.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Away> {
        let mut piece = Vec::new();
        let after = match self.at {
            Place::Beginning => {
                if self.form == Form::Csv {
                    csv::head(&mut piece);
                }
                None
            }
            Place::After(ticket) => Some(ticket),
            Place::End => return Ok(None),
        };
        let page = self.store.reader()?.list(&self.filter, after, Reader::PAGE).await?;
        self.at = page.last().map_or(Place::End, |last| Place::After(last.ticket.ticket_id));
        note_reading(&self.client, &page);
        page.iter().for_each(|kept| self.write(kept, &mut piece));
        Ok(Some((piece.into(), self)))
    }

    fn write(&self, kept: &Kept, piece: &mut Vec<u8>) {
        let masked = match sight(&self.client) {
            Numbers::Masked => Some(kept.ticket.masked()),
            Numbers::Whole => None,
        };
        match self.form {
            Form::Csv => csv::row(masked.as_ref().unwrap_or(&kept.ticket), piece),
            Form::Json | Form::Ndjson => {
                let text = masked.and_then(|masked| serde_json::to_string(&masked).ok());
                piece.extend_from_slice(text.as_ref().unwrap_or(&kept.text).as_bytes());
                piece.push(b'\n');
            }
        }
    }
}
