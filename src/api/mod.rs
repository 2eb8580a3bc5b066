//! HTTP: `/v1` for desks, CTI clients and other systems, and the administrators' listener.
//!
//! Decides: paths, who may ask for what, status codes and bodies. [`routes`] is the whole list; what is not in it does
//! not exist, and whom it does not name is refused.
//! Invariants: it runs on threads of its own; a command reaches the loop through a bounded queue and the loop never
//! waits for anybody here; every limit - connections, requests at a time, rate, size, time - has its answer, and every
//! error is a problem that says what would be right (RFC 9457); a citizen's number is masked but for those entitled,
//! one call at a time, and each such reading is logged; tokens, numbers and bodies are never logged; no path of a file,
//! no address to call and no command line is ever taken from a request (V33).
//! Does not do: TLS (both listeners are bound to loopback, the configuration refuses anything else).
//!
//! Reading order: [`routes`], [`gate`], [`access`], [`problem`]; then one file a resource.

mod access;
mod admin;
mod agents;
mod body;
mod calls;
mod events;
mod gate;
mod idempotency;
mod listen;
mod named;
mod openapi;
mod problem;
mod rate;
mod routes;
mod shape;
#[cfg(test)]
mod tests;
pub(crate) mod tickets;
mod transfers;
mod trunks;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::{Semaphore, mpsc};

pub use access::{Access, Numbers, Role, Token, digest};
pub use admin::Admin;

use crate::engine::handle::{Handle, Told};
use crate::metrics::HttpRecorder;
use crate::store::tickets::TicketStore;
use events::Hub;
use idempotency::Repetitions;
use listen::Bounded;

/// Connections at a time, of each listener.
const CONNECTIONS: usize = 256;

/// What every request needs. Copies share it.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
}

struct Shared {
    patience: Patience,
    handle: Handle,
    access: Access,
    admin: Admin,
    tickets: TicketStore,
    exports: Arc<Semaphore>,
    hub: Hub,
    repetitions: Repetitions,
    metrics: HttpRecorder,
}

/// What the interface is made of.
#[derive(Debug)]
pub struct Parts {
    /// The way to the loop.
    pub handle: Handle,
    /// Who may ask.
    pub access: Access,
    /// What administrators see.
    pub admin: Admin,
    /// The built-in ticket store.
    pub tickets: TicketStore,
    /// Where requests are counted.
    pub metrics: HttpRecorder,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// The switch's answer to a command. It may still have its effect afterwards.
    command: Duration,
    /// A whole request: more than a command, less than a connection may wait (20 s).
    request: Duration,
    /// A stream on which nothing happens says so this often.
    ping: Duration,
}

const PATIENCE: Patience =
    Patience { command: Duration::from_secs(5), request: Duration::from_secs(10), ping: Duration::from_secs(10) };

impl Api {
    /// The interface to a loop.
    pub fn new(parts: Parts) -> Self {
        Self::with_patience(parts, PATIENCE)
    }

    fn with_patience(parts: Parts, patience: Patience) -> Self {
        let Parts { handle, access, admin, tickets, metrics } = parts;
        let hub = Hub::new(access.clone(), handle.clock());
        let repetitions = Repetitions::default();
        let exports = Arc::new(Semaphore::new(tickets::EXPORTS));
        let shared = Shared { patience, handle, access, admin, tickets, exports, hub, repetitions, metrics };
        Self { shared: Arc::new(shared) }
    }

    fn patience(&self) -> Patience {
        self.shared.patience
    }

    fn handle(&self) -> &Handle {
        &self.shared.handle
    }

    fn access(&self) -> &Access {
        &self.shared.access
    }

    fn hub(&self) -> &Hub {
        &self.shared.hub
    }

    fn repetitions(&self) -> &Repetitions {
        &self.shared.repetitions
    }

    fn metrics(&self) -> &HttpRecorder {
        &self.shared.metrics
    }

    fn tickets(&self) -> &TicketStore {
        &self.shared.tickets
    }

    /// Room for those who read everything at once.
    fn exports(&self) -> &Arc<Semaphore> {
        &self.shared.exports
    }

    fn admin(&self) -> &Admin {
        &self.shared.admin
    }
}

/// Serves `/v1` on `listener` until the process ends, and takes in what the loop tells. Call it on a thread of its own.
pub fn serve(listener: TcpListener, api: Api, told: mpsc::Receiver<Told>) {
    run("http_failed", async move {
        let hub = api.hub().clone();
        let served = listen(listener, routes::router(routes::ROUTES, &api));
        tokio::select! {
            result = served => result,
            // The loop has ended: the process is about to.
            () = hub.run(told) => Ok(()),
        }
    });
}

/// Serves administrators on `listener` until the process ends. Call it on a thread of its own, so that no desk can
/// keep an administrator waiting.
pub fn serve_admin(listener: TcpListener, api: &Api) {
    run("admin_failed", listen(listener, routes::router(admin::ROUTES, api)));
}

async fn listen(listener: TcpListener, router: Router) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    axum::serve(Bounded::new(listener, CONNECTIONS), router).await
}

fn run(failure: &'static str, work: impl Future<Output = std::io::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.and_then(|runtime| runtime.block_on(work));
    if let Err(error) = result {
        tracing::error!(event = failure, %error);
    }
}
