//! Addresses that list managers and forwarders write in a form of their own: Sympa, Gmail, LISTSERV.

use super::{Encoded, Form, join, strip_prefix_any_case};

/// `==a==` stands for the `@`; the list's name follows, and sometimes the kind of message.
pub(super) fn sympa(local: &str) -> Option<Encoded> {
    let (_prefix, rest) = local.split_once('+').filter(|(prefix, _)| !prefix.is_empty())?;
    let (user, rest) = rest.split_once("==a==")?;
    let (host, list) = rest.split_once("==")?;
    let recipient = (!list.is_empty()).then(|| join(user, host))??;
    // The list is named, but not the address it would send from without VERP.
    Some(Encoded { form: Form::Sympa, recipient: Some(recipient), sender: None })
}

pub(super) fn gmail_forward(local: &str, domain: &str) -> Option<Encoded> {
    let (account, rest) = local.split_once("+caf_=")?;
    let (user, host) = rest.rsplit_once('=')?;
    Some(Encoded { form: Form::GmailForward, recipient: Some(join(user, host)?), sender: join(account, domain) })
}

/// `**` stands for the `@` and `*-` for the domain's dots.
pub(super) fn listserv(local: &str, domain: &str) -> Option<Encoded> {
    strip_prefix_any_case(local, "owner-")?;
    let (list, rest) = local.split_once('*')?;
    let (user, host) = rest.split_once("**")?;
    let recipient = join(user, &host.replace("*-", "."))?;
    Some(Encoded { form: Form::Listserv, recipient: Some(recipient), sender: join(list, domain) })
}
