//! The binary, as a person runs it.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

fn retoure(arguments: &[&str], input: Option<&str>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_retoure"))
        .args(arguments)
        .env_remove("RETOURE_LANG")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that reads no input may be gone already.
    let _ = stdin.write_all(input.unwrap_or_default().as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// Standard output of a call that succeeds.
fn says(arguments: &[&str], input: Option<&str>) -> String {
    let output = retoure(arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Exit status and standard error of a call that fails.
fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    let output = retoure(arguments, None);
    assert!(output.stdout.is_empty(), "{arguments:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn classify_tells_people_what_a_reply_means() {
    let english = says(&["classify", "552 5.2.2 Mailbox full"], None);
    for words in ["Mailbox full", "soft: the address may well be good", "mailbox_full", "What to do", "Why we say so"] {
        assert!(english.contains(words), "{words:?} in\n{english}");
    }
    let german = says(&["classify", "--lang", "de", "552 5.2.2 Mailbox full"], None);
    for words in ["Postfach voll", "weich: die Adresse kann gut sein", "Was zu tun ist"] {
        assert!(german.contains(words), "{words:?} in\n{german}");
    }
    assert!(says(&["classify", "-"], Some("550 5.1.1 User unknown\n")).contains("hard: the address is dead"));
    assert!(says(&["classify"], Some("550 5.1.1 User unknown\n")).contains("mailbox_not_found"));
}

#[test]
fn classify_gives_programs_what_the_service_answers() {
    let json = says(
        &["classify", "--json", "--recipient", "anna@example.org", "--command", "rcpt to", "550 5.1.1 User unknown"],
        None,
    );
    let verdict: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(verdict["category"], "mailbox_not_found");
    assert_eq!(verdict["recipient"], "anna@example.org");
    assert_eq!(verdict["reply"]["command"], "RCPT TO");
}

#[test]
fn lookup_knows_codes_categories_and_words() {
    assert!(says(&["lookup", "5.7.26"], None).contains("DMARC"));
    assert!(says(&["lookup", "541", "--lang", "de"], None).contains("nirgends festgelegt"));
    assert!(says(&["lookup", "mailbox_full"], None).contains("this address only"));
    assert!(says(&["lookup", "postfach voll"], None).contains("5.2.2"));
    let json: serde_json::Value = serde_json::from_str(&says(&["lookup", "--json", "550"], None)).unwrap();
    assert_eq!(json["code"], "550");
}

#[test]
fn check_proves_the_catalogue_and_an_overlay() {
    assert!(says(&["check"], None).starts_with("the catalogue is sound: "));
    let folder = std::env::temp_dir().join(format!("retoure-check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("mine.toml"), "[[phrase]]\nid = 'x'\n").unwrap();
    let (code, told) = fails(&["check", folder.to_str().unwrap()]);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(code, Some(65));
    assert!(told.contains("mine.toml:1: missing field"), "{told}");
    assert!(fails(&["check", "/nonexistent"]).1.contains("cannot be read"));
}

#[test]
fn classify_explains_how_a_verdict_came_about() {
    let reply = "450 4.7.1 Greylisted, user unknown; try again in 5 minutes";
    let english = says(&["classify", "--explain", reply], None);
    for words in [
        "What settled it",
        "greylisted, user unknown; try again in 5 minutes\n  ^^^^^^^^",
        "wait/try-again, ",
        "What stayed silent, and why",
        "another word is missing",
        "(words alone ",
        "after 5 min",
    ] {
        assert!(english.contains(words), "{words:?} in\n{english}");
    }
    let german = says(&["classify", "--explain", "--lang", "de", "550 5.1.1 Blocked by policy"], None);
    for words in ["Was den Ausschlag gab", "Worte der Antwort haben entschieden, obwohl", "Was schwieg, und warum"] {
        assert!(german.contains(words), "{words:?} in\n{german}");
    }
    let soft = says(&["classify", "--explain", "450 4.1.1 User unknown"], None);
    assert!(soft.contains("The category is hard, and the verdict soft all the same"), "{soft}");
    let mail = says(&["classify", "--explain", "tests/reports/several_recipients.eml"], None);
    assert_eq!(mail.matches("What settled it").count(), 4, "{mail}");
}

#[test]
fn check_warns_of_rules_that_others_win_against() {
    let folder = std::env::temp_dir().join(format!("retoure-warn-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let rule = "[[phrase]]\nid = 'policy/mine'\ncategory = 'policy'\nany = ['user unknown', 'krawumm']\nweight = 0.3\n\
        source = 'observed'\nexamples = ['550 5.1.1 user unknown', '550 5.1.1 user unknown, sorry']\n\
        [[phrase]]\nid = 'policy/other'\ncategory = 'policy'\nany = ['KRAWUMM']\nweight = 0.9\n\
        source = 'observed'\nexamples = ['550 krawumm']\n\
        [[source]]\nid = 'hearsay'\ntitle = 'Hearsay'\n";
    std::fs::write(folder.join("mine.toml"), rule).unwrap();
    let path = folder.to_str().unwrap();
    let told = says(&["check", path], None);
    let (code, strict) = fails(&["check", "--strict", path]);
    std::fs::write(folder.join("mine.toml"), rule.replace("weight", "yields = true\nweight")).unwrap();
    let yielding = says(&["check", path], None);
    std::fs::remove_dir_all(&folder).unwrap();
    for words in [
        "warning: mine.toml:1: policy/mine: never wins: all its examples are decided otherwise, the first as mailbox_not_found by ",
        "warning: mine.toml:8: policy/other: \"krawumm\" stands under the same conditions in policy/mine (mine.toml:1)",
        "warning: mine.toml:15: source `hearsay` is cited nowhere",
    ] {
        assert!(told.contains(words), "{words:?} in\n{told}");
        assert!(strict.contains(words.trim_start_matches("warning: ")), "{words:?} in\n{strict}");
    }
    assert_eq!(code, Some(65));
    assert!(!yielding.contains("never wins"), "{yielding}");
    assert_eq!(says(&["check", "--strict"], None).lines().count(), 1);
}

#[test]
fn mistakes_are_explained() {
    for (arguments, code, words) in [
        (&["classify", " "][..], 65, "the reply is empty; expected what the server said"),
        (&["lookup", "599"][..], 65, "599 is not in the catalogue"),
        (&["lookup", "xyzzyplugh"][..], 65, "nothing was found"),
        (&["classify", "--command", "SEND", "550"][..], 64, "is not a command; expected one of \"CONNECT\""),
        (&["serve", "--listen", "nowhere"][..], 64, "invalid value 'nowhere' for '--listen"),
        (&["serve", "--catalog", "/nonexistent"][..], 65, "cannot be read"),
        (&["frobnicate"][..], 64, "unrecognized subcommand"),
    ] {
        let (status, told) = fails(arguments);
        assert_eq!(status, Some(code), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

#[test]
fn openapi_prints_the_specification() {
    let document: serde_json::Value = serde_json::from_str(&says(&["openapi"], None)).unwrap();
    assert_eq!(document["info"]["title"], "retoure");
}

/// The labelled replies and mails of this repository.
const LABELLED: &str = "tests/labelled";

#[test]
fn calibrate_measures_and_fits_reproducibly() {
    let page = says(&["calibrate", LABELLED], None);
    let figure = |name: &str| -> f64 {
        let line = page.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().parse().unwrap()
    };
    assert!(figure("calibration error") <= 0.05, "{page}");
    assert!(figure("false hard") <= 2.5, "{page}");
    assert!(figure("type right") >= 90.0, "{page}");

    let labelled = std::fs::read_to_string("tests/labelled/replies.jsonl").unwrap();
    let some: String = labelled.lines().step_by(8).map(|line| format!("{line}\n")).collect();
    let file = std::env::temp_dir().join(format!("retoure-labelled-{}.jsonl", std::process::id()));
    std::fs::write(&file, some).unwrap();
    let fit = || says(&["calibrate", "--fit", file.to_str().unwrap()], None);
    let (table, again) = (fit(), fit());
    std::fs::remove_file(&file).unwrap();
    assert!(table.contains("[[calibration]]\nid = \"confidence\"\nknots = [\n  ["), "{table}");
    assert_eq!(table, again);
    assert!(fails(&["calibrate", "README.md"]).1.contains("README.md:1: expected labels such as"));
    assert!(fails(&["calibrate", "src"]).1.contains("holds no replies.jsonl and no mails.jsonl"));
}
