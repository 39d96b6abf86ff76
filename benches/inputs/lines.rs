//! Replies to classify: those of `tests/labelled`, and as many as are asked for that differ in whatever differs from one reply to the
//! next (addresses, IPs, queue ids, dates), made from them with a fixed seed. Their words are a real mixture's: mostly English.

use std::{collections::HashSet, fs, path::Path};

use super::chance::Chance;

/// Every labelled reply as it stands: some thousand, which an endless stream of bounces repeats.
pub(crate) fn repeating() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labelled/replies.jsonl");
    let lines = fs::read_to_string(file).unwrap();
    let text = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["text"].as_str().unwrap().to_owned()
    };
    lines.lines().map(text).collect()
}

/// `count` replies of which no two are the same. One in twenty is not in plain ASCII.
pub(crate) fn never_repeating(count: usize) -> Vec<String> {
    let (english, other): (Vec<_>, Vec<_>) = repeating().into_iter().partition(|line| line.is_ascii());
    let mut chance = Chance::new(7);
    let mut seen = HashSet::with_capacity(count);
    let mut lines = Vec::with_capacity(count);
    while lines.len() < count {
        let from = if chance.below(20) == 0 { &other } else { &english };
        let mut line = varied(&from[chance.below(from.len())], &mut chance);
        if seen.contains(&line) {
            // It has nothing that varies: many servers put the session behind what they say.
            line = format!("{} [{}]", line.trim_end(), chance.letters(14));
        }
        if seen.insert(line.clone()) {
            lines.push(line);
        }
    }
    lines
}

/// The same complaint about another recipient, from another server, on another day.
fn varied(line: &str, chance: &mut Chance) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_' | '+');
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end == 0 {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        let (token, behind) = rest.split_at(end);
        push_varied(&mut out, token, chance);
        rest = behind;
    }
    out
}

fn push_varied(out: &mut String, token: &str, chance: &mut Chance) {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let core = token.trim_end_matches(['.', '-']);
    if let Some((_, domain)) = token.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty()) {
        out.push_str(&format!("{}.{}@{domain}", chance.letters(5), chance.letters(7)));
    } else if core.parse::<std::net::Ipv4Addr>().is_ok() {
        let net = ["192.0.2", "198.51.100", "203.0.113"][chance.below(3)];
        out.push_str(&format!("{net}.{}{}", chance.below(255) + 1, &token[core.len()..]));
    } else if token.bytes().all(|byte| byte.is_ascii_digit()) && token.len() != 3 {
        // A day, a size, a process; three digits are a reply code.
        let first = char::from(b'1' + chance.below(2) as u8);
        out.push(if token.len() == 1 { token.chars().next().unwrap_or('1') } else { first });
        (1..token.len()).for_each(|_| out.push(char::from(b'0' + chance.below(9) as u8)));
    } else if token.len() >= 8 && digits >= 2 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        // A queue id.
        let id = chance.letters(token.len());
        out.push_str(&if token.bytes().any(|byte| byte.is_ascii_uppercase()) { id.to_uppercase() } else { id });
    } else {
        out.push_str(token);
    }
}
