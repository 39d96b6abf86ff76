//! What the service tells of itself: `/metrics`, `/v1/unmatched`, and what is made of them under `deploy/`.

use std::{collections::BTreeSet, path::Path};

use axum::{
    body::Body,
    http::{Request, Response},
};
use http_body_util::BodyExt;
use regex::Regex;
use retoure::{
    catalog::Catalog,
    http::{App, AppState, app},
    limits::Limits,
};
use serde_json::Value;
use tower::ServiceExt;

/// A service of the test's own, so that it can count exactly.
struct Service(App);

impl Service {
    fn new() -> Self {
        Self(app(AppState::new(Catalog::built_in().unwrap(), Limits::default())))
    }

    async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.0.clone().oneshot(request).await.unwrap()
    }

    async fn post(&self, path: &str, content_type: &str, body: &str) {
        let request =
            Request::post(path).header("content-type", content_type).body(Body::from(body.to_owned())).unwrap();
        assert_eq!(self.ask(request).await.status(), 200, "{body}");
    }

    async fn reply(&self, reply: &str) {
        self.post("/v1/classify/reply", "text/plain", reply).await;
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.ask(Request::get(path).body(Body::empty()).unwrap()).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn metrics(&self) -> String {
        self.get("/metrics").await.1
    }

    async fn unmatched(&self, query: &str) -> Vec<Value> {
        let (status, body) = self.get(&format!("/v1/unmatched{query}")).await;
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        body["unmatched"].as_array().unwrap().clone()
    }
}

const REPORT: &str = "From: MAILER-DAEMON@mx.example.com\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n\
    --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n\
    Final-Recipient: rfc822; anna@example.org\r\nAction: failed\r\nStatus: 5.2.2\r\n\
    Diagnostic-Code: smtp; 552 5.2.2 Mailbox full\r\n\r\n\
    Final-Recipient: rfc822; ben@example.org\r\nAction: failed\r\n\
    Diagnostic-Code: smtp; quuxified here\r\n--b--\r\n";

#[tokio::test]
async fn requests_and_verdicts_are_counted() {
    let service = Service::new();
    for _ in 0..2 {
        service.reply("550 5.1.1 <anna@example.org>: User unknown").await;
    }
    service.post("/v1/classify/message", "message/rfc822", REPORT).await;
    service.post("/v1/classify/message", "message/rfc822", "Subject: Lunch\r\n\r\nAt noon?\r\n").await;
    let (status, _) = service.get("/v1/codes/299").await;
    assert_eq!(status, 404);
    let (status, _) = service.get("/anna@example.org").await;
    assert_eq!(status, 404);
    let text = service.metrics().await;
    for line in [
        "retoure_classifications_total{kind=\"bounce\",type=\"hard\",category=\"mailbox_not_found\",provider=\"none\"} 2",
        "retoure_classifications_total{kind=\"bounce\",type=\"soft\",category=\"mailbox_full\",provider=\"none\"} 1",
        "retoure_classifications_total{kind=\"bounce\",type=\"soft\",category=\"unknown\",provider=\"none\"} 1",
        "retoure_classifications_total{kind=\"other\",type=\"none\",category=\"none\",provider=\"none\"} 1",
        "retoure_unknown_replies_total 1",
        "retoure_unmatched_templates 1",
        "http_server_request_duration_seconds_count{route=\"/v1/classify/reply\",method=\"POST\",status=\"2xx\"} 2",
        "http_server_request_duration_seconds_count{route=\"/v1/classify/message\",method=\"POST\",status=\"2xx\"} 2",
        "http_server_request_duration_seconds_count{route=\"/v1/codes/{code}\",method=\"GET\",status=\"4xx\"} 1",
        "http_server_request_duration_seconds_count{route=\"none\",method=\"GET\",status=\"4xx\"} 1",
        "http_server_active_requests 1",
        "retoure_panics_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert!(text.contains("retoure_rule_hits_total{rule=\"mailbox_not_found/"), "{text}");
    assert!(!text.contains("anna") && !text.contains("quuxified"), "{text}");
}

#[tokio::test]
async fn items_of_batches_are_counted_as_single_calls_are() {
    let service = Service::new();
    let item = r#"{"reply":"550 5.1.1 <anna@example.org>: User unknown"}"#;
    let strange = r#"{"reply":"<anna@example.org>: quuxified"}"#;
    for (content_type, body) in [
        ("application/x-ndjson", format!("{item}\n{strange}\nno item\n")),
        ("application/json", format!("{{\"items\":[{item},{strange}]}}")),
        (
            "application/mbox",
            format!("From mx.example.com Mon Nov 23 06:33:12 2026\n{}\n", REPORT.replace("\r\n", "\n")),
        ),
    ] {
        let request =
            Request::post("/v1/classify/batch").header("content-type", content_type).body(body.into()).unwrap();
        let answer = service.ask(request).await;
        assert_eq!(answer.status(), 200, "{content_type}");
        let active = service.metrics().await;
        assert!(active.contains("http_server_active_requests 2\n"), "an answer that streams is in work: {active}");
        answer.into_body().collect().await.unwrap();
    }
    let text = service.metrics().await;
    for line in [
        "retoure_classifications_total{kind=\"bounce\",type=\"hard\",category=\"mailbox_not_found\",provider=\"none\"} 2",
        "retoure_classifications_total{kind=\"bounce\",type=\"soft\",category=\"mailbox_full\",provider=\"none\"} 1",
        "retoure_unknown_replies_total 3",
        "http_server_request_duration_seconds_count{route=\"/v1/classify/batch\",method=\"POST\",status=\"2xx\"} 3",
        "http_server_active_requests 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert_eq!(service.unmatched("").await[0]["template"], "<email>: quuxified");
}

#[tokio::test]
async fn the_text_is_of_the_form_that_prometheus_reads() {
    let service = Service::new();
    service.reply("554 5.7.1 Client host [192.0.2.7] blocked using zen.spamhaus.org").await;
    let answer = service.ask(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = service.metrics().await;
    let comment = Regex::new(r"^# (HELP [a-z_]+ \S.*\.|TYPE [a-z_]+ (counter|gauge|histogram))$").unwrap();
    let sample =
        Regex::new(r#"^([a-z_]+)(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? -?[0-9.]+(e-?[0-9]+)?$"#).unwrap();
    let (mut names, mut samples) = (BTreeSet::new(), BTreeSet::new());
    let mut current = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            current = head.split(' ').next().unwrap().to_owned();
            assert!(names.insert(current.clone()), "{current} stands twice");
        }
        if line.starts_with('#') {
            assert!(comment.is_match(line), "{line}");
            continue;
        }
        let name = &sample.captures(line).unwrap_or_else(|| panic!("{line}"))[1];
        assert!(name.starts_with(&current), "{line} stands under {current}");
        assert!(samples.insert(line.rsplit_once(' ').unwrap().0.to_owned()), "{line} stands twice");
    }
    assert!(text.ends_with('\n'));
    assert!(text.contains("process_resident_memory_bytes ") || !cfg!(target_os = "linux"));
}

#[tokio::test]
async fn unknown_replies_are_told_as_templates_with_counts() {
    let service = Service::new();
    assert!(service.unmatched("").await.is_empty());
    for recipient in ["anna", "ben", "cleo"] {
        service.reply(&format!("<{recipient}@example.org>: quuxified by {recipient}s-host.example")).await;
    }
    service.reply("wibbled").await;
    service.post("/v1/classify/message", "message/rfc822", REPORT).await;
    service.reply("550 5.1.1 User unknown").await;

    let all = service.unmatched("").await;
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!(all[0]["template"], "<email>: quuxified by <host>");
    assert_eq!((all[0]["count"].as_u64(), all[0]["overcount"].as_u64()), (Some(3), Some(0)));
    let times = ["first_seen", "last_seen"].map(|field| all[0][field].as_str().unwrap());
    assert!(times.iter().all(|time| time.len() == 20 && time.ends_with('Z')), "{times:?}");
    for personal in ["anna", "ben", "cleo", "example.org"] {
        assert!(!format!("{all:?}").contains(personal), "{personal} in {all:?}");
    }
    assert_eq!(service.unmatched("?limit=1").await, all[..1]);
    assert_eq!(service.unmatched("?order=recent&limit=500").await.len(), 3);
}

#[tokio::test]
async fn a_wrong_question_for_unknown_replies_is_refused() {
    let service = Service::new();
    for query in ["?limit=0", "?limit=501", "?limit=x", "?order=rarest", "?oder=count", "?lang=de"] {
        let (status, body) = service.get(&format!("/v1/unmatched{query}")).await;
        assert_eq!(status, 422, "{query}: {body}");
    }
}

/// Names of metrics that a dashboard or an alert asks for.
fn metrics_named_in(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let name = Regex::new(r"\b(?:retoure|http_server|process)_[a-z_]+").unwrap();
    name.find_iter(&text).map(|found| found.as_str().to_owned()).collect()
}

#[tokio::test]
async fn dashboard_and_alerts_ask_for_what_there_is_and_the_dashboard_for_all_of_it() {
    let text = Service::new().metrics().await;
    let told: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let base = |name: &str| {
        let stem = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        stem.filter(|stem| told.contains(stem)).unwrap_or(name).to_owned()
    };
    let dashboard: BTreeSet<String> =
        metrics_named_in("deploy/grafana/retoure.json").iter().map(|name| base(name)).collect();
    let alerts: BTreeSet<String> =
        metrics_named_in("deploy/prometheus/alerts.yml").iter().map(|name| base(name)).collect();
    for name in dashboard.iter().chain(&alerts) {
        assert!(told.contains(name.as_str()), "{name} is not in /metrics");
    }
    assert!(alerts.len() > 5, "{alerts:?}");
    let unseen: Vec<&&str> = told.iter().filter(|name| !dashboard.contains(**name)).collect();
    assert!(unseen.is_empty(), "the dashboard does not show {unseen:?}");
    let dashboard = include_str!("../../deploy/grafana/retoure.json");
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    assert_eq!(dashboard["uid"], "retoure");
}
