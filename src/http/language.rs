//! Which language the texts are given in: `?lang=`, else `Accept-Language`, looked up as RFC 4647 §3.4 says.

use axum::http::{HeaderMap, header};

use crate::catalog::{Catalog, DEFAULT_LANGUAGE};

/// The best of the catalogue's languages for this request.
pub(super) fn choose<'c>(catalog: &'c Catalog, asked: Option<&str>, headers: &HeaderMap) -> &'c str {
    let available = catalog.languages();
    let found = match asked {
        Some(tag) => look_up(tag, available),
        None => headers.get(header::ACCEPT_LANGUAGE).and_then(|accepted| {
            let accepted = by_preference(accepted.to_str().ok()?);
            accepted.into_iter().find_map(|range| look_up(range, available))
        }),
    };
    found.or(available.first().map(String::as_str)).unwrap_or(DEFAULT_LANGUAGE)
}

/// Whether `tag` has the form of a language tag (RFC 5646 §2.1).
pub(super) fn is_tag(tag: &str) -> bool {
    tag.split('-').enumerate().all(|(at, part)| {
        (1..=8).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && (at > 0 || part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic()))
    })
}

/// `de-AT-1996` finds `de-at-1996`, `de-at` or `de`, in this order.
fn look_up<'c>(range: &str, available: &'c [String]) -> Option<&'c str> {
    let mut range = range;
    loop {
        if let Some(found) = available.iter().find(|language| language.eq_ignore_ascii_case(range)) {
            return Some(found);
        }
        range = &range[..range.rfind('-')?];
        // A single letter or digit introduces an extension; it goes with what it introduced.
        if range.len() >= 2 && range.as_bytes()[range.len() - 2] == b'-' {
            range = &range[..range.len() - 2];
        }
    }
}

/// The ranges of an `Accept-Language`, the most wanted first; those with `q=0` are left out.
fn by_preference(accepted: &str) -> Vec<&str> {
    let mut ranges: Vec<(u16, &str)> = accepted
        .split(',')
        .take(32)
        .filter_map(|part| {
            let mut parts = part.split(';').map(str::trim);
            let range = parts.next().filter(|range| !range.is_empty())?;
            let quality = parts.find_map(|p| p.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
            let thousandths = (quality.clamp(0.0, 1.0) * 1000.0) as u16;
            (thousandths > 0).then_some((thousandths, range))
        })
        .collect();
    ranges.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    ranges.into_iter().map(|(_, range)| range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_wanted_language_that_there_is() {
        let available = ["en".to_owned(), "de".to_owned()];
        for (accepted, expected) in [
            ("de", Some("de")),
            ("de-AT", Some("de")),
            ("DE", Some("de")),
            ("fr, de;q=0.8, en;q=0.9", Some("en")),
            ("fr;q=0.9, de;q=0.5", Some("de")),
            ("en;q=0, de", Some("de")),
            ("fr", None),
            ("*", None),
            ("", None),
            (";;;q=,", None),
        ] {
            let found = by_preference(accepted).into_iter().find_map(|range| look_up(range, &available));
            assert_eq!(found, expected, "{accepted:?}");
        }
    }

    #[test]
    fn tags_have_a_form() {
        assert!(is_tag("de") && is_tag("de-AT") && is_tag("zh-Hant-TW"));
        assert!(!is_tag("") && !is_tag("d") && !is_tag("de_AT") && !is_tag("12") && !is_tag("de-"));
    }
}
