//! An overlay that changes is taken, whole or not at all, and without a restart.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{Folder, Process, eventually, reply_request};

const GOOD: &str = "[[phrase]]\nid = \"policy/test-partner\"\ncategory = \"policy\"\nany = [\"quuxified by partner\"]\n\
    weight = 0.95\nsource = \"observed\"\nexamples = [\"550 5.7.1 Quuxified by partner gateway\"]\n";

fn category(process: &Process) -> String {
    const REPLY: &str = "550 quuxified by partner";
    let answer = process.ask(&reply_request(REPLY, REPLY.len()));
    let verdict: Value = serde_json::from_str(&answer.body).unwrap();
    verdict["category"].as_str().unwrap().to_owned()
}

fn version(process: &Process) -> String {
    process.get("/livez").header("catalog-version").unwrap().to_owned()
}

#[test]
fn sighup_brings_a_new_overlay_and_a_broken_one_changes_nothing() {
    let folder = Folder::new("sighup");
    let process = Process::start(&["--catalog", folder.as_str()]);
    assert_ne!(category(&process), "policy");
    let before = version(&process);

    fs::write(folder.path("partner.toml"), GOOD).unwrap();
    process.signal(Signal::HUP);
    process.logs("a new catalogue is in force");
    process.logs("SIGHUP: reading the overlay");
    assert_eq!(category(&process), "policy");
    assert_ne!(version(&process), before);

    let broken = "# a comment\n[[phrase]]\nid = \"policy/broken\"\nwrong = 1\n";
    fs::write(folder.path("broken.toml"), broken).unwrap();
    process.signal(Signal::HUP);
    let fault = process.logs("a fault in the overlay");
    assert_eq!(fault["file"], "broken.toml");
    assert!(fault["line"].as_u64().is_some_and(|line| line >= 2) && fault["what"].is_string(), "{fault}");
    process.logs("the old catalogue stays in force");
    assert_eq!(category(&process), "policy");
    // The log tells it before it is counted.
    let text = eventually("refusal that is counted", || {
        let text = process.get("/metrics").body;
        text.contains("retoure_catalog_reloads_total{result=\"refused\"} 1\n").then_some(text)
    });
    assert!(text.contains("retoure_catalog_last_reload_successful 0\n"), "{text}");
}

#[test]
fn a_changed_overlay_is_taken_without_being_told() {
    let folder = Folder::new("changed");
    let process = Process::start(&["--catalog", folder.as_str()]);
    fs::write(folder.path("partner.toml"), GOOD).unwrap();
    eventually("new catalogue", || (category(&process) == "policy").then_some(()));
}

#[test]
fn sighup_without_an_overlay_does_no_harm() {
    let process = Process::start(&[]);
    process.signal(Signal::HUP);
    process.logs("SIGHUP: there is no overlay to read");
    assert_eq!(process.get("/livez").status, 200);
}
