//! `Idempotency-Key`: a command that is repeated has its effect once.
//!
//! The answer of the switch is kept by token and key. A repetition while the first is still waited for waits for the
//! same answer, so that after a time-out it is safe to send the command again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::access::Client;
use super::problem::{Kind, Problem};
use super::transfers::late;
use crate::base::time::Instant;
use crate::call::command::Reply;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// The most answers that are kept: a day of a busy centre. Beyond it the oldest goes.
const MOST: usize = 20_000;
/// The longest key.
const LONGEST: usize = 128;

/// A client's name for one command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    client: Arc<str>,
    key: String,
}

impl Key {
    /// The key of a request, if it has one.
    pub(super) fn of(client: &Client, headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all("Idempotency-Key").iter();
        let Some(value) = values.next() else { return Ok(None) };
        let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= LONGEST);
        let (Some(text), None) = (text, values.next()) else {
            let right = format!("one key of 1 to {LONGEST} printable characters, new for each transfer");
            return Err(Problem::new(Kind::Malformed, "the Idempotency-Key cannot be used", right));
        };
        Ok(Some(Self { client: Arc::clone(&client.name), key: text.to_owned() }))
    }
}

/// A digest of everything that makes a command what it is.
pub(super) fn fingerprint(call: &str, body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(call.len().to_be_bytes()).chain_update(call).chain_update(body).finalize().into()
}

/// The answers that are kept.
#[derive(Debug, Default)]
pub(super) struct Repetitions {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    rows: HashMap<Key, Row>,
    /// In the order of their coming, with the time.
    order: VecDeque<(Instant, Key)>,
}

#[derive(Clone, Debug)]
struct Row {
    print: [u8; 32],
    /// Locked by whoever asks or waits; the others wait behind it.
    progress: Arc<tokio::sync::Mutex<Progress>>,
}

/// How far a command is.
#[derive(Debug)]
enum Progress {
    /// The switch has not been asked.
    Fresh,
    /// The switch has been asked.
    Asked(oneshot::Receiver<Reply>),
    /// The switch has answered.
    Answered(Reply),
}

impl Repetitions {
    /// The answer to the command of that key: asks for it the first time, and only then.
    pub(super) async fn once(
        &self,
        now: Instant,
        key: Key,
        print: [u8; 32],
        ask: impl FnOnce() -> Result<oneshot::Receiver<Reply>, Problem>,
        patience: Duration,
    ) -> Result<Reply, Problem> {
        let row = self.row(now, key, print);
        if row.print != print {
            let detail = "this Idempotency-Key was used for another command";
            return Err(Problem::new(Kind::Unprocessable, detail, "a new key for each transfer"));
        }
        let answered = tokio::time::timeout(patience, async {
            let mut progress = row.progress.lock().await;
            if matches!(*progress, Progress::Fresh) {
                *progress = Progress::Asked(ask()?);
            }
            let reply = match &mut *progress {
                Progress::Answered(reply) => Ok(*reply),
                // Dropped while waiting, the receiver stays where it is: the next repetition goes on waiting.
                Progress::Asked(reply) => reply.await.map_err(|_| ()),
                Progress::Fresh => Err(()),
            };
            match reply {
                // A refusal changed nothing: the same command may be tried again.
                Ok(reply) => {
                    *progress = if reply.is_ok() { Progress::Answered(reply) } else { Progress::Fresh };
                    Ok(reply)
                }
                // The loop took the command and gave no answer: it has too many to answer, or is going down.
                Err(()) => {
                    *progress = Progress::Fresh;
                    Err(Problem::new(Kind::Busy, "the daemon took no commands", "the same again").retry_after(1))
                }
            }
        });
        answered.await.unwrap_or_else(|_| Err(late()))
    }

    fn row(&self, now: Instant, key: Key, print: [u8; 32]) -> Row {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let table = &mut *table;
        while table.order.front().is_some_and(|(since, _)| now.since(*since) >= KEPT || table.order.len() >= MOST) {
            if let Some((_, old)) = table.order.pop_front() {
                table.rows.remove(&old);
            }
        }
        let order = &mut table.order;
        let row = table.rows.entry(key.clone()).or_insert_with(|| {
            order.push_back((now, key));
            Row { print, progress: Arc::new(tokio::sync::Mutex::new(Progress::Fresh)) }
        });
        row.clone()
    }
}
