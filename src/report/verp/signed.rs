//! Addresses that carry their sender behind a signature: BATV and its relatives, and the sender rewriting scheme of forwarders.

use super::{Encoded, Form, is_domain, join, strip_prefix_any_case};

/// BATV and its relatives: a tag before or after the sender's local part.
pub(super) fn signed(local: &str, domain: &str) -> Option<Encoded> {
    let is_tag = |tag: &str| tag.len() >= 6 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let (form, (tag, core)) = if let Some(rest) = strip_prefix_any_case(local, "prvs=") {
        // A tag begins with its key's number; a name may stand in its place: `prvs=marianne=1234567890`.
        let tag_first = rest.split_once('=').filter(|(tag, _)| tag.starts_with(|c: char| c.is_ascii_digit()));
        let tag_last = || rest.rsplit_once('/').map(|(core, tag)| (tag, core));
        (Form::Batv, tag_first.or_else(tag_last)?)
    } else if let Some(rest) = strip_prefix_any_case(local, "btv1==") {
        (Form::Barracuda, rest.split_once("==")?)
    } else {
        (Form::Momentum, strip_prefix_any_case(local, "msprvs1=")?.split_once('=')?)
    };
    let sender = is_tag(tag).then(|| join(core, domain))??;
    Some(Encoded { form, recipient: None, sender: Some(sender) })
}

/// The sender rewriting scheme. The sign after `SRS0` or `SRS1` may be `=`, `+` or `-`, all others are `=`; a mailer on the
/// way may have changed the case.
pub(super) fn srs(local: &str) -> Option<Encoded> {
    const SEPARATORS: [char; 3] = ['=', '+', '-'];
    let (form, rest) = if let Some(rest) = strip_prefix_any_case(local, "SRS0") {
        (Form::Srs0, rest.strip_prefix(SEPARATORS)?)
    } else if let Some(rest) = strip_prefix_any_case(local, "SRS1") {
        // The hash, the first forwarder's domain, and the first hop's text from its separator on.
        let (hash, rest) = rest.strip_prefix(SEPARATORS)?.split_once('=')?;
        let (_forwarder, rest) = rest.split_once('=').filter(|(host, _)| is_srs_hash(hash) && is_domain(host))?;
        (Form::Srs1, rest.strip_prefix(SEPARATORS)?)
    } else {
        let plus = local.find('+').filter(|&at| at > 0)?;
        (Form::ExchangeSrs, strip_prefix_any_case(&local[plus..], "+SRS=")?)
    };
    let mut parts = rest.splitn(4, '=');
    let (hash, time, domain, core) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_time = (1..=8).contains(&time.len()) && time.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let sender = (is_srs_hash(hash) && is_time).then(|| join(core, domain))??;
    Some(Encoded { form, recipient: None, sender: Some(sender) })
}

/// Base64, cut short.
fn is_srs_hash(hash: &str) -> bool {
    !hash.is_empty() && hash.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
}
