//! The one writer: takes the events that wait, and commits them together.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};
use tokio::sync::mpsc;

use super::filter::{self, Mention};
use super::read::Reader;
use super::{Away, NotTaken, Order, Posted, Taken, schema};
use crate::tickets::seal::{self, Broken, Link};

/// Events in one transaction at most.
const GROUP: usize = 64;
/// How long to wait before a file that could not be opened is tried again.
const REST: Duration = Duration::from_secs(1);

/// Writes the file until every [`super::TicketStore`] is gone.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    orders: mpsc::Receiver<Order>,
    reader: Arc<OnceLock<Reader>>,
}

impl Writer {
    pub(super) const fn new(path: PathBuf, orders: mpsc::Receiver<Order>, reader: Arc<OnceLock<Reader>>) -> Self {
        Self { path, orders, reader }
    }

    /// Call it on a thread of its own.
    pub fn run(self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.write()),
            Err(error) => tracing::error!(event = "tickets_failed", %error),
        }
    }

    /// As long as the file can be used; then opens it anew.
    pub(super) async fn write(mut self) {
        while let Some(mut file) = self.open().await {
            loop {
                let mut group = Vec::with_capacity(GROUP);
                if self.orders.recv_many(&mut group, GROUP).await == 0 {
                    file.close().await.ok();
                    return;
                }
                if let Err(error) = commit(&mut file, group).await {
                    tracing::error!(event = "tickets_not_written", %error);
                    break;
                }
            }
        }
    }

    /// The open file; none when nobody is left to write for. Meanwhile whoever asks is told to come again.
    async fn open(&mut self) -> Option<SqliteConnection> {
        loop {
            match schema::open(&self.path).await {
                Ok(file) => {
                    self.reader.get_or_init(|| Reader::new(&self.path));
                    return Some(file);
                }
                Err(error) => tracing::error!(event = "tickets_unusable", %error),
            }
            let again = tokio::time::sleep(REST);
            tokio::pin!(again);
            loop {
                tokio::select! {
                    () = &mut again => break,
                    order = self.orders.recv() => drop(order?.answer.send(Err(Away.into()))),
                }
            }
        }
    }
}

/// Writes a group in one transaction. Nobody is told "taken" before it is on the disk.
async fn commit(file: &mut SqliteConnection, group: Vec<Order>) -> Result<(), sqlx::Error> {
    match written(file, &group).await {
        Ok(results) => {
            for (order, result) in group.into_iter().zip(results) {
                // Whoever has gone meanwhile will ask again.
                order.answer.send(result).ok();
            }
            Ok(())
        }
        Err(error) => {
            for order in group {
                order.answer.send(Err(Away.into())).ok();
            }
            Err(error)
        }
    }
}

type Results = Vec<Result<Taken, NotTaken>>;

async fn written(file: &mut SqliteConnection, group: &[Order]) -> Result<Results, sqlx::Error> {
    let mut whole = file.begin_with("BEGIN IMMEDIATE").await?;
    let mut results = Vec::with_capacity(group.len());
    for order in group {
        results.push(take(&mut whole, &order.event).await?);
    }
    whole.commit().await?;
    Ok(results)
}

/// Keeps one event, or says why not. Everything is looked at before anything is written: a refusal changes nothing.
async fn take(file: &mut SqliteConnection, event: &Posted) -> Result<Result<Taken, NotTaken>, sqlx::Error> {
    let Posted { ticket, text } = event;
    let kept: Option<String> = sqlx::query_scalar("SELECT text FROM event WHERE event_id = ?")
        .bind(ticket.event_id.to_string())
        .fetch_optional(&mut *file)
        .await?;
    match kept {
        Some(kept) if kept == *text => return Ok(Ok(Taken::Again)),
        Some(_) => return Ok(Err(NotTaken::Conflict)),
        None => {}
    }
    let last = sqlx::query("SELECT seq, hash FROM ticket WHERE ticket_id = ?")
        .bind(ticket.ticket_id.to_string())
        .fetch_optional(&mut *file)
        .await?;
    let last = match last {
        Some(row) => Link { seq: row.try_get::<i64, _>("seq")?.unsigned_abs(), hash: row.try_get("hash")? },
        None => Link::default(),
    };
    let link = match seal::verify(&last, text) {
        Ok(link) => link,
        Err(broken) => return Ok(Err(broken.into())),
    };
    // SQLite's numbers are signed. No honest ticket has so many events.
    let Ok(seq) = i64::try_from(link.seq) else { return Ok(Err(Broken::NoTicket.into())) };
    write(file, event, seq, &link.hash).await?;
    Ok(Ok(Taken::New))
}

async fn write(file: &mut SqliteConnection, event: &Posted, seq: i64, hash: &str) -> Result<(), sqlx::Error> {
    let Posted { ticket, text } = event;
    let id = ticket.ticket_id.to_string();
    sqlx::query("INSERT INTO event (event_id, ticket_id, seq, text) VALUES (?, ?, ?, ?)")
        .bind(ticket.event_id.to_string())
        .bind(&id)
        .bind(seq)
        .bind(text)
        .execute(&mut *file)
        .await?;
    sqlx::query(
        "INSERT INTO ticket (ticket_id, linkage_id, created_ms, seq, hash, direction, status, region)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (ticket_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
         direction = excluded.direction, status = excluded.status, region = excluded.region",
    )
    .bind(&id)
    .bind(ticket.linkage_id.to_string())
    .bind(filter::milliseconds(ticket.at))
    .bind(seq)
    .bind(hash)
    .bind(filter::word(&ticket.direction))
    .bind(filter::word(&ticket.status))
    .bind(ticket.region.as_ref().map_or("", |region| region.code.as_str()))
    .execute(&mut *file)
    .await?;
    for Mention { kind, value } in filter::mentions(ticket) {
        sqlx::query("INSERT OR IGNORE INTO mention (kind, value, ticket_id) VALUES (?, ?, ?)")
            .bind(kind)
            .bind(value)
            .bind(&id)
            .execute(&mut *file)
            .await?;
    }
    Ok(())
}
