//! Every form with its reading, and what must give nothing.

use super::*;
use proptest::prelude::*;

const ANNA: &str = "anna@example.org";

#[test]
fn the_recipient_and_the_sender_are_read() {
    for (address, form, recipient, sender) in [
        // VERP
        ("bounces-anna=example.org@list.example", Form::Verp, ANNA, "bounces@list.example"),
        ("bounces+anna=example.org@list.example", Form::Verp, ANNA, "bounces@list.example"),
        ("list-bounces+anna=example.org@list.example", Form::Verp, ANNA, "list-bounces@list.example"),
        (
            "my-list-bounces+mary-ann=a-b.example@l.example",
            Form::Verp,
            "mary-ann@a-b.example",
            "my-list-bounces@l.example",
        ),
        ("bounces-mary-ann=example.org@l.example", Form::Verp, "mary-ann@example.org", "bounces@l.example"),
        ("list-owner-anna=example.org@l.example", Form::Verp, ANNA, "list-owner@l.example"),
        ("owner-list+anna=example.org@l.example", Form::Verp, ANNA, "owner-list@l.example"),
        ("list-return-anna=example.org@l.example", Form::Verp, ANNA, "list-return@l.example"),
        ("Bounces+anna=Example.ORG@l.example", Form::Verp, "anna@Example.ORG", "Bounces@l.example"),
        ("list-bounces+anna+news=example.org@l.example", Form::Verp, "anna+news@example.org", "list-bounces@l.example"),
        ("list-bounces+anna+21=example.org@l.example", Form::Verp, "anna+21@example.org", "list-bounces@l.example"),
        ("bounces-anna+news=example.org@l.example", Form::Verp, "anna+news@example.org", "bounces@l.example"),
        ("bounces-a=b=example.org@l.example", Form::Verp, "a=b@example.org", "bounces@l.example"),
        ("bounces-owner=example.org@l.example", Form::Verp, "owner@example.org", "bounces@l.example"),
        ("bounces+jörg=bücher.example@l.example", Form::Verp, "jörg@bücher.example", "bounces@l.example"),
        ("bounces+anna=xn--e1afmkfd.xn--p1ai@l.example", Form::Verp, "anna@xn--e1afmkfd.xn--p1ai", "bounces@l.example"),
        ("bounces-anna=example.org@localhost", Form::Verp, ANNA, ""),
        // Escapes of the draft, and other signs for the `=`.
        (
            "itny-bounces-node42+21ann=old.example@l.example",
            Form::Verp,
            "node42!ann@old.example",
            "itny-bounces@l.example",
        ),
        (
            "bounces-mary+2Dann+2bnews=example.org@l.example",
            Form::Verp,
            "mary-ann+news@example.org",
            "bounces@l.example",
        ),
        ("bounces+anna--at--example.org@l.example", Form::Verp, ANNA, "bounces@l.example"),
        ("bounces+anna%40example.org@l.example", Form::Verp, ANNA, "bounces@l.example"),
        ("bounces-anna#example.org@l.example", Form::Verp, ANNA, "bounces@l.example"),
        ("list-request=anna%example.org@l.example", Form::Verp, ANNA, "list-request@l.example"),
        // List managers and providers.
        ("list-return-123-anna=example.org@l.example", Form::Ezmlm, ANNA, "list-return-123@l.example"),
        (
            "list-return-warn-1029384756.abcdefghijklmnopabcd-anna=example.org@l.example",
            Form::Ezmlm,
            ANNA,
            "list-return-warn-1029384756.abcdefghijklmnopabcd@l.example",
        ),
        ("bounce+anna==a==example.org==list@l.example", Form::Sympa, ANNA, ""),
        ("bounce+anna==a==example.org==list==w@l.example", Form::Sympa, ANNA, ""),
        ("owner-NEWS-L*anna**EXAMPLE*-ORG@l.example", Form::Listserv, "anna@EXAMPLE.ORG", "owner-NEWS-L@l.example"),
        (
            "bounces+1234567-ab12-anna=example.org@em.example.com",
            Form::SendGrid,
            ANNA,
            "bounces+1234567-ab12@em.example.com",
        ),
        (
            "bounces+1234567-ab12-mary-ann=example.org@e.example",
            Form::SendGrid,
            "mary-ann@example.org",
            "bounces+1234567-ab12@e.example",
        ),
        (
            "bounce+4fd2a1.8c03-anna=example.org@mg.example.com",
            Form::Mailgun,
            ANNA,
            "bounce+4fd2a1.8c03@mg.example.com",
        ),
        (
            "bounce-mc.us5_12345.678-anna=example.org@mcsv.net",
            Form::Mailchimp,
            ANNA,
            "bounce-mc.us5_12345.678@mcsv.net",
        ),
        ("bob+caf_=anna=example.org@gmail.com", Form::GmailForward, ANNA, "bob@gmail.com"),
        // BATV and its relatives.
        ("prvs=1234567890=anna@example.org", Form::Batv, "", ANNA),
        ("PRVS=4012abcdef=anna@example.org", Form::Batv, "", ANNA),
        ("prvs=anna/1234567890@example.org", Form::Batv, "", ANNA),
        ("btv1==1a2b3c4d5e6==anna@example.org", Form::Barracuda, "", ANNA),
        ("msprvs1=17abcDEFgh=bounces-123@example.org", Form::Momentum, "", "bounces-123@example.org"),
        // SRS
        ("SRS0=HHHH=TT=example.org=anna@forwarder.example", Form::Srs0, "", ANNA),
        ("srs0+h+/h=tt=example.org=anna@forwarder.example", Form::Srs0, "", ANNA),
        ("SRS0-HHHH=TT=example.org=a=b@forwarder.example", Form::Srs0, "", "a=b@example.org"),
        ("SRS1=HHHH=first.example==HHHH=TT=example.org=anna@second.example", Form::Srs1, "", ANNA),
        ("SRS1+HHHH=first.example=-HHHH=TT=example.org=anna@second.example", Form::Srs1, "", ANNA),
        ("bob+SRS=44ldt=IX=example.org=anna@contoso.example", Form::ExchangeSrs, "", ANNA),
        // One in another.
        ("prvs=1234567890=bounces+anna=example.org@l.example", Form::Batv, ANNA, "bounces@l.example"),
        ("SRS0=HHHH=TT=l.example=bounces-anna=example.org@f.example", Form::Srs0, ANNA, "bounces@l.example"),
        ("SRS0=HHHH=TT=example.org=prvs=1234567890=anna@f.example", Form::Srs0, "", ANNA),
    ] {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let expected = Encoded { form, recipient: some(recipient), sender: some(sender) };
        assert_eq!(decode(address), Some(expected), "{address:?}");
    }
}

#[test]
fn ordinary_opaque_and_doubtful_addresses_give_nothing() {
    for address in [
        "",
        "@",
        "anna",
        "anna@example.org",
        "anna+news@example.org",
        "anna+shop=example.com@example.org",
        "anna+bounces-bob=example.com@example.org",
        "mary-ann@example.org",
        "a=b@example.org",
        "anna=example.com@example.org",
        "anna%example.com@relay.example",
        "bounces@example.org",
        "list-bounces+3b1f0a9c@example.org",
        "returns-team@example.org",
        // Opaque.
        "0100018b2c3d4e5f-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-000000@amazonses.com",
        "bounce-md_30123456.5a1b2c3d.v1-0a1b2c3d4e5f60718293a4b5c6d7e8f9@mandrillapp.com",
        "list+bncBDLPHJ6S3ABC@googlegroups.com",
        "bounces+SRS=44ldt=IX@contoso.example",
        // Where does the recipient begin, or which sign is the `@`?
        "bounces-123-anna=example.org@l.example",
        "bounces+123=anna=example.org@l.example",
        "bounces+0a1b2c3d-anna=example.org@l.example",
        "owner-list-anna=example.org@l.example",
        "returns-team-bounces-anna=example.org@l.example",
        "return-path-anna=example.org@l.example",
        "bounces+anna=b--at--example.org@l.example",
        "list-request=anna%40example.org@l.example",
        "bounces-anna=3Dexample.org@l.example",
        // No address inside.
        "bounces-=example.org@l.example",
        "bounces-anna=example@l.example",
        "bounces-anna=192.0.2.7@l.example",
        "bounces-anna=example..org@l.example",
        "bounces-anna=-example.org@l.example",
        "bounces-an<na=example.org@l.example",
        "bounces-an na=example.org@l.example",
        "bounces-an\0na=example.org@l.example",
        "bounces-anna+40b=example.org@l.example",
        "bounces-anna=example.org@b@l.example",
        "bounces-anna=example.org@",
        "<bounces-anna=example.org>",
        "prvs=1234567890=@example.org",
        "prvs=12=anna@example.org",
        "prvs=marianne=1234567890@example.org",
        "prvs=anna1234567890@example.org",
        "prvs=1234567890=anna@localhost",
        "btv1==anna@example.org",
        "SRS0=HHHH=TT=example=anna@f.example",
        "SRS0=HHHH=TT=example.org@f.example",
        "SRS0=HHHH==example.org=anna@f.example",
        "SRS1=HHHH=first.example=HHHH=TT=example.org=anna@f.example",
        "SRS2=HHHH=TT=example.org=anna@f.example",
    ] {
        assert_eq!(decode(address), None, "{address:?}");
    }
}

#[test]
fn what_is_too_long_gives_nothing() {
    let wrapped =
        |user: usize, list: usize| format!("bounces-{}=example.org@{}.example", "a".repeat(user), "l".repeat(list));
    let recipient = |address: &str| decode(address).and_then(|encoded| encoded.recipient);
    assert_eq!(recipient(&wrapped(308, 1)).map(|address| address.len()), Some(MAX_ADDRESS_BYTES));
    assert_eq!(recipient(&wrapped(309, 1)), None);
    let longest = wrapped(4, MAX_INPUT_BYTES - wrapped(4, 0).len());
    assert_eq!(recipient(&longest).as_deref(), Some("aaaa@example.org"));
    assert_eq!(decode(&format!("{longest}e")), None);
}

#[test]
fn wrappings_without_end_are_not_followed() {
    let address = format!("{}anna@example.org", "prvs=123456=".repeat(20));
    let sender = decode(&address).and_then(|encoded| encoded.sender).unwrap();
    assert_eq!(sender, address["prvs=123456=".len() * MAX_WRAPPINGS..]);
}

/// The eight signs as the draft writes them.
fn escape(text: &str) -> String {
    text.replace('+', "+2B").replace('-', "+2D").replace('!', "+21").replace('%', "+25")
}

proptest! {
    #[test]
    fn never_panics(address in "\\PC{0,80}") {
        decode(&address);
    }

    #[test]
    fn whatever_is_decoded_looks_like_an_address(
        address in "(SRS0|SRS1|\\+SRS=|prvs=|btv1==|msprvs1=|bounces?|-return-|owner-|=|==a==|\\+caf_=|\\+|-|\\*|%40|%|#|--at--|@|\\.|3D|2B|é|\0|123456|ab12|anna|example\\.org|@l\\.example){0,16}"
    ) {
        if let Some(encoded) = decode(&address) {
            prop_assert!(encoded.recipient.is_some() || encoded.sender.is_some());
            for decoded in [encoded.recipient, encoded.sender].into_iter().flatten() {
                let (local, domain) = decoded.split_once('@').unwrap();
                prop_assert_eq!(join(local, domain), Some(decoded.clone()));
            }
        }
    }

    // The letters before and after the sign make sure that neither part is a word of a prefix.
    #[test]
    fn a_verp_address_decodes_to_its_recipient(
        user in "x[a-z0-9]{0,7}([._+-]y[a-z0-9]{0,7})?", host in "[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,4})?\\.[a-z]{2,6}",
        prefix in "(bounces[+-]|news-bounces\\+|my-list-return-([0-9]{1,6}-)?|list-owner-|owner-list\\+|bounces\\+[0-9]{6}-[0-9a-f]{4}-)",
    ) {
        let encoded = decode(&format!("{prefix}{user}={host}@list.example"));
        prop_assert_eq!(encoded.and_then(|encoded| encoded.recipient), Some(format!("{user}@{host}")));
    }

    #[test]
    fn an_escaped_verp_address_decodes_to_its_recipient(user in "[a-z]{1,6}([-+!%][a-z0-9]{1,6}){0,3}", host in "[a-z]{1,9}\\.[a-z]{2,6}") {
        let encoded = decode(&format!("list-bounces-{}={host}@list.example", escape(&user)));
        prop_assert_eq!(encoded.and_then(|encoded| encoded.recipient), Some(format!("{user}@{host}")));
    }

    #[test]
    fn a_forwarded_signed_address_decodes_to_its_sender(user in "[a-z]{1,8}", host in "[a-z]{1,9}\\.[a-z]{2,6}", tag in "[0-9]{4}[0-9a-f]{6}") {
        let encoded = decode(&format!("SRS0=ab+/={tag:.2}={host}=prvs={tag}={user}@forwarder.example"));
        prop_assert_eq!(encoded.and_then(|encoded| encoded.sender), Some(format!("{user}@{host}")));
    }
}
