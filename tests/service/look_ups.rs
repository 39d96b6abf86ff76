//! The catalogue over HTTP: codes and categories.

use crate::server::{get, get_json, server};
use reqwest::{Client, StatusCode};
use serde_json::Value;

#[tokio::test]
async fn standard_and_folklore_are_told_apart_with_sources() {
    for (code, status) in [
        ("541", "folklore"),
        ("354", "standard"),
        ("450", "standard"),
        ("553", "standard"),
        ("5.7.26", "standard"),
        ("550-5.7.1", "standard"),
    ] {
        for lang in ["en", "de"] {
            let view = get_json(&format!("/v1/codes/{code}?lang={lang}")).await;
            assert_eq!(view["code"], code);
            assert_eq!(view["status"], status, "{code}");
            assert!(view["standard"].as_str().is_some_and(|text| text.len() > 20), "{code}: what the standard says");
            let observed = view["observed"].as_array().unwrap();
            assert!(!observed.is_empty(), "{code}: what is told elsewhere");
            assert!(observed.iter().all(|one| one["source"]["title"].is_string()), "{code}: who tells it");
            assert!(!view["sources"].as_array().unwrap().is_empty(), "{code}");
        }
    }
}

#[tokio::test]
async fn a_code_is_taken_apart() {
    let view = get_json("/v1/codes/5.7.26").await;
    assert_eq!(
        (view["class"]["digit"].as_u64(), view["subject"]["number"].as_u64(), view["detail"]["number"].as_u64()),
        (Some(5), Some(7), Some(26))
    );
    assert!(view["class"]["name"].is_string() && view["subject"]["name"].is_string());
    assert_eq!(view["category"], "auth_failure");
    assert_eq!(view["type"], "soft");
    let view = get_json("/v1/codes/552").await;
    assert_eq!(
        (view["class"]["digit"].as_u64(), view["subject"]["number"].as_u64(), view["detail"]["number"].as_u64()),
        (Some(5), Some(5), Some(2))
    );
    assert_eq!((view["frequency"].as_str(), view["severity"].as_str()), (Some("frequent"), Some("medium")));
    assert_eq!(get_json("/v1/codes/5.1.1").await["type"], "hard");
    assert_eq!(get_json("/v1/codes/4.1.1").await["type"], "soft");
    assert_eq!(get_json("/v1/codes/550").await["type"], "soft", "a bare 550 is no dead address");
    assert_eq!(get_json("/v1/codes/250").await["outcome"], "delivered");
}

#[tokio::test]
async fn two_codes_together_and_whole_classes() {
    let view = get_json("/v1/codes/550-5.7.1").await;
    assert_eq!(view["pair"], serde_json::json!({"registered": true, "classes_agree": true}));
    assert_eq!((view["parts"][0]["code"].as_str(), view["parts"][1]["code"].as_str()), (Some("550"), Some("5.7.1")));
    assert_eq!(get_json("/v1/codes/554-4.7.1").await["pair"]["classes_agree"], false);
    for class in ["2xx", "3xx", "4xx", "5xx", "4yz", "2.x.x", "4.x.x", "5.x.x"] {
        let view = get_json(&format!("/v1/codes/{class}?lang=de")).await;
        assert!(view["meaning"].as_str().unwrap().len() > 20, "{class}");
    }
}

#[tokio::test]
async fn german_and_english_words_find_codes() {
    for (words, expected) in [
        ("postfach voll", "552"),
        ("mailbox full", "5.2.2"),
        ("Postfach unbekannt", "5.1.1"),
        ("greylisting", "451"),
        ("reverse dns", "5.7.25"),
        ("anmeldung", "530"),
        ("5.7.26", "5.7.26"),
    ] {
        let answer = get_json(&format!("/v1/codes?limit=20&q={}", words.replace(' ', "%20"))).await;
        let found: Vec<&str> =
            answer["codes"].as_array().unwrap().iter().filter_map(|view| view["code"].as_str()).collect();
        assert!(found.contains(&expected), "{words:?} found {found:?}");
    }
    assert_eq!(get_json("/v1/codes?q=xyzzyplugh").await["codes"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn codes_are_filtered_and_come_in_pages() {
    let answer = get_json("/v1/codes?class=4&kind=reply&limit=500").await;
    let codes = answer["codes"].as_array().unwrap();
    assert!(codes.len() > 10 && codes.iter().all(|view| view["code"].as_str().unwrap().starts_with('4')));
    assert!(codes.iter().all(|view| view["kind"] == "reply"));

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get_json(&format!("/v1/codes?limit=60{cursor}")).await;
        seen.extend(page["codes"].as_array().unwrap().iter().map(|view| view["code"].as_str().unwrap().to_owned()));
        let Value::String(next) = &page["next"] else { break };
        cursor = format!("&cursor={next}");
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), seen.len(), "no code comes twice");
    assert!(seen.len() > 200, "{}", seen.len());
}

#[tokio::test]
async fn every_category_of_the_taxonomy_has_texts_in_both_languages() {
    const IDS: [&str; 38] = [
        "mailbox_not_found",
        "mailbox_disabled",
        "mailbox_moved",
        "domain_not_found",
        "domain_no_mail",
        "invalid_syntax",
        "mailbox_full",
        "recipient_rejected",
        "server_unavailable",
        "server_full",
        "server_error",
        "receiver_misconfigured",
        "dns_failure",
        "connection_failed",
        "timeout_expired",
        "routing_loop",
        "greylisted",
        "rate_limited",
        "too_many_connections",
        "too_many_recipients",
        "ip_blocklisted",
        "domain_blocklisted",
        "reputation",
        "spam_content",
        "policy",
        "list_quality",
        "auth_failure",
        "dns_ptr",
        "sender_rejected",
        "relay_denied",
        "auth_required",
        "tls_required",
        "protocol_error",
        "virus",
        "content_rejected",
        "message_too_large",
        "suppressed",
        "unknown",
    ];
    for id in IDS {
        let english = get_json(&format!("/v1/categories/{id}?lang=en")).await;
        let german = get_json(&format!("/v1/categories/{id}?lang=de")).await;
        for field in ["name", "summary"] {
            assert_ne!(english[field], german[field], "{id}.{field}");
        }
        assert!(german["steps"].as_array().unwrap().len() >= 3, "{id}");
        assert_eq!(german["steps"].as_array().unwrap().len(), english["steps"].as_array().unwrap().len(), "{id}");
        assert!(!english["links"].as_array().unwrap().is_empty(), "{id}");
        assert!(!english["equivalents"].as_object().unwrap().is_empty(), "{id}");
    }
    assert_eq!(get_json("/v1/categories").await["categories"].as_array().unwrap().len(), IDS.len());
}

#[tokio::test]
async fn look_ups_have_an_etag_that_saves_the_answer() {
    for path in ["/v1/codes", "/v1/codes/550", "/v1/categories", "/v1/categories/mailbox_full"] {
        let first = get(path).await;
        let tag = first.headers()["etag"].clone();
        let version = first.headers()["catalog-version"].to_str().unwrap().to_owned();
        assert!(tag.to_str().unwrap().contains(&version), "{path}");
        let url = format!("{}{path}", server().await);
        let again = Client::new().get(&url).header("if-none-match", tag.clone()).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(again.bytes().await.unwrap().len(), 0, "{path}");
        let german =
            Client::new().get(&url).header("if-none-match", tag).header("accept-language", "de").send().await.unwrap();
        assert_eq!(german.status(), StatusCode::OK, "{path}: another language is another answer");
    }
}

#[tokio::test]
async fn the_service_tells_how_it_is() {
    assert_eq!(get_json("/livez").await["status"], "ok");
    assert_eq!(get_json("/readyz").await["status"], "ready");
    assert!(get("/docs/").await.text().await.unwrap().contains("swagger-ui"));
    assert_eq!(get_json("/openapi.json").await["info"]["title"], "retoure");
}

#[tokio::test]
async fn a_category_lists_the_rules_that_lead_to_it() {
    let view = get_json("/v1/categories/greylisted?lang=de").await;
    let rules = view["rules"].as_array().unwrap();
    assert!(rules.len() > 5, "{}", rules.len());
    for rule in rules {
        assert_eq!(rule["category"], "greylisted", "{rule}");
        assert!(rule["id"].as_str().is_some_and(|id| id.contains('/')), "{rule}");
        assert!(rule["weight"].as_f64().is_some_and(|weight| weight > 0.0), "{rule}");
        assert!(rule["example"].is_string() && rule["source"]["title"].is_string(), "{rule}");
    }
    assert!(get_json("/v1/categories").await["categories"][0].get("rules").is_none());
}
