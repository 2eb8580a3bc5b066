//! What is shown of calls and agents, and to whom.

use super::house::{House, NUMBER};

const MASKED: &str = "139****1111";

#[tokio::test]
async fn an_agent_sees_its_own_call_and_no_other() {
    let house = House::new();
    let listed = house.ask("agent-1001", "GET", "/v1/calls", None).await.json();
    let ids: Vec<&str> = listed["calls"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["00000000000000000000000000000001"]);
    for name in ["00000000000000000000000000000001", "agent:1001", "sip:a@b%2Fc"] {
        let answer = house.ask("agent-1001", "GET", &format!("/v1/calls/{name}"), None).await;
        assert_eq!(answer.json()["id"], "00000000000000000000000000000001", "{name}");
    }
    // Whether somebody else's call exists, or who is calling somebody else, is not to be found out.
    for name in ["00000000000000000000000000000002", "agent:1002", "sip:x@y", "caller:13900001111", "caller:1"] {
        let answer = house.ask("agent-1001", "GET", &format!("/v1/calls/{name}"), None).await;
        assert_eq!(answer.problem(), "not-found", "{name}");
        assert_eq!(answer.json()["detail"], "there is no such call", "{name}");
    }
    let agents = house.ask("agent-1001", "GET", "/v1/agents", None).await.json();
    assert_eq!(agents["agents"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn v41_a_number_is_whole_only_for_the_entitled_and_one_call_at_a_time() {
    let house = House::new();
    let one = "/v1/calls/00000000000000000000000000000001";
    for client in ["agent-1001", "supervisor", "system", "entitled"] {
        for path in ["/v1/calls", one] {
            let answer = house.ask(client, "GET", path, None).await;
            let whole = client == "entitled" && path == one;
            assert_eq!(answer.text.contains(NUMBER), whole, "{client} {path}");
            assert_eq!(answer.text.contains(MASKED), !whole, "{client} {path}");
        }
    }
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let house = House::new();
    let first = house.ask("system", "GET", "/v1/calls?limit=1", None).await.json();
    assert_eq!(first["calls"].as_array().unwrap().len(), 1);
    let next = first["next"].as_str().unwrap();
    let second = house.ask("system", "GET", &format!("/v1/calls?limit=1&after={next}"), None).await.json();
    assert_eq!(second["calls"][0]["id"], "00000000000000000000000000000002");
    assert!(second["next"].is_null());
}

#[tokio::test]
async fn a_call_shows_its_parties_and_its_transfers() {
    let house = House::new();
    let call = house.ask("system", "GET", "/v1/calls/agent:1001", None).await.json();
    assert_eq!((&call["hotline"], &call["state"]), (&"12345".into(), &"talking".into()));
    assert_eq!(call["legs"][1]["party"]["agent"], "1001");
    assert!(call["arrived"].as_str().unwrap().ends_with("+08:00"));
    let transfer = &call["transfers"][0];
    assert_eq!((&transfer["to"], &transfer["state"]), (&"110".into(), &"under_way".into()));
    let shown = house.ask("agent-1001", "GET", "/v1/calls/agent:1001/transfers/00000000000000000000000000000007", None);
    assert_eq!(&shown.await.json()["attempts"][0], "leg-3");
}

#[tokio::test]
async fn administrators_see_agents_and_not_their_calls() {
    let house = House::new();
    let seen = |client| house.ask(client, "GET", "/v1/agents", None);
    let agents = seen("supervisor").await.json();
    assert_eq!(agents["agents"][1]["call"], "00000000000000000000000000000002");
    assert_eq!(agents["agents"][2]["state"], "absent");
    let agents = seen("administrator").await.json();
    assert_eq!(agents["agents"].as_array().unwrap().len(), 3);
    assert!(agents["agents"].as_array().unwrap().iter().all(|agent| agent["call"].is_null()));
}

#[tokio::test]
async fn trunks_show_their_load_and_which_gateway_is_down() {
    let house = House::new();
    let trunks = house.ask("administrator", "GET", "/v1/trunks", None).await.json();
    let police = &trunks["trunks"][0];
    assert_eq!((&police["trunk"], &police["up"], &police["legs_out"]), (&"police".into(), &true.into(), &2.into()));
    assert_eq!(police["gateways"][1]["state"], "down");
}
