//! Amazon SES notifications that came by mail instead of by HTTP: JSON from Amazon SNS, the notification as a string in it or
//! bare.
//!
//! <https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html>

use serde::Deserialize;

use crate::{
    catalog::Kind,
    smtp::{EnhancedCode, Reply},
};

/// What one notification says about one recipient.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Notified {
    pub(super) address: String,
    pub(super) action: Option<String>,
    pub(super) status: Option<EnhancedCode>,
    pub(super) diagnostic: Option<String>,
    pub(super) reply: Reply<'static>,
}

/// A whole notification.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Notification {
    pub(super) kind: Kind,
    pub(super) message_id: Option<String>,
    pub(super) feedback_type: Option<String>,
    pub(super) recipients: Vec<Notified>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Message")]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(alias = "eventType")]
    notification_type: String,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery: Option<Delivery>,
    mail: Option<Mail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(default)]
    bounced_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    complained_recipients: Vec<Recipient>,
    complaint_feedback_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    #[serde(default)]
    recipients: Vec<String>,
    smtp_response: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
    action: Option<String>,
    status: Option<String>,
    diagnostic_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    common_headers: Option<CommonHeaders>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommonHeaders {
    message_id: Option<String>,
}

/// Reads the notification in `text`, if there is one.
pub(super) fn read(text: &str) -> Option<Notification> {
    let start = text.find('{')?;
    if !(text.contains("notificationType") || text.contains("eventType")) {
        return None;
    }
    // Mailers break the one long line; `!` at a line's end is an old way of saying so.
    let joined: String = text[start..].replace("!\n", "").replace(['\n', '\r'], "");
    let event = first_json::<Envelope>(&joined)
        .and_then(|envelope| first_json(&envelope.message))
        .or_else(|| first_json::<Event>(&joined))?;
    let kind = match event.notification_type.as_str() {
        "Bounce" => Kind::Bounce,
        "Complaint" => Kind::Complaint,
        "Delivery" => Kind::Delivered,
        _ => return None,
    };
    let bounced = event.bounce.map(|bounce| bounce.bounced_recipients).unwrap_or_default();
    let feedback_type = event.complaint.as_ref().and_then(|complaint| complaint.complaint_feedback_type.clone());
    let complained = event.complaint.map(|complaint| complaint.complained_recipients).unwrap_or_default();
    let delivered = event.delivery.map(|delivery| {
        let response = delivery.smtp_response;
        delivery.recipients.into_iter().map(move |email_address| Recipient {
            email_address,
            action: Some("delivered".to_owned()),
            status: None,
            diagnostic_code: response.clone(),
        })
    });
    let recipients =
        bounced.into_iter().chain(complained).chain(delivered.into_iter().flatten()).map(Notified::from).collect();
    let message_id = event.mail.and_then(|mail| mail.common_headers?.message_id);
    Some(Notification { kind, message_id, feedback_type, recipients })
}

/// The value that the text begins with, whatever follows.
fn first_json<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    T::deserialize(&mut serde_json::Deserializer::from_str(text.trim_start())).ok()
}

impl From<Recipient> for Notified {
    fn from(recipient: Recipient) -> Self {
        let reply = Reply::parse(recipient.diagnostic_code.as_deref().unwrap_or_default()).into_owned();
        Self {
            address: recipient.email_address.trim_matches(['<', '>']).to_owned(),
            action: recipient.action.map(|action| action.to_ascii_lowercase()),
            status: recipient.status.and_then(|status| status.parse().ok()),
            diagnostic: recipient.diagnostic_code,
            reply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_read_through_its_wrapping() {
        let text = r#"{"Type":"Notification","Message":"{\"notificationType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\",
\"bouncedRecipients\":[{\"emailAddress\":\"anna@example.org\",\"action\":\"failed\",\"status\":\"5.1.1\",\"diagnosticCode\":\"smtp; 550 5.1.1 no!
 such user\"}]},\"mail\":{\"commonHeaders\":{\"messageId\":\"<1@example.com>\"}}}"}

-- a footer"#;
        let notification = read(text).unwrap();
        assert_eq!(notification.kind, Kind::Bounce);
        assert_eq!(notification.message_id.as_deref(), Some("<1@example.com>"));
        assert_eq!(notification.recipients[0].address, "anna@example.org");
        assert_eq!(notification.recipients[0].reply.text, "no such user");
        assert_eq!(read("no json here, notificationType"), None);
        assert_eq!(read("{ notificationType }"), None);
    }
}
