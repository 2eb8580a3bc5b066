//! What the command says of the delivered configuration.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    question: Question,
}

fn settings() -> switch::Settings {
    let environment = |_: &str| Some("long-Enough-4-all".to_owned());
    let sources = Sources { is_folder: &|_| true, environment: &environment, ..Sources::system() };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/lianxian.toml");
    config::load(&path, &sources).expect("the delivered configuration is good").switch()
}

fn answer(line: &[&str]) -> Result<Said, Refusal> {
    let question = Line::try_parse_from(["route"].iter().chain(line)).expect("a question").question;
    let settings = settings();
    let at = question.at.expect("a test asks for a moment");
    let decision = ask(&question, &settings.routing, at).expect("well asked")?;
    Ok(Said::of(&decision, &settings, at))
}

fn headers(said: &Said) -> Vec<(String, String)> {
    let json = serde_json::to_value(said).unwrap();
    let step = json["steps"].as_array().unwrap().iter().find(|step| step["kind"] == "trunk").expect("a trunk step");
    let lines = step["invite"]["headers"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    lines.iter().map(|line| (text(&line["name"]), text(&line["value"]))).collect()
}

#[test]
fn a_handover_says_the_territory_the_targets_in_order_and_the_headers() {
    let line =
        ["--from", "12345", "--to", "110", "--caller", "13800138000", "--territory", "653001", "--at", "Sun 03:00"];
    let said = answer(&line).unwrap();
    let json = serde_json::to_value(&said).unwrap();
    assert_eq!(json["hotline"], "110");
    assert_eq!(json["tag"], "已转110受理");
    assert_eq!((&json["territory"]["code"], &json["territory"]["source"]), (&"653001".into(), &"agent".into()));
    let numbers: Vec<_> = json["steps"].as_array().unwrap().iter().map(|step| step["number"].clone()).collect();
    assert_eq!(numbers[..3], ["6530011", "6530012", "110"], "{json}");
    assert_eq!(json["steps"][3]["group"], "duty");
    assert_eq!(json["closed"][0]["hours"], "Mon-Fri 10:00-19:30");
    let headers = headers(&said);
    let value = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert!(value("From").unwrap().contains("13800138000") && value("From").unwrap().ends_with(";tag=<tag>"));
    assert!(value("P-Asserted-Identity").unwrap().contains("13800138000"), "the linkage trunk is trusted");
    assert_eq!(value("Call-ID"), Some("<call-id>"));
    assert!(value("Via").unwrap().contains("branch=<branch>"));
    assert_eq!(value("Privacy"), None);
}

#[test]
fn the_same_question_has_the_same_answer() {
    let line =
        ["--from", "12345", "--to", "110", "--caller", "13800138000", "--territory", "653001", "--at", "Sun 03:00"];
    let text = || serde_json::to_string(&answer(&line).unwrap()).unwrap();
    assert_eq!(text(), text());
}

#[test]
fn an_arriving_call_is_located_by_what_was_called_or_by_its_trunk() {
    for (called, trunk, source) in
        [("0998110", "carrier", "dnis"), ("+86908110", "carrier", "default"), ("110", "police", "trunk")]
    {
        let line = ["--from", "13800138000", "--dnis", called, "--trunk", trunk, "--at", "Mon 12:00"];
        let json = serde_json::to_value(answer(&line).unwrap()).unwrap();
        assert_eq!(json["hotline"], "110");
        assert_eq!(json["territory"]["source"], source, "{called}");
    }
}

#[test]
fn a_withheld_number_says_so_and_what_is_not_configured_goes_nowhere() {
    let line = ["--from", "12345", "--to", "110", "--caller", "13800138000", "--withheld", "--at", "Mon 12:00"];
    let said = answer(&line).unwrap();
    assert!(said.withheld);
    assert!(headers(&said).iter().any(|(name, value)| name == "Privacy" && value == "id"));
    let line = ["--from", "12345", "--to", "00442012345678", "--caller", "1", "--at", "Mon 12:00"];
    assert_eq!(answer(&line).err(), Some(Refusal::NotConfigured));
    let line = ["--from", "12345", "--to", "110", "--caller", "1", "--territory", "和田", "--at", "Mon 12:00"];
    assert_eq!(answer(&line).err(), Some(Refusal::AmbiguousRegion));
}

#[test]
fn a_question_that_makes_no_sense_is_refused_before_it_is_asked() {
    let misasked = |line: &[&str]| {
        let question = Line::try_parse_from(["route"].iter().chain(line)).expect("a question").question;
        ask(&question, &settings().routing, LocalTime::default()).err().map(|misasked| misasked.to_string())
    };
    for (line, word) in [
        (&["--from", "999", "--to", "110", "--caller", "1"][..], "--from 999"),
        (&["--from", "12345", "--to", "110"], "--caller"),
        (&["--from", "1", "--dnis", "110"], "--trunk"),
        (&["--from", "1", "--dnis", "110", "--trunk", "nowhere"], "--trunk nowhere"),
        (&["--from", "1", "--dnis", "110", "--agent", "7"], "--agent 7"),
    ] {
        assert!(misasked(line).is_some_and(|told| told.contains(word)), "{line:?}");
    }
    for line in [&["--from", "1"][..], &["--from", "1", "--dnis", "110", "--to", "110"], &["--dnis", "110"]] {
        assert!(Line::try_parse_from(["route"].iter().chain(line)).is_err(), "{line:?}");
    }
}
