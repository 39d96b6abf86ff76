use proptest::prelude::*;

use super::*;

fn vocabulary() -> Vocabulary {
    let texts = ["user unknown", "example.org", "icloudadmin@apple.com", "spamhaus.org", "(reference 201806281)"];
    Vocabulary::new(texts.into_iter(), [r"\bas16012611\b|\bbanned\b"].into_iter())
}

fn gist(text: &str) -> String {
    let mut out = String::new();
    vocabulary().write(text, &mut out);
    out
}

#[test]
fn what_differs_from_reply_to_reply_gives_way() {
    for (text, expected) in [
        ("<anna.berg@mail.example.org>: user unknown", "<a@aa.example.org>: user unknown"),
        ("user anna+x@berg.test unknown.", "user a@aa.aa unknown."),
        ("client host [192.0.2.17] banned", "client host [0.0.0.0] banned"),
        ("host mx01.berg.test[192.0.2.17]:25 said", "host a0.aa.aa[0.0.0.0]:25 said"),
        ("connect to [192.0.2.17]:2525", "connect to [0.0.0.0]:0000"),
        ("host user17.berg.test:25", "host user00.aa.aa:00"),
        ("[2001:db8::17]", "[0::0]"),
        ("at 2026-11-23 06:33:12 gmt", "at 0000-00-00 00:00:00 gmt"),
        ("id 4rz1kq2hgz8k, pid 123456", "id a0a0a0a0a0a0, pid 000000"),
        ("https://www.spamhaus.org/query/ip/192.0.2.17", "https://www.spamhaus.org/query/ip/0.0.0.0"),
        ("unknown [qkzvw4yabcd]", "unknown [a0a0a0a0a0a]"),
    ] {
        assert_eq!(gist(text), expected, "{text:?}");
    }
}

#[test]
fn what_rules_know_or_may_know_stays() {
    for text in [
        "write to icloudadmin@apple.com",
        "aup#1550 (s3150) [tss04] rl000010 as16012611",
        "5.7.1 (reference 201806281), 550 5.1.1, 42.5 mb, 300 seconds",
        "user anna unknown, gone (greylisted) for 5 minutes",
        "das postfach ist voll: größe 12",
        "",
    ] {
        assert_eq!(gist(text), text);
    }
}

#[test]
fn places_in_a_gist_are_told_in_the_text() {
    let folded = "<anna.berg@mail.example.org>: user unknown";
    let mut out = String::new();
    let origin = vocabulary().write_with_origin(folded, &mut out);
    let at = out.find("user").unwrap();
    let (from, to) = origin.of(at, out.len());
    assert_eq!(&folded[from..to], "user unknown");
    let (from, to) = origin.of(0, at);
    assert_eq!(&folded[from..to], "<anna.berg@mail.example.org>: ");
    let (from, to) = origin.of(1, 3);
    assert_eq!(&folded[from..to], "anna.berg@");
}

proptest! {
    #[test]
    fn any_text_has_a_gist_that_is_its_own(text in "([a-z0-9@.:/<>\\[\\]() é名-]{0,12}[ @.]){0,8}") {
        let mut once = String::new();
        let origin = vocabulary().write_with_origin(&text, &mut once);
        prop_assert_eq!(gist(&text), once.as_str());
        let borders: Vec<usize> = (0..=once.len()).filter(|at| once.is_char_boundary(*at)).collect();
        for (at, start) in borders.iter().enumerate() {
            for end in &borders[at..] {
                let (from, to) = origin.of(*start, *end);
                prop_assert!(text.get(from..to).is_some(), "{}..{} of {:?} is {}..{}", start, end, once, from, to);
            }
        }
        prop_assert_eq!(origin.of(0, once.len()), (0, text.len()));
    }
}
