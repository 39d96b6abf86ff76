//! Every code that one of the founding articles names is answered, in both languages, with what the article teaches.

use crate::server::get_json;

/// Code, and, where an article grades it: frequency and severity.
const NAMED: &str = include_str!("seed_codes.txt");

#[tokio::test]
async fn every_code_that_an_article_names_is_answered() {
    let rows: Vec<Vec<&str>> = NAMED
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(rows.len() > 60, "the table was read: {} rows", rows.len());
    for row in rows {
        let code = row[0];
        let mut texts = Vec::new();
        for lang in ["en", "de"] {
            let view = get_json(&format!("/v1/codes/{code}?lang={lang}")).await;
            for field in ["name", "meaning"] {
                assert!(view[field].as_str().is_some_and(|text| !text.is_empty()), "{code}: {field} in {lang}");
            }
            if let [_, frequency, severity] = row[..] {
                assert_eq!(view["frequency"], frequency, "{code}");
                assert_eq!(view["severity"], severity, "{code}");
                assert!(view["nature"].is_string(), "{code}: the kind the article files it under");
            }
            texts.push(view["meaning"].clone());
        }
        assert_ne!(texts[0], texts[1], "{code}: two languages, two texts");
    }
}
