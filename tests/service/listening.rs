//! Where it listens, what it refuses to, and how it is set up.

use std::{
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::{
            fs::PermissionsExt,
            net::{UnixDatagram, UnixListener},
        },
    },
    process::{Command, Stdio},
};

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{Answer, Folder, PATIENCE, Process, connect, connect_unix, output, reply_request, retoure};

const REPLY: &str = "550 5.1.1 User unknown";

/// Exit status and standard error of a server that does not start.
fn refused(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut all = vec!["serve"];
    all.extend(arguments);
    let output = output(&all, variables);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_unix_socket_answers_and_goes_with_the_process() {
    let folder = Folder::new("socket");
    let path = folder.path("retoure.sock");
    // One that a dead process has left behind.
    drop(UnixListener::bind(&path).unwrap());
    let address = format!("unix:{}", path.display());
    let serve = ["serve", "--listen", &address, "--socket-mode", "0640", "--drain-seconds", "0"];
    let process = Process::wait_for(retoure(&serve, &[]));
    assert_eq!(process.listens("address"), address);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    let answer = Answer::to(connect_unix(&path), &reply_request(REPLY, REPLY.len()));
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("mailbox_not_found"), "{answer:?}");

    let (code, told) = refused(&["--listen", &address], &[]);
    assert_eq!(code, Some(69), "{told}");
    assert!(told.contains("another process listens there"), "{told}");
    assert!(output(&["healthcheck"], &[("RETOURE_LISTEN", &address)]).status.success());

    process.signal(Signal::TERM);
    assert_eq!(process.left().0, Some(0));
    assert!(!path.exists());
}

#[test]
fn the_socket_of_a_successor_stays() {
    let folder = Folder::new("successor");
    let path = folder.path("retoure.sock");
    let serve = ["serve", "--listen", &format!("unix:{}", path.display()), "--drain-seconds", "0"];
    let process = Process::wait_for(retoure(&serve, &[]));
    std::fs::remove_file(&path).unwrap();
    let _successor = UnixListener::bind(&path).unwrap();
    process.signal(Signal::TERM);
    assert_eq!(process.left().0, Some(0));
    assert!(path.exists());
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = Folder::new("file");
    let path = folder.path("precious.txt");
    std::fs::write(&path, "precious").unwrap();
    let (code, told) = refused(&["--listen", &format!("unix:{}", path.display())], &[]);
    assert_eq!(code, Some(69), "{told}");
    assert!(told.contains("no socket; it is left alone, expected another path"), "{told}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_taken_port_is_said_to_be() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, told) = refused(&["--listen", &taken.local_addr().unwrap().to_string()], &[]);
    assert_eq!(code, Some(69), "{told}");
    assert!(told.contains("the port is taken; expected a free one"), "{told}");
}

#[test]
fn nobody_is_served_beyond_this_machine_without_a_key_or_a_word() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let (code, told) = refused(&["--listen", address], &[]);
        assert_eq!(code, Some(64), "{told}");
        assert!(
            told.contains("set --api-keys-file or RETOURE_API_KEY") && told.contains("--allow-anonymous"),
            "{told}"
        );
    }
    for variables in [[("RETOURE_ALLOW_ANONYMOUS", "true")], [("RETOURE_API_KEY", "a-key")]] {
        let process = Process::wait_for(retoure(&["serve", "--listen", "0.0.0.0:0"], &variables));
        let port = process.listens("address").replace("0.0.0.0", "127.0.0.1");
        let answer = Answer::to(connect(&port), "GET /livez HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn operators_may_have_an_address_of_their_own() {
    let process = Process::start(&["--admin-listen", "127.0.0.1:0"]);
    let admin = process.listens("admin_address");
    let get = |path: &str| {
        Answer::to(connect(&admin), &format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"))
    };
    assert_eq!((get("/livez").status, get("/readyz").status), (200, 200));
    let answer = get("/v1/codes/550");
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("this address is for operators"), "{answer:?}");
    let answer = process.get("/metrics");
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("an address of their own"), "{answer:?}");
    assert_eq!(process.get("/readyz").status, 200);
    assert!(output(&["healthcheck", &format!("http://{admin}/readyz")], &[]).status.success());
}

#[test]
fn a_socket_that_systemd_passes_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "LISTEN_PID=$$ exec \"$0\" serve --listen 127.0.0.1:1 3<&0", env!("CARGO_BIN_EXE_retoure")]);
    command.env_clear().env("LISTEN_FDS", "1").stdin(OwnedFd::from(listener));
    let process = Process::wait_for({
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    });
    assert_eq!(process.listens("address"), address);
    assert_eq!(process.get("/readyz").status, 200);
}

#[test]
fn systemd_is_told_how_it_goes() {
    let folder = Folder::new("notify");
    let path = folder.path("notify.sock");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--drain-seconds", "0"];
    let process = Process::wait_for(retoure(&serve, &[("NOTIFY_SOCKET", path.to_str().unwrap())]));
    let told = || {
        let mut bytes = [0; 64];
        let length = systemd.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    assert_eq!(told(), "READY=1");
    process.signal(Signal::TERM);
    assert_eq!(told(), "STOPPING=1");
}

#[test]
fn the_settings_in_force_are_printed_without_secrets() {
    let variables =
        [("RETOURE_API_KEY", "very-secret"), ("RETOURE_MAX_IN_FLIGHT", "7"), ("RETOURE_DRAIN_SECONDS", "8")];
    let output = output(&["serve", "--print-config", "--drain-seconds", "9"], &variables);
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains("very-secret"));
    let settings: Value = serde_json::from_str(&printed).unwrap();
    for (name, expected) in [
        ("listen", Value::from("127.0.0.1:8080")),
        ("max_in_flight", 7.into()),
        ("drain_seconds", 9.into()),
        ("socket_mode", "0660".into()),
        ("api_key", "(hidden)".into()),
        ("max_mail_bytes", 33_554_432.into()),
        ("rate_limit", Value::Null),
        ("access_log", "on".into()),
    ] {
        assert_eq!(settings[name], expected, "{name}");
    }
}

#[test]
fn every_bad_value_is_told_and_ends_with_64() {
    let folder = Folder::new("empty-keys");
    let empty = folder.path("keys");
    std::fs::write(&empty, "# none yet\n").unwrap();
    for (variable, value, words) in [
        ("RETOURE_LISTEN", "8080", "expected ADDRESS:PORT"),
        ("RETOURE_LISTEN", "unix:", "the path is missing"),
        ("RETOURE_ADMIN_LISTEN", "nowhere", "expected ADDRESS:PORT"),
        ("RETOURE_ADMIN_LISTEN", "127.0.0.1:8080", "is the same as --listen"),
        ("RETOURE_SOCKET_MODE", "rw", "expected an octal file mode"),
        ("RETOURE_ALLOW_ANONYMOUS", "perhaps", "expected true or false"),
        ("RETOURE_LOG", "=/=", "expected a level or a filter"),
        ("RETOURE_LOG_FORMAT", "xml", "possible values: auto, text, json"),
        ("RETOURE_MAX_IN_FLIGHT", "0", "0 is not in 1..=1000000"),
        ("RETOURE_REQUEST_SECONDS", "soon", "invalid digit"),
        ("RETOURE_MAX_MAIL_BYTES", "1073741824", "expected room for one mail"),
        ("RETOURE_API_KEY", "", "expected a key of 1 to 128"),
        ("RETOURE_API_KEY_FILE", "/nonexistent", "the keys cannot be read from /nonexistent"),
        ("RETOURE_API_KEYS_FILE", empty.to_str().unwrap(), "holds no key; expected one a line"),
        ("RETOURE_RATE_LIMIT", "0", "number would be zero"),
    ] {
        let (code, told) = refused(&["--print-config"], &[(variable, value)]);
        assert_eq!(code, Some(64), "{variable}={value}: {told}");
        assert!(told.contains(words), "{variable}={value}: {told}");
    }
}

#[test]
fn healthcheck_says_no_where_nobody_is_or_something_else() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let check = ["healthcheck", &address, "--timeout-seconds", "1"];
    assert_eq!(output(&check, &[]).status.code(), Some(1), "nobody answers in time");
    drop(silent);
    let output = output(&check, &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("{address} is not ready: nobody answers")), "{told}");
}
