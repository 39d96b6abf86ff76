//! Takes a reply out of what mailers write around it: log lines of Postfix, Exim, Sendmail, PowerMTA and KumoMTA, DSN fields,
//! and the sentences in which one server quotes another.

use std::{borrow::Cow, sync::LazyLock};

use memchr::memmem::Finder;

use super::{Command, EnhancedCode, Reply, ReplyCode, codes};

/// A reply and what the text around it told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wrapped<'a> {
    pub(super) reply: &'a str,
    pub(super) command: Option<Command>,
    pub(super) host: Option<&'a str>,
    pub(super) recipient: Option<&'a str>,
    /// The status that the mailer itself wrote (`dsn=5.1.1`), for replies that carry none.
    pub(super) status: Option<EnhancedCode>,
}

/// Reads a log record that is no line of words but a structure: KumoMTA's JSON.
///
/// <https://docs.kumomta.com/reference/log_record/>
pub(super) fn read_record(input: &str) -> Option<Reply<'static>> {
    #[derive(serde::Deserialize)]
    struct Record {
        response: Response,
        recipient: Option<serde_json::Value>,
        peer_address: Option<Peer>,
    }
    #[derive(serde::Deserialize)]
    struct Response {
        code: u16,
        enhanced_code: Option<Enhanced>,
        content: String,
        command: Option<String>,
    }
    #[derive(serde::Deserialize)]
    struct Enhanced {
        class: u8,
        subject: u16,
        detail: u16,
    }
    #[derive(serde::Deserialize)]
    struct Peer {
        name: String,
    }
    if !input.starts_with('{') {
        return None;
    }
    let record: Record = serde_json::from_str(input).ok()?;
    let response = record.response;
    // The content may itself begin with a code, where the remote server sent an enhanced code KumoMTA did not split off.
    let content = Reply::parse(&response.content).into_owned();
    Some(Reply {
        code: ReplyCode::new(response.code).or(content.code),
        enhanced: response
            .enhanced_code
            .and_then(|e| EnhancedCode::new(e.class, e.subject, e.detail))
            .or(content.enhanced),
        command: response.command.and_then(|command| command.parse().ok()).or(content.command),
        remote_host: record.peer_address.map(|peer| Cow::Owned(peer.name)),
        recipient: match record.recipient {
            Some(serde_json::Value::String(address)) => Some(Cow::Owned(address)),
            // With several recipients in one transaction KumoMTA logs a list.
            Some(serde_json::Value::Array(list)) => {
                list.first().and_then(|first| first.as_str()).map(|address| Cow::Owned(address.to_owned()))
            }
            _ => None,
        },
        text: content.text,
    })
}

/// Unwraps one line. A line that is the reply itself comes back as it is.
pub(super) fn unwrap(line: &str) -> Wrapped<'_> {
    let line = without_field_name(line);
    if ReplyCode::prefix(line.as_bytes()).is_some_and(|(code, _)| code.permanence().is_some()) {
        return without_reply_to(Wrapped { reply: line, ..Wrapped::default() });
    }
    // The fields of log lines are told by `=`, but for some of Exim's.
    let logged = powermta_record(line).or_else(|| match memchr::memchr2(b'=', b'*', line.as_bytes()) {
        Some(_) => postfix_log(line).or_else(|| sendmail_log(line)).or_else(|| exim_log(line)),
        None => None,
    });
    quoted(without_reply_to(logged.unwrap_or(Wrapped { reply: line, ..Wrapped::default() })))
}

/// `Diagnostic-Code: smtp; 550 …` and `smtp;550 …` (RFC 3464 §2.3.6); `Status: 5.1.1`.
fn without_field_name(line: &str) -> &str {
    if line.starts_with(|first: char| first.is_ascii_digit()) {
        return line;
    }
    let mut rest = line;
    for name in ["diagnostic-code:", "status:", "smtp-remote-server-response:"] {
        rest = strip_prefix_ignore_case(rest, name).unwrap_or(rest).trim_start();
    }
    for kind in
        ["smtp;", "x-postfix;", "x-unix;", "lmtp;", "x-sendmail;", "x-exim;", "local;", "unix;", "x-local;", "dns;"]
    {
        if let Some(text) = strip_prefix_ignore_case(rest, kind) {
            return text.trim_start();
        }
    }
    rest
}

/// Postfix's note at the end: `(in reply to RCPT TO command)`.
fn without_reply_to(mut wrapped: Wrapped<'_>) -> Wrapped<'_> {
    const NOTE: &str = "(in reply to ";
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(NOTE));
    if let Some(at) = FINDER.find_iter(wrapped.reply.as_bytes()).last() {
        let told = &wrapped.reply[at + NOTE.len()..];
        if let Ok(command) = told.parse() {
            wrapped.command = Some(command);
            wrapped.reply = wrapped.reply[..at].trim_end();
        }
    }
    wrapped
}

/// `… to=<anna@example.org>, relay=mx.example.org[192.0.2.1]:25, …, dsn=5.1.1, status=bounced (host … said: 550 …)`.
fn postfix_log(line: &str) -> Option<Wrapped<'_>> {
    let (fields, told) = line.split_once(" status=").or_else(|| line.strip_prefix("status=").map(|told| ("", told)))?;
    let (_, told) = told.split_once(" (")?;
    Some(Wrapped {
        reply: told.strip_suffix(')').unwrap_or(told),
        command: None,
        host: field(fields, "relay=").map(host_name).filter(|host| *host != "none" && *host != "local"),
        recipient: field(fields, " to=").or_else(|| fields.strip_prefix("to=").and_then(|rest| field(rest, ""))),
        status: field(fields, "dsn=").and_then(|status| status.parse().ok()),
    })
}

/// `… to=<anna@example.org>, …, relay=mx.example.org. [192.0.2.1], dsn=5.1.1, stat=User unknown`.
fn sendmail_log(line: &str) -> Option<Wrapped<'_>> {
    let (fields, told) = line.split_once(", stat=")?;
    let told = ["Deferred: ", "Service unavailable: "].iter().find_map(|word| told.strip_prefix(word)).unwrap_or(told);
    Some(Wrapped {
        reply: told,
        command: None,
        host: field(fields, "relay=").map(host_name),
        recipient: field(fields, " to=").or_else(|| fields.strip_prefix("to=").and_then(|rest| field(rest, ""))),
        status: field(fields, "dsn=").and_then(|status| status.parse().ok()),
    })
}

/// `** anna@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.1]: SMTP error from remote mail server after RCPT
/// TO:<anna@example.org>: 550 …`; `==` instead of `**` for a deferral.
fn exim_log(line: &str) -> Option<Wrapped<'_>> {
    let at = [" ** ", " == "]
        .iter()
        .find_map(|mark| line.find(mark).map(|at| at + mark.len()))
        .or_else(|| ["** ", "== "].iter().find(|mark| line.starts_with(**mark)).map(|mark| mark.len()))?;
    let (recipient, told) = line[at..].split_once(' ')?;
    if !recipient.contains('@') {
        return None;
    }
    // The fields end at a colon behind a field of one capital letter; what follows is the message.
    let message = match told.find("SMTP error from remote mail") {
        Some(at) => &told[at..],
        None => told.split_once(": ").map_or(told, |(_, message)| message),
    };
    Some(Wrapped {
        reply: message,
        command: None,
        host: field(told, "H=").map(host_name),
        recipient: Some(recipient.trim_matches(['<', '>'])),
        status: None,
    })
}

/// A line of PowerMTA's accounting file: the diagnostic is the field that begins with `smtp;`.
fn powermta_record(line: &str) -> Option<Wrapped<'_>> {
    let (kind, _) = line.split_once(',')?;
    if !matches!(kind, "b" | "t" | "tq" | "d" | "rb" | "rs" | "f") {
        return None;
    }
    let fields = csv_fields(line);
    let at = fields.iter().position(|field| strip_prefix_ignore_case(field, "smtp;").is_some())?;
    Some(Wrapped {
        reply: without_field_name(fields[at]),
        command: None,
        host: fields.get(at + 1).map(|host| host_name(host)).filter(|host| host.contains('.')),
        // …,orig,rcpt,…: the first address is the sender, the second the recipient.
        recipient: fields[..at].iter().filter(|field| field.contains('@')).nth(1).copied(),
        status: at.checked_sub(1).and_then(|i| fields[i].split(' ').next()?.parse().ok()),
    })
}

fn csv_fields(line: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once("\",").unwrap_or((quoted.trim_end_matches('"'), "")),
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        fields.push(field);
        if after.is_empty() {
            return fields;
        }
        rest = after;
    }
}

/// A sentence that quotes a reply: `host mx.example.org[192.0.2.1] said: 550 …`, `… refused to talk to me: 554 …`, `SMTP error
/// from remote mail server after end of data: host … : 550 …`, `<mx.example.org #5.1.1 smtp;550 …>`.
fn quoted(mut wrapped: Wrapped<'_>) -> Wrapped<'_> {
    let line = wrapped.reply;
    if let Some((before, told)) = split_once(line, &SAID).filter(|(_, told)| has_code(told)) {
        wrapped.host = last_host(before).or(wrapped.host);
        wrapped.recipient = wrapped.recipient.or_else(|| leading_address(before));
        wrapped.reply = told;
    } else if let Some((before, told)) = split_once(line, &REFUSED) {
        wrapped.host = last_host(before).or(wrapped.host);
        wrapped.command = wrapped.command.or(Some(Command::Banner));
        wrapped.reply = told;
    } else if let Some(at) = REMOTE_ERROR.find(line.as_bytes()) {
        let Some((_, after)) = line[at..].split_once(" after ") else { return wrapped };
        wrapped.command = after.parse().ok().or(wrapped.command);
        if let Some((before, told)) =
            after.match_indices(": ").map(|(at, _)| (&after[..at], &after[at + 2..])).find(|(_, told)| has_code(told))
        {
            wrapped.host = before.find("host ").map(|at| host_name(&before[at + 5..])).or(wrapped.host);
            wrapped.reply = told;
        }
    } else if let Some(at) = find_ignore_case(line, "smtp;") {
        let told = line[at + 5..].trim_start();
        if has_code(told) {
            wrapped.status = wrapped.status.or_else(|| codes::read(&line[..at]).enhanced);
            wrapped.reply = told.strip_suffix('>').unwrap_or(told);
        }
    } else {
        return wrapped;
    }
    without_reply_to(wrapped)
}

// Prepared once: making a searcher takes longer than searching a reply.
static SAID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" said: "));
static REFUSED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" refused to talk to me: "));
static REMOTE_ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("SMTP error from remote mail"));

fn split_once<'a>(line: &'a str, words: &Finder<'_>) -> Option<(&'a str, &'a str)> {
    let at = words.find(line.as_bytes())?;
    Some((&line[..at], &line[at + words.needle().len()..]))
}

fn has_code(text: &str) -> bool {
    ReplyCode::prefix(text.as_bytes()).is_some_and(|(code, _)| code.permanence().is_some())
        || EnhancedCode::prefix(text.as_bytes()).is_some()
}

/// The value of `name` in `name=value, …`, without angle brackets.
fn field<'a>(fields: &'a str, name: &str) -> Option<&'a str> {
    let at = fields.find(name)? + name.len();
    let value = fields[at..].split([',', ' ']).next().unwrap_or_default().trim_matches(['<', '>']);
    (!value.is_empty()).then_some(value)
}

/// The name in `mx.example.org[192.0.2.1]:25`, `mx.example.org. [192.0.2.1]` or `mx.example.org (192.0.2.1)`.
fn host_name(host: &str) -> &str {
    host.split(['[', '(', ' ', ':', ',']).next().unwrap_or_default().trim_end_matches('.')
}

/// The host in `… host mx.example.org[192.0.2.1]`.
fn last_host(before: &str) -> Option<&str> {
    let at = before.rfind("host ")? + "host ".len();
    Some(host_name(&before[at..])).filter(|host| !host.is_empty())
}

/// The address in `<anna@example.org>: host …`.
fn leading_address(before: &str) -> Option<&str> {
    before.strip_prefix('<')?.split_once('>').map(|(address, _)| address).filter(|address| address.contains('@'))
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix)).map(|_| &text[prefix.len()..])
}

fn find_ignore_case(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}
