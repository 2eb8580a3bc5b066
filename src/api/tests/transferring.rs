//! Handing a caller over by HTTP.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode};
use tower::ServiceExt;

use super::house::{Answer, CALL_OF_1001, House, TRANSFER, request};
use crate::base::ids::AgentId;
use crate::call::command::{Accepted, By, CallSelector, Command, Mode, Refusal};

const TRANSFERS: &str = "/v1/calls/agent:1001/transfers";
const BODY: &str = r#"{"to":"110","territory":"653001","urgency":"urgent","flags":["涉众"],"summary":"持刀"}"#;
const BEGUN: Accepted = Accepted::Transfer { call: CALL_OF_1001, transfer: TRANSFER };

async fn keyed(house: &House, client: &str, key: &str, body: &str) -> Answer {
    let mut request = request(client, "POST", TRANSFERS, Some(body));
    request.headers_mut().insert("Idempotency-Key", HeaderValue::from_str(key).unwrap());
    Answer::of(house.http.clone().oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn a_transfer_begins_with_202_its_location_and_what_it_is() {
    let house = House::new();
    house.script().reply = Some(Ok(BEGUN));
    let answer = house.ask("agent-1001", "POST", TRANSFERS, Some(BODY)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let location = format!("/v1/calls/{CALL_OF_1001}/transfers/{TRANSFER}");
    assert_eq!(answer.headers["location"], location.as_str());
    assert_eq!((&answer.json()["id"], &answer.json()["to"]), (&TRANSFER.to_string().into(), &"110".into()));
    let (call, command) = house.script().commands.remove(0);
    assert_eq!(call, CallSelector::Agent(AgentId::from("1001")));
    let Command::Transfer { to, mode, territory, particulars, by } = command else { panic!("{command:?}") };
    assert_eq!((to.as_str(), mode, territory.as_deref()), ("110", Mode::OneClick, Some("653001")));
    assert_eq!(by, By::Agent(AgentId::from("1001")), "the call itself checks that it is this agent's");
    assert_eq!(particulars.flags, ["涉众"]);
    house.ask("system", "POST", TRANSFERS, Some(BODY)).await;
    let (_, command) = house.script().commands.remove(0);
    assert!(matches!(command, Command::Transfer { by: By::Console, .. }), "{command:?}");
}

#[tokio::test]
async fn each_refusal_is_a_problem_of_its_kind() {
    let house = House::new();
    let kinds = [
        (Refusal::NoSuchCall, "not-found"),
        (Refusal::NotYourCall, "not-found"),
        (Refusal::Ambiguous, "not-found"),
        (Refusal::NotTalking, "conflict"),
        (Refusal::TransferInProgress, "conflict"),
        (Refusal::NotConfigured, "unprocessable"),
        (Refusal::ModeNotSupported, "unprocessable"),
        (Refusal::TooManyTransfers, "conflict"),
    ];
    for (refusal, kind) in kinds {
        house.script().reply = Some(Err(refusal));
        assert_eq!(house.ask("agent-1001", "POST", TRANSFERS, Some(BODY)).await.problem(), kind, "{refusal}");
    }
    house.script().reply = Some(Err(Refusal::AlreadyAnswered));
    let path = format!("{TRANSFERS}/{TRANSFER}");
    assert_eq!(house.ask("agent-1001", "DELETE", &path, None).await.problem(), "conflict");
    house.script().reply = Some(Ok(Accepted::Cancelled { call: CALL_OF_1001, transfer: TRANSFER }));
    assert_eq!(house.ask("agent-1001", "DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_repeated_key_has_its_effect_once() {
    let house = House::new();
    house.script().reply = Some(Ok(BEGUN));
    let first = keyed(&house, "agent-1001", "press-1", BODY).await;
    let again = keyed(&house, "agent-1001", "press-1", BODY).await;
    assert_eq!((first.status, again.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!(first.headers["location"], again.headers["location"]);
    assert_eq!(house.script().commands.len(), 1, "one press, one transfer");
    keyed(&house, "agent-1001", "press-2", BODY).await;
    keyed(&house, "system", "press-1", BODY).await;
    assert_eq!(house.script().commands.len(), 3, "another key, and the same key of another token, are other commands");
    let other = keyed(&house, "agent-1001", "press-1", r#"{"to":"119"}"#).await;
    assert_eq!(other.problem(), "unprocessable", "the same key for another command");
    let long = "x".repeat(129);
    assert_eq!(keyed(&house, "agent-1001", &long, BODY).await.problem(), "malformed");
}

#[tokio::test]
async fn a_refusal_changed_nothing_and_the_same_key_may_be_tried_again() {
    let house = House::new();
    house.script().reply = Some(Err(Refusal::TransferInProgress));
    assert_eq!(keyed(&house, "agent-1001", "press-1", BODY).await.problem(), "conflict");
    house.script().reply = Some(Ok(BEGUN));
    assert_eq!(keyed(&house, "agent-1001", "press-1", BODY).await.status, StatusCode::ACCEPTED);
}

/// The command may have its effect after the time-out: repeating it with its key waits for the same answer.
#[tokio::test]
async fn a_stuck_loop_is_504_and_the_key_finds_the_answer_that_came_later() {
    let house = House::new();
    let late = keyed(&house, "agent-1001", "press-1", BODY).await;
    assert_eq!(late.problem(), "timed-out");
    assert!(late.text.contains("may still have its effect"), "{late:?}");
    house.answer_held(Ok(BEGUN));
    assert_eq!(keyed(&house, "agent-1001", "press-1", BODY).await.status, StatusCode::ACCEPTED);
    assert_eq!(house.script().commands.len(), 1);
    let unkeyed = house.ask("agent-1001", "POST", TRANSFERS, Some(BODY)).await;
    assert_eq!(unkeyed.problem(), "timed-out");
}

/// More commands than the loop takes at once are refused at once, not queued without end.
#[tokio::test]
async fn a_full_queue_is_503() {
    let house = House::new();
    house.script().reply = None;
    let asked: Vec<_> = (0..400).map(|_| house.api.handle().order(CallSelector::Id(CALL_OF_1001), cancel())).collect();
    assert!(asked.iter().any(Result::is_err), "the queue has a limit");
    let answer = house.ask("system", "GET", "/v1/calls/agent:1001", None);
    let answer: Answer = answer.await;
    assert_eq!(answer.problem(), "busy");
    assert!(answer.headers.contains_key("retry-after"));
}

fn cancel() -> Command {
    Command::CancelTransfer { transfer: TRANSFER, by: By::Console }
}

/// A body that never ends is answered in time, and the room it took is given back.
#[tokio::test]
async fn a_body_that_never_comes_is_answered_in_time() {
    let house = House::new();
    let endless = futures_util::stream::pending::<Result<axum::body::Bytes, std::io::Error>>();
    let mut request = request("agent-1001", "POST", TRANSFERS, Some(""));
    *request.body_mut() = Body::from_stream(endless);
    let answer = Answer::of(house.http.clone().oneshot(request).await.unwrap()).await;
    assert_eq!(answer.problem(), "timed-out");
}
