//! `message/feedback-report` (RFC 5965): somebody pressed "this is spam", or one of its kin.

use super::{address, delivery_status::fields};

/// What a complaint says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// `abuse`, `fraud`, `virus`, `not-spam`, `opt-out`, `auth-failure`, `other` …, in lower case.
    pub feedback_type: String,
    /// The program that made the report.
    pub user_agent: Option<String>,
    /// The address the mail came from.
    pub source_ip: Option<String>,
    /// The envelope sender.
    pub original_mail_from: Option<String>,
    /// When the mail arrived.
    pub arrival_date: Option<String>,
    /// The domains that are complained about.
    pub reported_domains: Vec<String>,
    /// The addresses of pages that are complained about.
    pub reported_uris: Vec<String>,
    /// How the mail was authenticated.
    pub authentication_results: Option<String>,
    /// How many complaints this one stands for.
    pub incidents: Option<u32>,
}

/// A complaint and whom the mail was for.
pub(super) fn read(text: &str) -> (Complaint, Vec<String>) {
    let mut complaint = Complaint::default();
    let mut recipients = Vec::new();
    for (name, value) in fields(text).into_iter().filter(|(_, value)| !value.is_empty()) {
        let value = value.into_owned();
        match name.to_ascii_lowercase().as_str() {
            "feedback-type" => complaint.feedback_type = value.to_ascii_lowercase(),
            "user-agent" => complaint.user_agent = Some(value),
            "source-ip" => complaint.source_ip = Some(value),
            "original-mail-from" => complaint.original_mail_from = address::in_field(&value),
            "arrival-date" | "received-date" => complaint.arrival_date = Some(value),
            "reported-domain" => complaint.reported_domains.push(value),
            "reported-uri" => complaint.reported_uris.push(value),
            "authentication-results" => complaint.authentication_results = Some(value),
            "incidents" => complaint.incidents = value.parse().ok(),
            "original-rcpt-to" | "removal-recipient" => {
                let found = address::in_field(&value).filter(|found| !recipients.contains(found));
                recipients.extend(found);
            }
            _ => {}
        }
    }
    if complaint.feedback_type.is_empty() {
        complaint.feedback_type = "abuse".to_owned();
    }
    (complaint, recipients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_tells_who_and_why() {
        let (complaint, recipients) = read(
            "Feedback-Type: Abuse\nUser-Agent: Feedback/1.0\nVersion: 1\nOriginal-Mail-From: <news@example.com>\n\
             Original-Rcpt-To: <anna@example.org>\nOriginal-Rcpt-To: ben@example.org\nSource-IP: 192.0.2.7\nIncidents: 3\n\
             Reported-Domain: example.com\n",
        );
        assert_eq!(complaint.feedback_type, "abuse");
        assert_eq!(complaint.source_ip.as_deref(), Some("192.0.2.7"));
        assert_eq!(complaint.incidents, Some(3));
        assert_eq!(complaint.reported_domains, ["example.com"]);
        assert_eq!(recipients, ["anna@example.org", "ben@example.org"]);
    }
}
