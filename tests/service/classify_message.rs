//! `POST /v1/classify/message`, from outside.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::server::post;

const PATH: &str = "/v1/classify/message";

const RETURNED: &str = "From: MAILER-DAEMON@mx.example.com (Mail Delivery System)\r\n\
    To: news@example.com\r\n\
    Subject: Undelivered Mail Returned to Sender\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\
    \r\n\
    --b\r\n\
    \r\n\
    This is the mail system at host mx.example.com.\r\n\
    \r\n\
    <anna@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1 No such user\r\n\
    \x20   (in reply to RCPT TO command)\r\n\
    \r\n\
    <ben@example.net>: host mx.example.net[192.0.2.2] said: 452 4.2.2 Over quota\r\n\
    --b\r\n\
    Content-Type: message/delivery-status\r\n\
    \r\n\
    Reporting-MTA: dns; mx.example.com\r\n\
    \r\n\
    Final-Recipient: rfc822; anna@example.org\r\n\
    Action: failed\r\n\
    Status: 5.1.1\r\n\
    Remote-MTA: dns; mx.example.org\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n\
    \r\n\
    Final-Recipient: rfc822; ben@example.net\r\n\
    Action: delayed\r\n\
    Status: 4.2.2\r\n\
    Diagnostic-Code: smtp; 452 4.2.2 Over quota\r\n\
    --b\r\n\
    Content-Type: text/rfc822-headers\r\n\
    \r\n\
    From: News <news@example.com>\r\n\
    To: anna@example.org, ben@example.net\r\n\
    Subject: News in November\r\n\
    Message-ID: <4711@example.com>\r\n\
    List-Id: News <news.example.com>\r\n\
    X-Campaign-Id: november\r\n\
    --b--\r\n";

async fn classify(mail: impl Into<reqwest::Body>) -> Value {
    let answer = post(PATH, "message/rfc822", mail).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_report_gives_a_verdict_for_each_recipient_and_the_original() {
    let answer = post(&format!("{PATH}?headers=X-Campaign-Id,Feedback-ID"), "message/rfc822", RETURNED).await;
    let report: Value = answer.json().await.unwrap();
    assert_eq!(
        (report["kind"].as_str(), report["format"].as_str(), report["dialect"].as_str()),
        (Some("bounce"), Some("rfc3464"), Some("postfix"))
    );
    assert_eq!(report["reporting_mta"], "mx.example.com");
    let original = &report["original"];
    assert_eq!(original["message_id"], "4711@example.com");
    assert_eq!(original["from"], "news@example.com");
    assert_eq!(original["to"], json!(["anna@example.org", "ben@example.net"]));
    assert_eq!(original["list_id"], "news.example.com");
    assert_eq!(original["headers"], json!({"x-campaign-id": "november"}));
    let [anna, ben] = report["recipients"].as_array().unwrap().as_slice() else { panic!("{report:#}") };
    assert_eq!(anna["recipient"], "anna@example.org");
    assert_eq!(
        (anna["kind"].as_str(), anna["type"].as_str(), anna["category"].as_str()),
        (Some("bounce"), Some("hard"), Some("mailbox_not_found"))
    );
    assert_eq!((anna["dsn_action"].as_str(), anna["remote_mta"].as_str()), (Some("failed"), Some("mx.example.org")));
    assert_eq!(anna["diagnostic"], "smtp; 550 5.1.1 No such user");
    assert_eq!(anna["reply"]["command"], "RCPT TO");
    assert_eq!(
        (ben["kind"].as_str(), ben["type"].as_str(), ben["category"].as_str()),
        (Some("delay"), Some("soft"), Some("mailbox_full"))
    );
    assert!(ben["remediation"]["steps"].is_array());
}

#[tokio::test]
async fn text_and_base64_in_json_give_the_same_as_raw_bytes() {
    let raw = classify(RETURNED).await;
    for body in [json!({"message": RETURNED}), json!({"message_base64": STANDARD.encode(RETURNED)})] {
        let answer = post(PATH, "application/json", body.to_string()).await;
        assert_eq!(answer.status(), 200);
        assert!(answer.json::<Value>().await.unwrap() == raw, "{}", &body.to_string()[..20]);
    }
}

#[tokio::test]
async fn line_ends_do_not_matter() {
    let crlf = classify(RETURNED).await;
    assert!(classify(RETURNED.replace("\r\n", "\n")).await == crlf, "LF");
    assert!(classify(RETURNED.replace("\r\n", "\r")).await == crlf, "CR");
}

#[tokio::test]
async fn what_is_no_report_is_no_error() {
    for mail in
        ["Hello", "From: anna@example.org\r\nSubject: Lunch\r\n\r\nAt noon?\r\n", "\0\u{1}\u{2}", "\u{feff}Subject"]
    {
        let report = classify(mail).await;
        assert_eq!(report["kind"], "other", "{mail:?}");
        assert_eq!(report["recipients"], json!([]), "{mail:?}");
    }
}

#[tokio::test]
async fn a_report_cut_at_any_byte_is_answered() {
    for end in (1..RETURNED.len()).step_by(37) {
        let report = classify(&RETURNED[..end]).await;
        assert!(report["kind"].is_string(), "cut at {end}");
    }
}

#[tokio::test]
async fn wrong_requests_are_explained() {
    for (content_type, body, status, words) in [
        ("application/json", r#"{"message":"a","message_base64":"YQ=="}"#, 422, "expected one of them"),
        ("application/json", "{}", 422, "expected `message` or `message_base64`"),
        ("application/json", r#"{"message_base64":"%%%"}"#, 400, "is no base64"),
        ("application/json", r#"{"mail":"x"}"#, 422, "unknown field `mail`"),
        ("message/rfc822", " \r\n", 422, "the mail is empty"),
        ("text/plain", "Subject: x", 415, "expected `application/json` or `message/rfc822`"),
    ] {
        let answer = post(PATH, content_type, body).await;
        assert_eq!(answer.status(), status, "{body}");
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(words), "{body}: {problem}");
    }
    let answer = post(&format!("{PATH}?headers=a%20b"), "message/rfc822", RETURNED).await;
    assert_eq!(answer.status(), 422);
}

#[tokio::test]
async fn huge_and_hostile_mails_are_bounded() {
    let nested: String =
        (0..10_000).map(|i| format!("Content-Type: multipart/mixed; boundary=\"b{i}\"\r\n\r\n--b{i}\r\n")).collect();
    let mails_in_mails = "Content-Type: message/rfc822\r\n\r\nFrom: a@example.org\r\n".repeat(5_000);
    for (what, mail, cut) in [
        ("nested parts", format!("From: MAILER-DAEMON@mx.example.com\r\n{nested}"), "mime_parts"),
        ("mails in mails", format!("From: MAILER-DAEMON@mx.example.com\r\n{mails_in_mails}"), "nested_mails"),
        ("one line", format!("From: MAILER-DAEMON@mx.example.com\r\n\r\n{}", "a".repeat(5 << 20)), "text_bytes"),
        (
            "header",
            format!("From: MAILER-DAEMON@mx.example.com\r\n{}\r\n", "X-A: b\r\n".repeat(5_000)),
            "header_fields",
        ),
    ] {
        let report = classify(mail).await;
        assert!(report["cut"].as_array().is_some_and(|cuts| cuts.contains(&json!(cut))), "{what}: {}", report["cut"]);
    }
    let answer = post(PATH, "message/rfc822", vec![b'a'; 33 << 20]).await;
    assert_eq!(answer.status(), 413);
}
