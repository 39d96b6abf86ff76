//! The words around the catalogue's texts on a terminal, in English and German.

use crate::{
    catalog::{Action, BounceType, CodeStatus, Frequency, Kind, Responsible, Scope, Severity},
    smtp::Permanence,
};

/// Headings and the vocabularies' values in one language.
#[derive(Debug)]
pub(super) struct Labels {
    german: bool,
    pub(super) meaning: &'static str,
    pub(super) attempt: &'static str,
    pub(super) category: &'static str,
    pub(super) reach: &'static str,
    pub(super) next: &'static str,
    pub(super) again: &'static str,
    pub(super) blocklist: &'static str,
    pub(super) confidence: &'static str,
    pub(super) what_happened: &'static str,
    pub(super) what_to_do: &'static str,
    pub(super) causes: &'static str,
    pub(super) read_on: &'static str,
    pub(super) evidence: &'static str,
    pub(super) standard: &'static str,
    pub(super) elsewhere: &'static str,
    pub(super) contradiction: &'static str,
    pub(super) sources: &'static str,
    pub(super) status: &'static str,
    pub(super) frequency: &'static str,
    pub(super) severity: &'static str,
    pub(super) nature: &'static str,
    pub(super) mailer: &'static str,
    pub(super) report_subject: &'static str,
    pub(super) original_subject: &'static str,
    pub(super) message_id: &'static str,
    pub(super) summary: &'static str,
    pub(super) items: &'static str,
    pub(super) verdicts: &'static str,
    pub(super) problem: &'static str,
    pub(super) problems: &'static str,
    pub(super) hard_bounce_rate: &'static str,
    pub(super) provider: &'static str,
}

const ENGLISH: Labels = Labels {
    german: false,
    meaning: "Means",
    attempt: "This attempt",
    category: "Category",
    reach: "Reaches",
    next: "Next",
    again: "Try again",
    blocklist: "Blocklist",
    confidence: "Confidence",
    what_happened: "What happened",
    what_to_do: "What to do",
    causes: "How it comes about",
    read_on: "Read on",
    evidence: "Why we say so",
    standard: "The standard says",
    elsewhere: "Seen and told elsewhere",
    contradiction: "Who is right",
    sources: "Sources",
    status: "Status",
    frequency: "Met",
    severity: "Severity",
    nature: "Kind",
    mailer: "Reported by",
    report_subject: "Subject",
    original_subject: "Original subject",
    message_id: "Original Message-ID",
    summary: "Summary",
    items: "Items",
    verdicts: "Verdicts",
    problem: "problem",
    problems: "Problems",
    hard_bounce_rate: "Hard bounce rate",
    provider: "Provider",
};

const GERMAN: Labels = Labels {
    german: true,
    meaning: "Bedeutet",
    attempt: "Dieser Versuch",
    category: "Kategorie",
    reach: "Betrifft",
    next: "Als Nächstes",
    again: "Neuer Versuch",
    blocklist: "Sperrliste",
    confidence: "Sicherheit",
    what_happened: "Was geschehen ist",
    what_to_do: "Was zu tun ist",
    causes: "Wie es dazu kommt",
    read_on: "Zum Weiterlesen",
    evidence: "Woran wir das erkennen",
    standard: "Was der Standard sagt",
    elsewhere: "Was sonst beobachtet und erzählt wird",
    contradiction: "Wer recht hat",
    sources: "Quellen",
    status: "Status",
    frequency: "Häufigkeit",
    severity: "Wichtigkeit",
    nature: "Art",
    mailer: "Gemeldet von",
    report_subject: "Betreff",
    original_subject: "Betreff des Originals",
    message_id: "Message-ID des Originals",
    summary: "Zusammenfassung",
    items: "Eingaben",
    verdicts: "Urteile",
    problem: "Fehler",
    problems: "Fehler",
    hard_bounce_rate: "Anteil harter Bounces",
    provider: "Anbieter",
};

impl Labels {
    /// German for `de`, English for every other language.
    pub(super) fn of(language: &str) -> &'static Self {
        if language == "de" { &GERMAN } else { &ENGLISH }
    }

    pub(super) fn pick(&self, english: &'static str, german: &'static str) -> &'static str {
        if self.german { german } else { english }
    }

    pub(super) fn kind(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Bounce => self.pick("Bounce", "Rückläufer"),
            Kind::Delay => self.pick("Delayed, still queued", "Verzögert, noch in der Warteschlange"),
            Kind::Delivered => self.pick("Accepted", "Angenommen"),
            Kind::Intermediate => self.pick("Nothing decided yet", "Noch nichts entschieden"),
            Kind::Complaint => self.pick("Complaint", "Beschwerde"),
            Kind::AutoReply => self.pick("Automatic reply", "Automatische Antwort"),
            Kind::Other => self.pick("No delivery report", "Kein Zustellbericht"),
        }
    }

    pub(super) fn bounce_type(&self, bounce_type: BounceType) -> &'static str {
        match bounce_type {
            BounceType::Hard => self.pick("hard: the address is dead", "hart: die Adresse ist tot"),
            BounceType::Soft => self.pick("soft: the address may well be good", "weich: die Adresse kann gut sein"),
            BounceType::None => self.pick("nothing failed", "nichts ist gescheitert"),
        }
    }

    pub(super) fn permanence(&self, permanence: Permanence) -> &'static str {
        match permanence {
            Permanence::Success => self.pick("succeeded", "gelungen"),
            Permanence::Intermediate => self.pick("goes on", "läuft noch"),
            Permanence::Transient => self.pick("refused for now", "vorübergehend abgelehnt"),
            Permanence::Permanent => self.pick("refused for good", "endgültig abgelehnt"),
        }
    }

    pub(super) fn scope(&self, scope: Scope) -> &'static str {
        match scope {
            Scope::Recipient => self.pick("this address only", "nur diese Adresse"),
            Scope::RecipientDomain => self.pick("everyone at this domain", "alle Empfänger dieser Domain"),
            Scope::Sender => self.pick("all mail of this sender domain", "alle Mails dieser Absenderdomain"),
            Scope::SenderIp => self.pick("all mail from this IP address", "alle Mails von dieser IP-Adresse"),
            Scope::Message => self.pick("this message, whoever it goes to", "diese Nachricht, an wen sie auch geht"),
            Scope::Session => self.pick("this connection or batch", "diese Verbindung oder diesen Stapel"),
            Scope::None => self.pick("nothing else", "nichts weiter"),
        }
    }

    pub(super) fn action(&self, action: Action) -> &'static str {
        match action {
            Action::Suppress => self.pick("suppress the address", "Adresse sperren"),
            Action::Retry => self.pick("try again later", "später erneut versuchen"),
            Action::SlowDown => self.pick("send more slowly", "langsamer senden"),
            Action::FixSender => self.pick("repair the sending set-up", "Absenderseite reparieren"),
            Action::FixMessage => self.pick("change the message", "Nachricht ändern"),
            Action::FixList => self.pick("clean the address list", "Adressliste bereinigen"),
            Action::RequestDelisting => {
                self.pick("remove the cause, then ask for delisting", "Ursache beheben, dann Austragung beantragen")
            }
            Action::ContactRecipient => {
                self.pick("ask the recipient by another channel", "Empfänger auf anderem Weg fragen")
            }
            Action::Unsubscribe => self.pick("take the recipient off the list", "Empfänger austragen"),
            Action::UpdateAddress => self.pick("replace the address", "Adresse ersetzen"),
            Action::Review => self.pick("have a person look at it", "von Hand prüfen"),
            Action::None => self.pick("nothing", "nichts"),
        }
    }

    pub(super) fn responsible(&self, responsible: Responsible) -> &'static str {
        match responsible {
            Responsible::ListOwner => self.pick("whoever keeps the list", "wer die Liste pflegt"),
            Responsible::SenderAdmin => self.pick("the sender's postmaster", "Postmaster des Absenders"),
            Responsible::Author => self.pick("the author", "wer die Nachricht schreibt"),
            Responsible::Recipient => self.pick("the recipient", "der Empfänger"),
            Responsible::RecipientAdmin => self.pick("the recipient's postmaster", "Postmaster des Empfängers"),
            Responsible::Nobody => self.pick("nobody: wait", "niemand: abwarten"),
        }
    }

    pub(super) fn status(&self, status: CodeStatus) -> &'static str {
        match status {
            CodeStatus::Standard => self.pick("defined by a standard", "durch einen Standard festgelegt"),
            CodeStatus::Registered => self.pick("in the IANA registry only", "nur im IANA-Verzeichnis"),
            CodeStatus::Historic => self.pick("historic", "historisch"),
            CodeStatus::Folklore => {
                self.pick("told by articles, defined nowhere", "von Artikeln erzählt, nirgends festgelegt")
            }
            CodeStatus::Vendor => self.pick("used by single products", "von einzelnen Produkten verwendet"),
        }
    }

    pub(super) fn frequency(&self, frequency: Frequency) -> &'static str {
        match frequency {
            Frequency::Common => self.pick("very often", "üblich"),
            Frequency::Frequent => self.pick("often", "häufig"),
            Frequency::Rare => self.pick("seldom", "selten"),
        }
    }

    pub(super) fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::High => self.pick("high", "hoch"),
            Severity::Medium => self.pick("medium", "mittel"),
            Severity::Low => self.pick("low", "niedrig"),
        }
    }

    pub(super) fn after(&self, seconds: u32) -> String {
        let (number, unit) = match seconds {
            s if s % 3600 == 0 => (s / 3600, self.pick("h", "h")),
            s if s % 60 == 0 => (s / 60, self.pick("min", "min")),
            s => (s, "s"),
        };
        format!("{} {number} {unit}", self.pick("after", "nach"))
    }
}
