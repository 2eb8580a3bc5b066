//! The built-in ticket store over HTTP: what is taken, what is shown, and to whom.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use tower::ServiceExt;

use super::house::{Answer, House, NUMBER, request};
use crate::base::ids::CallId;
use crate::base::pii::Pii;
use crate::store::tickets::sample::{self, Chain};
use crate::tickets::tag::Tag;
use crate::tickets::ticket::{Event, Status, Ticket};

/// What a citizen said.
const WORDS: &str = "邻居半夜施工";

/// A contact whose first agent is 1001.
fn ticket(contact: u128) -> Ticket {
    let mut ticket = sample::ticket(contact, 1_735_689_600_000 + u64::try_from(contact).unwrap());
    ticket.from.agent.no = "1001".to_owned();
    ticket.first_agent = "1001".to_owned();
    ticket.to.agent.no = String::new();
    let caller = &mut ticket.caller;
    caller.number_raw = Pii::new(NUMBER);
    caller.number_e164 = Pii::new(format!("+86{NUMBER}"));
    caller.presented_number = Pii::new(NUMBER);
    caller.name = Pii::new("王小明");
    ticket.appeal.content = Pii::new(WORDS);
    ticket
}

fn id(contact: u128) -> String {
    format!("{}-0", CallId(contact))
}

async fn post(house: &House, text: &str) -> Answer {
    house.ask("system", "POST", "/v1/tickets", Some(text)).await
}

/// A house in whose store contact 1 (of agent 1001) is tagged, and contact 2 (of agent 1002) is open.
async fn house() -> House {
    let house = House::with_tickets().await;
    let mut chain = Chain::default();
    post(&house, &chain.next(ticket(1)).text).await;
    let mut tagged = ticket(1);
    (tagged.event, tagged.status, tagged.tags) = (Event::Tagged, Status::Closed, vec![Tag::HandedTo110]);
    post(&house, &chain.next(tagged).text).await;
    let mut other = ticket(2);
    other.from.agent.no = "1002".to_owned();
    other.first_agent = "1002".to_owned();
    assert_eq!(post(&house, &Chain::default().next(other).text).await.status, StatusCode::CREATED);
    house
}

fn ids(listed: &Answer) -> Vec<String> {
    let tickets = listed.json()["tickets"].as_array().unwrap_or_else(|| panic!("{listed:?}")).clone();
    tickets.iter().map(|ticket| ticket["ticket_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_event_is_taken_once_in_its_place_and_unchanged() {
    let house = House::with_tickets().await;
    let mut chain = Chain::default();
    let (first, second) = (chain.next(ticket(1)), chain.next(ticket(1)));
    let early = post(&house, &second.text).await;
    assert_eq!((early.status, early.problem()), (StatusCode::CONFLICT, "conflict".to_owned()));
    assert_eq!(early.json()["expected_seq"], 1);
    let new = post(&house, &first.text).await;
    assert_eq!(new.status, StatusCode::CREATED, "{new:?}");
    assert_eq!(new.headers["location"], format!("/v1/tickets/{}", id(1)));
    assert_eq!(new.json()["event_id"], first.ticket.event_id.to_string());
    let again = post(&house, &first.text).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, new.json()));
    assert_eq!(post(&house, &second.text).await.status, StatusCode::CREATED);
    let events = house.ask("system", "GET", &format!("/v1/tickets/{}/events", id(1)), None).await.json();
    assert_eq!(events["events"].as_array().unwrap().len(), 2);

    let mut other = ticket(1);
    other.disposition = "不受理".to_owned();
    let conflict = post(&house, &Chain::default().next(other).text).await;
    assert_eq!((conflict.problem(), &conflict.json()["expected_seq"]), ("conflict".to_owned(), &().into()));
    let changed = Chain::default().next(ticket(3)).text.replace("1001", "1009");
    assert_eq!(post(&house, &changed).await.problem(), "unprocessable");
    assert_eq!(ids(&house.ask("system", "GET", "/v1/tickets", None).await), [id(1)], "the changed one is not kept");
}

#[tokio::test]
async fn what_is_no_ticket_is_refused_with_what_would_be_right() {
    let house = House::with_tickets().await;
    let good = Chain::default().next(ticket(1)).text;
    for (text, kind) in [
        ("{", "malformed".to_owned()),
        ("{}", "unprocessable".to_owned()),
        (&good.replace("linkage-ticket/1", "linkage-ticket/2"), "unprocessable".to_owned()),
        (&good.replace("已转出", &"转".repeat(90_000)), "too-large".to_owned()),
        (&good.replace("已转出", &"转".repeat(30_000)), "unprocessable".to_owned()),
    ] {
        assert_eq!(post(&house, text).await.problem(), kind, "{:.60}", text);
    }
    let mut foreign = ticket(1);
    foreign.ticket_id.linkage.0 = CallId(2);
    assert_eq!(post(&house, &Chain::default().next(foreign).text).await.problem(), "unprocessable");
    for (key, status) in [("another", StatusCode::UNPROCESSABLE_ENTITY), ("", StatusCode::CREATED)] {
        let mut request = request("system", "POST", "/v1/tickets", Some(&good));
        let own = Chain::default().next(ticket(1)).ticket.event_id.to_string();
        let key = if key.is_empty() { own.as_str() } else { key };
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        assert_eq!(house.http.clone().oneshot(request).await.unwrap().status(), status, "{key}");
    }
}

#[tokio::test]
async fn while_the_store_is_away_everybody_is_told_to_come_again() {
    let house = House::new();
    let text = Chain::default().next(ticket(1)).text;
    for path in ["/v1/tickets", "/v1/tickets?format=csv", &format!("/v1/tickets/{}", id(1))] {
        let answer = house.ask("system", "GET", path, None).await;
        assert_eq!(answer.problem(), "busy", "{path}");
        assert!(answer.headers.contains_key("retry-after"));
    }
    // Nobody writes: the request's own limit of time answers.
    assert_eq!(post(&house, &text).await.problem(), "timed-out");
}

#[tokio::test]
async fn an_agent_sees_the_records_that_name_it_and_no_other() {
    let house = house().await;
    let listed =
        async |client: &str, query: &str| ids(&house.ask(client, "GET", &format!("/v1/tickets{query}"), None).await);
    assert_eq!(listed("agent-1001", "").await, [id(1)]);
    assert_eq!(listed("agent-1002", "").await, [id(2)]);
    assert_eq!(listed("agent-1001", "?agent=1001").await, [id(1)]);
    assert_eq!(listed("agent-1001", "?agent=1002").await, Vec::<String>::new());
    assert_eq!(listed("supervisor", "").await, [id(2), id(1)]);
    for path in [id(2), format!("{}/events", id(2)), id(9)] {
        let answer = house.ask("agent-1001", "GET", &format!("/v1/tickets/{path}"), None).await;
        assert_eq!(
            (answer.problem(), &answer.json()["detail"]),
            ("not-found".to_owned(), &"there is no such ticket".into())
        );
    }
    let own = house.ask("agent-1001", "GET", &format!("/v1/tickets/{}", id(1)), None).await.json();
    assert_eq!((&own["seq"], &own["tags"][0], &own["status"]), (&2.into(), &"已转110受理".into(), &"结案".into()));
    let table = house.ask("agent-1001", "GET", "/v1/tickets?format=ndjson", None).await;
    assert_eq!(table.text.lines().count(), 1);
}

/// Numbers, name and words are whole for the entitled only, in whatever form they are read.
#[tokio::test]
async fn v41_tickets_are_masked_but_for_the_entitled() {
    let house = house().await;
    let one = format!("/v1/tickets/{}", id(1));
    let events = format!("{one}/events");
    for path in ["/v1/tickets", "/v1/tickets?format=csv", "/v1/tickets?format=ndjson", &one, &events] {
        for client in ["agent-1001", "supervisor", "system", "entitled"] {
            let answer = house.ask(client, "GET", path, None).await;
            assert_eq!(answer.status, StatusCode::OK, "{client} {path}: {answer:?}");
            let whole = client == "entitled";
            for secret in [NUMBER, "王小明", WORDS] {
                assert_eq!(answer.text.contains(secret), whole, "{secret}: {client} {path}: {}", answer.text);
            }
            assert_eq!(answer.text.contains("139****1111"), !whole, "{client} {path}");
            assert_eq!(answer.text.contains("王**"), !whole, "{client} {path}");
        }
    }
}

#[tokio::test]
async fn whole_lines_are_the_events_byte_for_byte() {
    let house = House::with_tickets().await;
    let event = Chain::default().next(ticket(1));
    post(&house, &event.text).await;
    let lines = house.ask("entitled", "GET", "/v1/tickets?format=ndjson", None).await.text;
    assert_eq!(lines, event.text.clone() + "\n");
    let events = house.ask("entitled", "GET", &format!("/v1/tickets/{}/events", id(1)), None).await.text;
    assert!(events.contains(&event.text), "{events}");
}

#[tokio::test]
async fn records_are_found_by_each_filter() {
    let house = house().await;
    let found = async |query: &str| ids(&house.ask("system", "GET", &format!("/v1/tickets?{query}"), None).await);
    let (tagged, open) = ([id(1)], [id(2)]);
    assert_eq!(found("tag=%E5%B7%B2%E8%BD%AC110%E5%8F%97%E7%90%86").await, tagged);
    assert_eq!(found("status=%E7%BB%93%E6%A1%88").await, tagged);
    assert_eq!(found("event=tagged&direction=12345_TO_110").await, tagged);
    assert_eq!(found("agent=1002").await, open);
    assert_eq!(found("event=tagged&agent=1002").await, Vec::<String>::new(), "all must hold");
    assert_eq!(found(&format!("linkage_id={}", CallId(2))).await, open);
    assert_eq!(found("territory=6530").await.len(), 2);
    assert_eq!(found("territory=11").await.len(), 0);
    assert_eq!(found("tag=x").await.len(), 0);
    assert_eq!(found("number=%2B8613900001111").await.len(), 2);
    assert_eq!(found("number=139").await.len(), 0, "a part of a number finds nobody");
    assert_eq!(found("from=2025-01-01T08:00:00.002%2B08:00").await, open);
    assert_eq!(found("to=2025-01-01T08:00:00.002%2B08:00").await, tagged);
    for odd in ["status=x", "from=yesterday", "territory=x", "limit=0", "limit=500", "format=xml", "colour=red"] {
        let answer = house.ask("system", "GET", &format!("/v1/tickets?{odd}"), None).await;
        assert_eq!(answer.problem(), "malformed", "{odd}");
    }
    for odd in ["format=csv&limit=1", "after=x", "linkage_id=x"] {
        let answer = house.ask("system", "GET", &format!("/v1/tickets?{odd}"), None).await;
        assert_eq!(answer.problem(), "malformed", "{odd}");
    }
    assert_eq!(house.ask("system", "GET", "/v1/tickets/x", None).await.problem(), "malformed");
}

#[tokio::test]
async fn pages_and_exports_hold_every_record_once() {
    let house = House::with_tickets().await;
    let mut taking = tokio::task::JoinSet::new();
    for contact in 1..=1_100 {
        let store = house.api.tickets().clone();
        taking.spawn(async move {
            let event = Chain::default().next(ticket(contact));
            while store.take(event.clone()).await.is_err() {
                tokio::task::yield_now().await;
            }
        });
    }
    taking.join_all().await;
    let every: BTreeSet<String> = (1..=1_100).map(id).collect();
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = house.ask("system", "GET", &format!("/v1/tickets?limit=499{after}"), None).await;
        paged.extend(ids(&page));
        match page.json()["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(paged.len(), 1_100);
    assert_eq!(paged.into_iter().collect::<BTreeSet<_>>(), every);
    for (format, head) in [("csv", 1), ("ndjson", 0)] {
        let answer = house.ask("system", "GET", &format!("/v1/tickets?format={format}"), None).await;
        assert_eq!(answer.text.lines().count(), 1_100 + head, "{format}");
        assert!(every.iter().all(|id| answer.text.contains(id)), "{format}");
        assert_eq!(answer.text.starts_with('\u{feff}'), format == "csv");
    }
}

#[tokio::test]
async fn two_exports_at_a_time_and_the_others_come_again() {
    let house = house().await;
    let export = || async {
        let request = request("system", "GET", "/v1/tickets?format=csv", None);
        house.http.clone().oneshot(request).await.unwrap()
    };
    let (first, _second) = (export().await, export().await);
    assert_eq!(Answer::of(export().await).await.problem(), "busy");
    drop(first);
    assert_eq!(export().await.status(), StatusCode::OK);
}
