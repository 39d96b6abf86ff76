//! Keys: who is let in, and how they are changed.

use rustix::process::Signal;

use crate::process::{Answer, Folder, Process, eventually};

fn get(process: &Process, path: &str, field: &str) -> Answer {
    process.ask(&format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{field}\r\n"))
}

fn start(file: &std::path::Path) -> Process {
    Process::start(&["--api-keys-file", file.to_str().unwrap()])
}

#[test]
fn a_key_opens_and_without_one_only_what_tells_nothing_is_open() {
    let folder = Folder::new("keys");
    let file = folder.path("keys");
    std::fs::write(&file, "# the newsletter's\nnewsletter first-key\nsecond-key\n").unwrap();
    let process = start(&file);
    for (field, status) in [
        ("authorization: Bearer first-key\r\n", 200),
        ("authorization: bearer second-key\r\n", 200),
        ("x-api-key: second-key\r\n", 200),
        ("authorization: Bearer first-ke\r\n", 401),
        ("authorization: Bearer newsletter\r\n", 401),
        ("x-api-key: \r\n", 401),
        ("", 401),
    ] {
        assert_eq!(get(&process, "/v1/codes/550", field).status, status, "{field}");
    }
    for (path, status) in [
        ("/livez", 200),
        ("/readyz", 200),
        ("/openapi.json", 200),
        ("/docs/", 200),
        ("/", 307),
        ("/metrics", 401),
        ("/v1/categories", 401),
        ("/v1/classify/reply", 401),
        ("/nowhere", 401),
    ] {
        assert_eq!(get(&process, path, "").status, status, "{path}");
    }
    let missing = get(&process, "/v1/codes/550", "");
    assert_eq!(missing.header("www-authenticate"), Some("bearer realm=\"retoure\""));
    assert_eq!(missing.header("content-type"), Some("application/problem+json"));
    let wrong = get(&process, "/v1/codes/550", "x-api-key: anna@example.org\r\n");
    assert!(wrong.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    assert!(!wrong.body.contains("anna"), "{wrong:?}");
    process.signal(Signal::TERM);
    process.signal(Signal::INT);
    let (_, log) = process.left();
    assert!(log.contains("newsletter") && !log.contains("first-key"), "{log}");
}

#[test]
fn keys_are_changed_without_a_restart_and_a_broken_file_changes_nothing() {
    let folder = Folder::new("rotation");
    let file = folder.path("keys");
    std::fs::write(&file, "old-key\n").unwrap();
    let process = start(&file);
    let status = |key: &str| get(&process, "/v1/codes/550", &format!("x-api-key: {key}\r\n")).status;
    assert_eq!((status("old-key"), status("new-key")), (200, 401));

    std::fs::write(&file, "old-key\nnew-key\n").unwrap();
    process.signal(Signal::HUP);
    eventually("new key", || (status("new-key") == 200).then_some(()));
    assert_eq!(status("old-key"), 200, "both hold");

    std::fs::write(&file, "too many words\n").unwrap();
    process.signal(Signal::HUP);
    process.logs("the keys from before stay in force");
    assert_eq!((status("old-key"), status("new-key")), (200, 200));

    // A file put in its place is noticed without a signal.
    let next = folder.path("next");
    std::fs::write(&next, "new-key\n").unwrap();
    std::fs::rename(&next, &file).unwrap();
    eventually("end of the old key", || (status("old-key") == 401).then_some(()));
    assert_eq!(status("new-key"), 200);
}
