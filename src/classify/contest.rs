//! Rules against each other: an example of one that another wins. Such a rule is too weak, its example belongs elsewhere, or
//! the other rule takes too much.

use super::weigh::{Evidence, weigh};
use crate::{
    catalog::{Catalog, Fault, KeptRule},
    smtp::Reply,
};

/// What each rule's examples come to, where that is another category than the rule's.
pub fn contested(catalog: &Catalog, rules: &[KeptRule]) -> Vec<Fault> {
    rules.iter().filter(|rule| !rule.yields).flat_map(|rule| contested_rule(catalog, rule)).collect()
}

fn contested_rule(catalog: &Catalog, rule: &KeptRule) -> Vec<Fault> {
    let fault = |what: String| Fault { file: rule.file.clone(), line: rule.line, what: format!("{}: {what}", rule.id) };
    let lost: Vec<(&String, String)> =
        rule.examples.iter().filter_map(|example| Some((example, winner(catalog, rule, example)?))).collect();
    if let [(_, by), ..] = lost.as_slice()
        && lost.len() == rule.examples.len()
        && lost.len() > 1
    {
        return vec![fault(format!("never wins: all its examples are decided otherwise, the first as {by}"))];
    }
    lost.iter().map(|(example, by)| fault(format!("its example {example:?} is decided as {by}"))).collect()
}

/// What decides an example, where that is not the rule's category.
fn winner(catalog: &Catalog, rule: &KeptRule, example: &str) -> Option<String> {
    let reply = Reply::parse(example);
    // An example is proven as if the rule's own conditions on command and provider were met.
    let phrase = catalog.phrases().iter().find(|phrase| phrase.id == rule.id)?;
    let provider = rule.provider.as_deref().and_then(|id| catalog.provider_named(id));
    let host = provider.and_then(|(_, provider)| provider.hosts.first()).map(String::as_str);
    let evidence = Evidence {
        command: reply.command.or(phrase.first_command()),
        remote_host: reply.remote_host.as_deref().or(host),
        ..Evidence::of(&reply)
    };
    let decision = weigh(catalog, &evidence);
    let category = decision.category.map(|id| catalog.category(id).id.as_str());
    if category == Some(rule.category.as_str()) {
        return None;
    }
    let (_, speaker) = decision.settled_by(catalog);
    let by = speaker.map(|rule| format!(" by {rule}")).unwrap_or_default();
    Some(format!("{}{by}", category.unwrap_or("no failure")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Keeping;

    #[test]
    fn no_example_of_the_built_in_catalogue_is_taken_by_another_rule() {
        let catalog = Catalog::built_in().unwrap();
        let contested = contested(&catalog, &Keeping::read(None).unwrap().rules);
        let told: Vec<String> = contested.iter().map(ToString::to_string).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }
}
