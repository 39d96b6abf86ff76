//! From pasted lines to one line: joins multi-line replies (RFC 5321 §4.2.1) and folded text, and finds the decisive reply in
//! a piece of dialogue.

use std::borrow::Cow;

use super::{Command, EnhancedCode, Permanence, ReplyCode, reply::is_space, spacing::is_single_spaced_ascii};

/// The decisive reply of `input` on one line with single spaces, and the command it answers where the dialogue shows it.
///
/// Where lines with different codes follow each other, as in a transcript, the last refusal decides, else the last reply.
pub(super) fn decisive_line(input: &str) -> (Cow<'_, str>, Option<Command>) {
    if memchr::memchr2(b'\n', b'\r', input.as_bytes()).is_none() {
        return (single_spaced(input), None);
    }
    let lines: Vec<Line<'_>> =
        input.split(['\n', '\r']).map(str::trim).filter(|l| !l.is_empty()).map(Line::read).collect();
    let mut groups: Vec<Group> = Vec::new();
    let mut command = None;
    // Beside lines marked as received, `550 <anna@example.org>... User unknown` is Sendmail's own summary of them.
    let any_received = lines.iter().any(|line| matches!(line, Line::Coded { is_received: true, .. }));
    for line in &lines {
        match (line, groups.last_mut()) {
            (Line::Coded { is_received: false, .. }, _) if any_received => {}
            (Line::Command(sent), _) => command = Some(*sent),
            (Line::Coded { code, text, .. }, Some(group)) if group.code == *code && group.command == command => {
                group.push(text);
            }
            (Line::Coded { code, whole, .. }, _) => {
                groups.push(Group { code: *code, command, text: (*whole).to_owned() });
            }
            (Line::Other(text), Some(group)) => group.push(text),
            (Line::Other(_), None) => return (single_spaced(input), None),
        }
    }
    let is_refusal =
        |group: &Group| matches!(group.code.permanence(), Some(Permanence::Transient | Permanence::Permanent));
    let decisive = groups.iter().rposition(is_refusal).or(groups.len().checked_sub(1));
    match decisive.map(|i| groups.swap_remove(i)) {
        Some(group) => (Cow::Owned(single_spaced(&group.text).into_owned()), group.command),
        None => (single_spaced(input), None),
    }
}

/// One line of pasted dialogue.
enum Line<'a> {
    /// `550-5.1.1 No such user`: `text` is what follows code and enhanced code, `whole` the line as it stands.
    Coded { code: ReplyCode, text: &'a str, whole: &'a str, is_received: bool },
    /// What the client sent: `>>> RCPT TO:<anna@example.org>`.
    Command(Command),
    /// The rest of a folded line.
    Other(&'a str),
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Self {
        let sent = [">>> ", "C: ", "-> ", "=> "].iter().find_map(|mark| line.strip_prefix(mark));
        // Without a mark only the two commands that carry an address are sure not to be words of a reply.
        let bare = || ["MAIL FROM:", "RCPT TO:"].iter().any(|verb| line.starts_with(verb)).then_some(line);
        if let Some(Ok(command)) = sent.or_else(bare).map(str::parse) {
            return Self::Command(command);
        }
        let received = ["<<< ", "S: ", "<- ", "<= "].iter().find_map(|mark| line.strip_prefix(mark));
        let whole = received.unwrap_or(line);
        match ReplyCode::prefix(whole.as_bytes()) {
            Some((code, length)) if code.permanence().is_some() && !starts_with_letter(&whole[length..]) => {
                let rest = whole[length..].trim_start_matches(['-', ' ', '\t']);
                let enhanced = EnhancedCode::prefix(rest.as_bytes()).map_or(0, |(_, length)| length);
                Self::Coded { code, text: rest[enhanced..].trim_start(), whole, is_received: received.is_some() }
            }
            _ => Self::Other(whole),
        }
    }
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
}

/// Lines with one code that follow each other: one reply.
struct Group {
    code: ReplyCode,
    command: Option<Command>,
    text: String,
}

impl Group {
    fn push(&mut self, text: &str) {
        self.text.push(' ');
        self.text.push_str(text);
    }
}

/// Every run of white space and control characters as one space, none at the ends; borrowed where it is so already.
fn single_spaced(text: &str) -> Cow<'_, str> {
    if is_single_spaced_ascii(text) {
        return Cow::Borrowed(text);
    }
    let text = text.trim_matches(is_space);
    let mut after_space = false;
    let is_clean = text.chars().all(|c| {
        let clean = if c == ' ' { !after_space } else { !is_space(c) };
        after_space = c == ' ';
        clean
    });
    if is_clean {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
}
