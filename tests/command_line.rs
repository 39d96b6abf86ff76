//! The binary, as a person runs it.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use retoure::{
    catalog::Catalog,
    http::{AppState, app},
    limits::Limits,
};
use tower::ServiceExt;

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

/// A folder for one test, taken away with it.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("retoure-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const MAIL: &str =
    "From: MAILER-DAEMON@mx.example.com\nSubject: failure notice\n\n<anna@example.org>:\n550 5.1.1 User unknown\n";

const ITEMS: &str = "{\"id\":\"a\",\"reply\":\"550 5.1.1 User unknown\",\"recipient\":\"anna@example.org\"}\n\n\
    {\"id\":\"b\",\"replyy\":\"550\"}\nnonsense\n{\"id\":3,\"message\":\"From: MAILER-DAEMON@mx.example.com\\r\\nSubject: \
    failure notice\\r\\n\\r\\n<anna@example.org>:\\r\\n550 5.1.1 User unknown\\r\\n\"}\n{\"reply\":\"452 4.2.2 Full\"}";

/// What the service answers to the same.
async fn served(content_type: &str, body: &str) -> String {
    let state = AppState::new(Catalog::built_in().unwrap(), Limits::default());
    let request = Request::post("/v1/classify/batch").header("content-type", content_type);
    let answer = app(state).oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn many_items_are_answered_as_by_the_service() {
    let output = retoure(&["classify", "--ndjson"], Some(ITEMS));
    assert_eq!(output.status.code(), Some(65), "two items are wrong");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), served("application/x-ndjson", ITEMS).await);
    let told = String::from_utf8(output.stderr).unwrap();
    for words in [
        "Summary",
        "Items             5",
        "Problems          2",
        "Hard bounce rate  40.00 %",
        "Mailbox is full (mailbox_full)",
    ] {
        assert!(told.contains(words), "{words:?} in\n{told}");
    }
    let mailbox =
        format!("From MAILER-DAEMON Mon Nov 23 07:12:45 2026\n{MAIL}\nFrom - Mon Nov 23 07:12:46 2026\n{MAIL}\n");
    let folder = Folder::new("mbox");
    let file = folder.write("bounces", &mailbox);
    assert_eq!(says(&["classify", "--json", &file], None), served("application/mbox", &mailbox).await);
    assert_eq!(says(&["classify", "--json", "--mbox"], Some(&mailbox)), served("application/mbox", &mailbox).await);
}

#[test]
fn several_files_are_one_batch() {
    let folder = Folder::new("files");
    let files =
        [folder.write("a", "{\"reply\":\"550\"}\n{\"reply\":\"551\"}"), folder.write("b", "{\"reply\":\"552\"}\n")];
    let told = says(&["classify", "--ndjson", "--fields", "core", &files[0], &files[1]], None);
    let codes: Vec<(u64, u64)> = told
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|result| (result["index"].as_u64().unwrap(), result["verdict"]["reply"]["code"].as_u64().unwrap()))
        .collect();
    assert_eq!(codes, [(0, 550), (1, 551), (2, 552)]);
}

#[test]
fn mailboxes_and_folders_are_told_to_people_line_by_line() {
    let folder = Folder::new("maildir");
    folder.write("new/1", MAIL);
    folder.write("cur/2:2,S", &MAIL.replace("550 5.1.1 User unknown", "552 5.2.2 Mailbox full"));
    folder.write("tmp/3", MAIL);
    let told = says(&["classify", folder.path()], None);
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("soft   mailbox_full           anna@example.org"), "{told}");
    assert!(lines[1].starts_with("hard   mailbox_not_found      anna@example.org"), "{told}");
    assert!(told.contains("Items             2"), "what is in tmp is not delivered yet\n{told}");
    let json = says(&["classify", "--json", folder.path()], None);
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert!(first["id"].as_str().unwrap().ends_with("cur/2:2,S"), "{first}");
    let several =
        says(&["classify", "--json", &format!("{}/new/1", folder.path()), &format!("{}/tmp/3", folder.path())], None);
    assert!(several.lines().count() == 2 && several.contains("\"index\":1,\"report\""), "{several}");
    let summary = says(&["classify", "--summary", "--lang", "de", folder.path()], None);
    assert!(summary.contains("Anteil harter Bounces") && !summary.contains("anna"), "{summary}");
    let json = says(&["classify", "--summary", "--json", folder.path()], None);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["items"], 2);
}

#[test]
fn who_stops_reading_stops_the_work_without_complaint() {
    let items = "{\"reply\":\"550 5.1.1 User unknown\"}\n".repeat(50_000);
    let folder = Folder::new("pipe");
    let file = folder.write("items", &items);
    let mut child = Command::new(env!("CARGO_BIN_EXE_retoure"))
        .args(["classify", "--ndjson", &file])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert!(line.starts_with("{\"id\":null,\"index\":0,"));
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!told.contains("retoure:") && told.contains("Items") && !told.contains("50000"), "{told}");
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
        (&["classify", "--ndjson", "/nonexistent"][..], 65, "/nonexistent cannot be opened"),
        (&["classify", "--ndjson", "--mbox"][..], 64, "cannot be used with"),
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
