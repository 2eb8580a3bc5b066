//! A house for tests: the interface as it is, and in the loop's place a script.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request as HttpRequest, Response, StatusCode, header};
use tower::ServiceExt;

use crate::api::access::{Access, Numbers, Role, Token, digest};
use crate::api::{Admin, Api, Parts, Patience, admin, routes};
use crate::base::ids::{AgentId, CallId, HotlineId, LegId, TransferId, TrunkId};
use crate::base::pii::Pii;
use crate::base::time::Instant;
use crate::call::command::{CallSelector, Command, Refusal, Reply};
use crate::call::record::{TransferRecord, Trigger, Who};
use crate::engine::clock::Clock;
use crate::engine::handle::{self, Desk, Moment, Request, Shown, Told, Wish};
use crate::engine::health::Health;
use crate::engine::reload;
use crate::metrics;
use crate::routing::config::{PeerClass, Priority};
use crate::routing::{CallerId, Decision, decision::Answering};
use crate::sip::fact::Peer;
use crate::store;
use crate::switch::View;
use crate::switch::view::{AgentState, AgentView, CallView, GatewayView, LegView, TrunkView};

/// The citizen's number, whole.
pub(super) const NUMBER: &str = "13900001111";
/// Call 1: agent 1001 talks with the citizen. Call 2: agent 1002 does.
pub(super) const CALL_OF_1001: CallId = CallId(1);
pub(super) const CALL_OF_1002: CallId = CallId(2);
/// A transfer of call 1 that is under way.
pub(super) const TRANSFER: TransferId = TransferId(7);

/// The interface and its script.
pub(super) struct House {
    pub(super) http: Router,
    pub(super) admin: Router,
    pub(super) api: Api,
    pub(super) reloads: tokio::sync::mpsc::Receiver<reload::Reload>,
    script: Arc<Mutex<Script>>,
    writer: Option<store::tickets::Writer>,
    _folder: Folder,
}

/// A folder that goes with its house.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lianxian-house-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// What the loop does.
#[derive(Default)]
pub(super) struct Script {
    /// Commands that were given, in order.
    pub(super) commands: Vec<(CallSelector, Command)>,
    /// What is answered to each; none: the loop is stuck.
    pub(super) reply: Option<Reply>,
    /// Answers that are held back by a stuck loop.
    held: Vec<tokio::sync::oneshot::Sender<Reply>>,
}

/// The token of each client of the house.
pub(super) fn tokens() -> Vec<Token> {
    let token = |name: &str, role, numbers| Token { name: name.to_owned(), role, numbers, digest: digest(name) };
    vec![
        token("agent-1001", Role::Agent(AgentId::from("1001")), Numbers::Masked),
        token("agent-1002", Role::Agent(AgentId::from("1002")), Numbers::Masked),
        token("supervisor", Role::Supervisor, Numbers::Masked),
        token("entitled", Role::Supervisor, Numbers::Whole),
        token("administrator", Role::Administrator, Numbers::Masked),
        token("system", Role::System, Numbers::Masked),
    ]
}

impl House {
    /// The house, with a loop that runs on the test's runtime.
    pub(super) fn new() -> Self {
        let clock = Clock::start();
        let (handle, desk, told) = handle::open(clock);
        let (ask, reloads) = reload::requests();
        let (recorder, exposition) = metrics::create();
        let shown = Admin { metrics: exposition, health: Health::new(clock), reloads: ask };
        let short = Duration::from_millis(100);
        let patience = Patience { command: short, request: short * 5, ping: short };
        let folder = Folder::new();
        let (tickets, writer) = store::tickets::open(folder.0.join("tickets.db"));
        let metrics = recorder.http();
        let access = Access::new(tokens());
        let api = Api::with_patience(Parts { handle, access, admin: shown, tickets, metrics }, patience);
        let script = Arc::new(Mutex::new(Script::default()));
        tokio::task::spawn(run(clock, desk, Arc::clone(&script)));
        let hub = api.hub().clone();
        tokio::task::spawn(async move { hub.run(told).await });
        Self {
            http: routes::router(routes::ROUTES, &api),
            admin: routes::router(admin::ROUTES, &api),
            api,
            reloads,
            script,
            writer: Some(writer),
            _folder: folder,
        }
    }

    /// The house with its ticket store at work; in the other one it is away.
    pub(super) async fn with_tickets() -> Self {
        let mut house = Self::new();
        let writer = house.writer.take().unwrap();
        std::thread::spawn(move || writer.run());
        while house.api.tickets().reader().is_err() {
            tokio::task::yield_now().await;
        }
        house
    }

    /// Changes the script.
    pub(super) fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// The stuck loop answers after all.
    pub(super) fn answer_held(&self, reply: Reply) {
        let held = std::mem::take(&mut self.script().held);
        held.into_iter().for_each(|answer| answer.send(reply).unwrap());
    }

    /// Asks as the client of that name; an empty name asks without a token.
    pub(super) async fn ask(&self, client: &str, method: &str, path: &str, body: Option<&str>) -> Answer {
        let request = request(client, method, path, body);
        Answer::of(self.http.clone().oneshot(request).await.unwrap()).await
    }

    /// The same on the administrators' listener.
    pub(super) async fn ask_admin(&self, client: &str, method: &str, path: &str) -> Answer {
        let request = request(client, method, path, None);
        Answer::of(self.admin.clone().oneshot(request).await.unwrap()).await
    }

    /// Tells what happened, as the loop does.
    pub(super) async fn hear(&self, told: Told) {
        self.api.hub().take(&told);
    }
}

/// A request.
pub(super) fn request(client: &str, method: &str, path: &str, body: Option<&str>) -> HttpRequest<Body> {
    let mut request = HttpRequest::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    if !client.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {client}"));
    }
    match body {
        Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_owned())),
        None => request.body(Body::empty()),
    }
    .unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: axum::http::HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 8 << 20).await.unwrap();
        Self { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The kind of a problem; everything that a problem must have is checked on the way.
    pub(super) fn problem(&self) -> String {
        let json = self.json();
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{self:?}");
        assert_eq!(json["status"], self.status.as_u16(), "{self:?}");
        for member in ["title", "detail", "right"] {
            assert!(json[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {self:?}");
        }
        json["type"].as_str().unwrap().strip_prefix("urn:lianxian:problem:").unwrap().to_owned()
    }
}

async fn run(clock: Clock, mut desk: Desk, script: Arc<Mutex<Script>>) {
    loop {
        let wish = desk.wish().await;
        let at = Moment { instant: clock.now(), wall: clock.wall() };
        match wish {
            Wish::Picture => desk.publish(view(), at),
            Wish::Request(Request::Show { which, answer }) => {
                let call = find(&which).map(|call| Shown { call, at });
                answer.send(call).ok();
            }
            Wish::Request(Request::Order { which, command, answer }) => {
                let mut script = script.lock().unwrap();
                script.commands.push((which, command));
                match script.reply {
                    Some(reply) => drop(answer.send(reply)),
                    None => script.held.push(answer),
                }
            }
        }
    }
}

fn find(which: &CallSelector) -> Result<CallView, Refusal> {
    let is_meant = |call: &CallView| match which {
        CallSelector::Id(id) => call.call == *id,
        CallSelector::Agent(agent) => call.legs.iter().any(|leg| leg.who == Who::Agent(agent.clone())),
        CallSelector::Caller(number) => call.caller == *number,
        CallSelector::SipCallId(id) => call.call == CALL_OF_1001 && id == "a@b/c",
    };
    let mut calls: Vec<CallView> = view().calls.into_iter().filter(is_meant).collect();
    match (calls.pop(), calls.is_empty()) {
        (Some(call), true) => Ok(call),
        (Some(_), false) => Err(Refusal::Ambiguous),
        (None, _) => Err(Refusal::NoSuchCall),
    }
}

fn view() -> View {
    let agent = |number: &str, call| AgentView { agent: AgentId::from(number), state: AgentState::Engaged(call) };
    let absent = AgentView { agent: AgentId::from("1003"), state: AgentState::Absent };
    View {
        calls: vec![call(CALL_OF_1001, "1001"), call(CALL_OF_1002, "1002")],
        agents: vec![agent("1001", CALL_OF_1001), agent("1002", CALL_OF_1002), absent],
        trunks: vec![trunk()],
        ..View::default()
    }
}

/// A trunk with two gateways, one of them down.
fn trunk() -> TrunkView {
    let gateway = |last, state| GatewayView {
        address: ([10, 2, 0, last], 5060).into(),
        state,
        since: Instant::START,
        heard: None,
        round_trip: None,
    };
    TrunkView {
        trunk: TrunkId::from("police"),
        class: PeerClass::Linkage,
        legs_in: 0,
        legs_out: 2,
        limit: 30,
        up: true,
        heard: Some(Instant::START),
        gateways: vec![gateway(1, "up"), gateway(2, "down")],
    }
}

fn call(id: CallId, agent: &str) -> CallView {
    let leg = |number, who| LegView { leg: LegId(number), who, phase: "connected", port: None };
    CallView {
        call: id,
        hotline: HotlineId::from("12345"),
        priority: Priority::Normal,
        state: "talking",
        caller: Pii::new(NUMBER),
        arrived: Instant::START,
        legs: vec![
            leg(1, Who::Caller(Peer::Trunk(TrunkId::from("carrier")))),
            leg(2, Who::Agent(AgentId::from(agent))),
        ],
        transfers: if id == CALL_OF_1001 { vec![transfer()] } else { Vec::new() },
    }
}

/// The transfer of call 1.
pub(super) fn transfer() -> TransferRecord {
    let decision = Decision {
        hotline: HotlineId::from("110"),
        priority: Priority::Emergency,
        answering: Answering::ByPerson,
        announcement: None,
        ring_timeout: Duration::from_secs(20),
        plan: Vec::new(),
        territory: None,
        caller_id: CallerId::plain(NUMBER),
        referral: None,
        why: Vec::new(),
    };
    TransferRecord {
        id: TRANSFER,
        trigger: Trigger::Command,
        mode: Default::default(),
        transferor: LegId(2),
        agent: None,
        from: HotlineId::from("12345"),
        decision: Arc::new(decision),
        particulars: Default::default(),
        requested: Instant::START,
        attempts: vec![LegId(3)],
        consultation: None,
        targets: Vec::new(),
        answered: None,
        ended: None,
    }
}
