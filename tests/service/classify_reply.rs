//! `POST /v1/classify/reply`, from outside: what real replies mean.

use crate::server::{classify, post, server};
use serde_json::{Value, json};

/// Reply, type, permanence, category.
async fn check(rows: &[(&str, &str, Value, &str)]) {
    for (reply, kind, permanence, category) in rows {
        let verdict = classify(reply).await;
        assert_eq!(verdict["type"], *kind, "{reply:?}: {verdict:#}");
        assert_eq!(verdict["permanence"], *permanence, "{reply:?}");
        assert_eq!(verdict["category"], *category, "{reply:?}: {:#}", verdict["evidence"]);
        assert_eq!(verdict["kind"], "bounce", "{reply:?}");
    }
}

#[tokio::test]
async fn blocked_ip_is_not_a_dead_address() {
    let verdict =
        classify("554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org").await;
    assert_eq!(verdict["type"], "soft");
    assert_eq!(verdict["permanence"], "permanent");
    assert_eq!(verdict["category"], "ip_blocklisted");
    assert_eq!(verdict["group"], "antispam_block");
    assert_eq!(verdict["scope"], "sender_ip");
    assert_eq!(verdict["action"], "request_delisting");
    assert_eq!(verdict["blocklist"]["name"], "Spamhaus ZEN");
    assert_eq!(verdict["blocklist"]["listed"], "ip");
    assert_eq!(verdict["blocklist"]["subject"], "192.0.2.7");
    assert!(verdict["blocklist"]["lookup_url"].as_str().unwrap().contains("192.0.2.7"));
    assert_eq!(verdict["reply"]["template"], "Service unavailable; Client host [<ip>] blocked using zen.spamhaus.org");
    assert_eq!(verdict["reply"]["fingerprint"].as_str().unwrap().len(), 16);
    assert_eq!(verdict["codes"][0]["code"], "554");
    assert_eq!(verdict["codes"][1]["code"], "5.7.1");
    assert_eq!(verdict["retry"], json!({"advised": false, "after_seconds": null}));
    assert!(verdict["confidence"].as_f64().unwrap() > 0.9);
}

#[tokio::test]
async fn dead_addresses_are_hard() {
    let permanent = json!("permanent");
    check(&[
        (
            "550 5.1.1 <anna@example.org>: Recipient address rejected: User unknown",
            "hard",
            permanent.clone(),
            "mailbox_not_found",
        ),
        ("550 No such user here", "hard", permanent.clone(), "mailbox_not_found"),
        (
            "550-5.1.1 The account you wrote to\r\n550 5.1.1 does not exist",
            "hard",
            permanent.clone(),
            "mailbox_not_found",
        ),
        ("User unknown", "hard", Value::Null, "mailbox_not_found"),
        ("550 5.2.1 This mailbox has been disabled", "hard", permanent.clone(), "mailbox_disabled"),
        ("556 5.1.10 Recipient address has null MX", "hard", permanent.clone(), "domain_no_mail"),
        ("512 Host unknown", "hard", permanent.clone(), "domain_not_found"),
        ("550 5.1.1", "hard", permanent.clone(), "mailbox_not_found"),
        ("550 Benutzer unbekannt", "hard", permanent, "mailbox_not_found"),
    ])
    .await;
}

#[tokio::test]
async fn blocks_that_are_told_with_codes_of_dead_addresses_are_soft() {
    let permanent = json!("permanent");
    check(&[
        ("550 5.1.1 Rejected: your IP 192.0.2.7 is on our blacklist", "soft", permanent.clone(), "ip_blocklisted"),
        ("550 5.2.1 Message refused as spam", "soft", permanent.clone(), "spam_content"),
        ("550 5.1.1 Sender did not pass SPF validation", "soft", permanent.clone(), "auth_failure"),
        ("550 5.1.1 You have exceeded the rate limit", "soft", permanent.clone(), "rate_limited"),
        ("550 5.1.1 Denied by policy", "soft", permanent.clone(), "policy"),
        ("550 5.1.1 Too many recipients this hour", "soft", permanent.clone(), "rate_limited"),
        ("550 5.1.1 Quota exceeded (mailbox for user is full)", "soft", permanent, "mailbox_full"),
    ])
    .await;
}

#[tokio::test]
async fn transient_codes_are_never_hard() {
    let transient = json!("transient");
    check(&[
        ("450 4.1.1 User unknown", "soft", transient.clone(), "mailbox_not_found"),
        ("451 User unknown", "soft", transient.clone(), "mailbox_not_found"),
        ("450 4.2.1 Mailbox disabled", "soft", transient.clone(), "mailbox_disabled"),
    ])
    .await;
    let verdict = classify("450 4.1.1 <anna@example.org>: User unknown").await;
    assert_eq!(verdict["action"], "retry");
    assert_eq!(verdict["retry"]["advised"], true);
    // 550 told with a transient enhanced code: the host contradicts itself, so nobody is deleted.
    assert_eq!(classify("550 4.1.1 User unknown").await["type"], "soft");
    // A refusal that calls itself temporary is one.
    let verdict = classify("550 5.2.1 Mailbox temporarily disabled, try again later").await;
    assert_eq!((verdict["type"].as_str(), verdict["action"].as_str()), (Some("soft"), Some("retry")));
}

#[tokio::test]
async fn a_bare_550_is_no_ground_for_deleting() {
    let verdict = classify("550").await;
    assert_eq!(verdict["category"], "mailbox_not_found");
    assert_eq!((verdict["type"].as_str(), verdict["action"].as_str()), (Some("soft"), Some("review")));
    assert!(verdict["confidence"].as_f64().unwrap() < 0.5);
}

#[tokio::test]
async fn text_beats_code_and_the_command_counts() {
    let transient = json!("transient");
    check(&[
        ("422 4.2.2 Greylisted, please come back", "soft", transient.clone(), "greylisted"),
        ("552 5.5.3 Too many recipients", "soft", json!("permanent"), "too_many_recipients"),
        (
            "554 5.7.1 blocked using zen.spamhaus.org; Error: open resolver",
            "soft",
            json!("permanent"),
            "receiver_misconfigured",
        ),
        ("451 4.3.0 Internal server error", "soft", transient, "server_error"),
    ])
    .await;
    for (command, category) in [("MAIL FROM", "sender_rejected"), ("RCPT TO", "invalid_syntax")] {
        let body = json!({"reply": "553", "command": command}).to_string();
        let verdict: Value = post("/v1/classify/reply", "application/json", body).await.json().await.unwrap();
        assert_eq!(verdict["category"], category, "after {command}");
        assert_eq!(verdict["reply"]["command"], command);
    }
}

#[tokio::test]
async fn positive_codes_are_no_failures() {
    for (reply, command, kind, permanence) in [
        ("250 2.0.0 OK: queued as 4Rz1Yb5gLkz9sVX", None, "delivered", "success"),
        ("250 2.1.5 OK", Some("RCPT TO"), "intermediate", "success"),
        ("251 User not local; will forward", None, "delivered", "success"),
        ("354 End data with <CR><LF>.<CR><LF>", None, "intermediate", "intermediate"),
        ("220 mx.example.org ESMTP, no user unknown here", None, "intermediate", "success"),
    ] {
        let mut body = json!({"reply": reply});
        if let Some(command) = command {
            body["command"] = json!(command);
        }
        let verdict: Value =
            post("/v1/classify/reply", "application/json", body.to_string()).await.json().await.unwrap();
        assert_eq!(verdict["kind"], kind, "{reply:?}");
        assert_eq!(verdict["permanence"], permanence, "{reply:?}");
        assert_eq!(verdict["type"], "none", "{reply:?}");
        assert_eq!(verdict["category"], Value::Null, "{reply:?}");
        assert_eq!(verdict["action"], "none", "{reply:?}");
    }
}

#[tokio::test]
async fn what_is_not_understood_is_unknown_and_never_suppresses() {
    for reply in ["Glorp.", "599 Glorp.", "700 Glorp.", "日本語"] {
        let verdict = classify(reply).await;
        assert_eq!(verdict["category"], "unknown", "{reply:?}");
        assert_eq!(verdict["type"], "soft", "{reply:?}");
        assert_eq!(verdict["action"], "review", "{reply:?}");
        assert!(verdict["confidence"].as_f64().unwrap() < 0.3, "{reply:?}");
    }
}

#[tokio::test]
async fn log_lines_tell_recipient_and_command() {
    let verdict = classify(
        "Nov 23 06:33:12 out postfix/smtp[4711]: 3F2A11C0B2: to=<anna@example.org>, relay=mx.example.org[192.0.2.1]:25, \
         dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command))",
    )
    .await;
    assert_eq!(verdict["recipient"], "anna@example.org");
    assert_eq!(verdict["reply"]["command"], "RCPT TO");
    assert_eq!(verdict["reply"]["text"], "No such user");
}

#[tokio::test]
async fn texts_come_in_the_language_asked_for() {
    let url = format!("{}/v1/classify/reply", server().await);
    let ask = |path: String, accept: &'static str| async move {
        let request =
            reqwest::Client::new().post(path).header("content-type", "text/plain").header("accept-language", accept);
        let answer = request.body("552 5.2.2 Mailbox full").send().await.unwrap();
        let language = answer.headers()["content-language"].to_str().unwrap().to_owned();
        let verdict: Value = answer.json().await.unwrap();
        (language, verdict["remediation"]["summary"].as_str().unwrap().to_owned())
    };
    let (language, german) = ask(url.clone(), "de-AT, en;q=0.5").await;
    assert_eq!(language, "de");
    assert!(german.contains("Postfach"), "{german}");
    let (language, english) = ask(url.clone(), "fr").await;
    assert_eq!(language, "en");
    assert!(english.contains("mailbox"), "{english}");
    assert_eq!(ask(format!("{url}?lang=de"), "en").await, ("de".to_owned(), german));
}

#[tokio::test]
async fn core_fields_leave_out_texts_and_evidence() {
    let answer = post("/v1/classify/reply?fields=core", "text/plain", "550 5.1.1 User unknown").await;
    let verdict: Value = answer.json().await.unwrap();
    for left_out in ["codes", "remediation", "decided_by", "evidence"] {
        assert!(verdict.get(left_out).is_none(), "{left_out}");
    }
    for kept in ["kind", "type", "permanence", "category", "group", "scope", "action", "confidence", "reply", "retry"] {
        assert!(verdict.get(kept).is_some(), "{kept}");
    }
}

#[tokio::test]
async fn the_same_reply_gives_the_same_bytes() {
    let ask = || async {
        let answer = post("/v1/classify/reply", "text/plain", "550 5.7.1 Rejected as spam; blocked, see policy").await;
        answer.bytes().await.unwrap()
    };
    assert_eq!(ask().await, ask().await);
}

#[tokio::test]
async fn every_piece_of_evidence_says_rule_words_and_weight() {
    let verdict = classify("554 5.7.1 Client host blocked using zen.spamhaus.org").await;
    let evidence = verdict["evidence"].as_array().unwrap();
    let sources: Vec<&str> = evidence.iter().filter_map(|one| one["source"].as_str()).collect();
    assert!(
        sources.contains(&"phrase") && sources.contains(&"enhanced_code") && sources.contains(&"reply_code"),
        "{sources:?}"
    );
    for one in evidence {
        assert!(!one["rule"].as_str().unwrap().is_empty() && !one["matched"].as_str().unwrap().is_empty());
        assert!((0.0..=1.0).contains(&one["weight"].as_f64().unwrap()));
    }
}

#[tokio::test]
async fn the_time_of_the_next_try_is_read_from_the_reply() {
    for (reply, advised, seconds) in [
        ("450 4.7.1 Greylisted, please try again in 5 minutes", true, json!(300)),
        ("451 4.7.1 Greylisted for 300 seconds", true, json!(300)),
        ("421 4.7.0 Zu viele Nachrichten, bitte warten Sie 1 Stunde", true, json!(3600)),
        ("450 4.0.0 Glorp, retry-after: 120", true, json!(120)),
        // A limit is no advice; the category's stands.
        ("421 4.7.0 Limit of 300 messages per 60 minutes exceeded, try again later", true, json!(900)),
        // Who is dead needs no second try.
        ("550 5.1.1 User unknown, 5 minutes left", false, Value::Null),
        // Transient by its code; by its words, retrying is useless.
        ("421 4.7.1 [TS03] All messages from 192.0.2.10 will be permanently deferred", false, Value::Null),
    ] {
        let verdict = classify(reply).await;
        assert_eq!(verdict["retry"], json!({"advised": advised, "after_seconds": seconds}), "{reply:?}");
        let times: Vec<&Value> =
            verdict["evidence"].as_array().unwrap().iter().filter(|one| one["source"] == "retry_time").collect();
        assert!(times.len() <= 1 && times.iter().all(|time| time["category"].is_null()), "{reply:?}: {times:?}");
    }
    let verdict = classify("450 4.7.1 Greylisted, please try again in 5 minutes").await;
    let time = verdict["evidence"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (time["rule"].as_str(), time["matched"].as_str()),
        (Some("wait/try-again"), Some("try again in 5 minutes"))
    );
}

#[tokio::test]
async fn a_verdict_says_what_settled_it() {
    for (reply, reason, rule) in [
        ("550 5.1.1 Blocked by our spam policy", "words_over_codes", "policy/"),
        ("550 5.1.1", "codes", "5.1.1"),
        ("421 4.7.1 [TS03] All messages will be permanently deferred", "provider_rule", "yahoo/"),
        ("250 2.0.0 OK", "positive_code", "2.0.0"),
    ] {
        let verdict = classify(reply).await;
        let decided = &verdict["decided_by"];
        assert_eq!(decided["reason"], reason, "{reply:?}");
        assert!(decided["rule"].as_str().unwrap().starts_with(rule), "{reply:?}: {decided}");
        assert!(!decided["text"].as_str().unwrap().is_empty(), "{reply:?}");
    }
    assert_eq!(classify("Glorp.").await["decided_by"]["rule"], Value::Null);
}
