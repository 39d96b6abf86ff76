//! The rescue path: what can be read from the words of a report that no dialect knows. What is found so is told with less
//! confidence.

use std::cell::OnceCell;

use super::{
    address,
    dialect::{MOST_LINE_BYTES, Telling},
    lines::{head, lines_with_ends},
    mail::Mail,
    original::{Original, quoted_header},
};
use crate::{
    catalog::{Rescue, RescueSign},
    smtp::Reply,
};

/// The addresses in `X-Failed-Recipients`, which Exim, Gmail and others write.
pub(super) fn failed_recipients(mail: &Mail<'_>) -> Vec<String> {
    let value = mail.field("x-failed-recipients").unwrap_or_default();
    value.split([',', ';']).filter_map(address::in_field).filter(|found| address::is_address(found)).collect()
}

/// Whether a mail that no dialect recognises is a report all the same: a machine wrote it, and its words hold a refusal.
pub(super) fn tell_a_refusal(mail: &Mail<'_>, rescue: &Rescue) -> bool {
    // RFC 5322 §3.6 asks everyone for a sender; a mail without one was put together by a program.
    let by_machine = mail.field("from").is_none() || rescue.header_shows(RescueSign::Machine, &mail.fields);
    let refuses = |line: &str| {
        // Reading a reply is dear, and one without a code of these classes (or a record in JSON) is none.
        let may_have_code = memchr::memchr_iter(b'.', line.as_bytes())
            .any(|dot| dot > 0 && matches!(line.as_bytes()[dot - 1], b'4' | b'5'));
        if !may_have_code && !line.contains('{') {
            return false;
        }
        let reply = Reply::parse(line);
        reply.enhanced.is_some_and(|code| code.class() != 2) && (reply.code.is_some() || line.contains('#'))
    };
    by_machine
        && !rescue.header_shows(RescueSign::Person, &mail.fields)
        && mail.report_part().lines().take(400).any(refuses)
}

/// Reads recipients and what was said about them from words of no known form.
pub(super) fn read<'m>(mail: &'m Mail<'_>, original: &Original, rescue: &Rescue, most: usize) -> Telling<'m> {
    let part = mail.report_part();
    let own = OnceCell::new();
    let is_no_recipient = |found: &str| {
        let local = found.split('@').next().unwrap_or_default();
        let own = own.get_or_init(|| own_addresses(mail));
        own.iter().any(|own| own.eq_ignore_ascii_case(found)) || rescue.is_never_recipient(local)
    };
    let mut telling = Telling::default();
    let mut current = None;
    let mut blank_before = true;
    for line in part.lines().map(|line| head(line, MOST_LINE_BYTES)) {
        let line = line.trim();
        if line.is_empty() {
            blank_before = true;
            continue;
        }
        // Behind a refusal, a line such as `E-mail: help@example.org` is a signature.
        let may_be_labelled = telling.recipients.is_empty();
        let strong = leading_address(line, rescue, may_be_labelled).filter(|found| !is_no_recipient(found));
        if let Some(recipient) = strong {
            current = telling.open(recipient, most);
            let rest = after_address(line, recipient);
            telling.say(current, rest);
        } else {
            // A paragraph without an address still belongs to the recipient before it, if that one has nothing yet.
            let goes_on = !blank_before || telling.has_no_words(current);
            telling.say(current.filter(|_| goes_on), line);
        }
        blank_before = false;
    }
    if telling.recipients.is_empty() {
        let weak = || {
            let mut found: Vec<String> = Vec::new();
            for one in part
                .lines()
                .filter(|line| address::may_stand_in(line))
                .map(|line| head(line, MOST_LINE_BYTES))
                .filter(|line| !line.contains("://"))
                .flat_map(address::in_text)
                .filter(|one| !is_no_recipient(one))
            {
                if !found.iter().any(|known| known.eq_ignore_ascii_case(one)) && found.len() < most.min(5) {
                    found.push(one.to_owned());
                }
            }
            found
        };
        let candidates = [failed_recipients(mail), weak(), original.only_recipient().into_iter().collect()];
        for recipient in candidates.into_iter().find(|found| !found.is_empty()).unwrap_or_default() {
            telling.open(&recipient, most);
        }
    }
    telling
}

/// The words before a quoted original, and before the lines that announce one.
pub(super) fn report_part<'t>(text: &'t str, rescue: &Rescue) -> &'t str {
    let quoted = quoted_header(text, rescue).map(|header| header.as_ptr() as usize - text.as_ptr() as usize);
    // A report that begins with such a line would have no words at all.
    let announced = announcements(text, rescue).find(|at| *at > 0);
    &text[..quoted.unwrap_or(text.len()).min(announced.unwrap_or(text.len()))]
}

/// `--- Below this line is a copy of the message.` and the like: where lines between rules speak of the original.
pub(super) fn announcements<'t>(text: &'t str, rescue: &'t Rescue) -> impl Iterator<Item = usize> + 't {
    let mut end = 0;
    lines_with_ends(text).filter_map(move |line| {
        let start = end;
        end += line.len();
        // Most lines begin with a letter.
        if line.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            return None;
        }
        let bare = head(line, MOST_LINE_BYTES).trim();
        let is_ruled = bare.len() > 8 && ["--", "==", "**", "__"].iter().any(|rule| bare.starts_with(rule));
        (is_ruled && rescue.announces_original(bare)).then_some(start)
    })
}

/// `<anna@example.org>: …`, `anna@example.org`, `* anna@example.org …`, `To: anna@example.org`.
fn leading_address<'l>(line: &'l str, rescue: &Rescue, may_be_labelled: bool) -> Option<&'l str> {
    if !address::may_stand_in(line) {
        return None;
    }
    let bare = line.trim_start_matches(['*', '-', '>', '+', '\u{2022}', ' ', '<', '"', '\'', '(', '[']);
    let labelled = Some(bare).filter(|_| may_be_labelled).and_then(|line| rescue.after_recipient_label(line));
    let bare = labelled.unwrap_or(bare);
    let bare = bare.trim_start_matches(['<', ' ', '"', '\'', '(', '[']).trim_start_matches("mailto:");
    let found = address::in_text(bare).next()?;
    bare.starts_with(found).then_some(found)
}

fn after_address<'l>(line: &'l str, recipient: &str) -> &'l str {
    line.find(recipient).map_or(line, |at| {
        line[at + recipient.len()..].trim_start_matches(['>', ':', ')', ']', '"', '\'', ' ', ',', '-', '.'])
    })
}

/// Whom the report was sent to and who sent it: neither is the recipient that failed.
fn own_addresses<'t>(mail: &'t Mail<'_>) -> Vec<&'t str> {
    let values = ["to", "from", "reply-to", "return-path", "delivered-to", "x-original-to", "errors-to"];
    values.iter().filter_map(|name| mail.field(name)).flat_map(address::in_text).collect()
}

impl<'t> Telling<'t> {
    fn say(&mut self, current: Option<usize>, line: &'t str) {
        let told = match current {
            Some(at) => &mut self.recipients[at],
            None => &mut self.general,
        };
        if !line.is_empty() {
            told.words.push(line);
        }
    }

    fn has_no_words(&self, current: Option<usize>) -> bool {
        current.is_some_and(|at| self.recipients[at].words.is_empty())
    }
}
