"""Replicas of retoure behind HAProxy on loopback, and callers that count every answer.

What deploy/rolling-restart and tests/chaos/run have in common; only Python's own library and Debian's `haproxy` are needed. HAProxy
runs with deploy/haproxy/haproxy.cfg, with the addresses of this place put in.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Replies with the category that each must have, and a mail whose recipient must come back.
REPLIES = [
    ("550 5.1.1 <anna@example.org>: Recipient address rejected: User unknown", "mailbox_not_found"),
    ("452 4.2.2 Mailbox full", "mailbox_full"),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org", "ip_blocklisted"),
]
NDJSON_LINES = 200


def binary():
    """The binary under test: $RETOURE, else the release build, else the debug build."""
    named = os.environ.get("RETOURE")
    candidates = [Path(named)] if named else [ROOT / "target" / kind / "retoure" for kind in ("release", "debug")]
    for candidate in candidates:
        if candidate.is_file():
            return str(candidate)
    sys.exit(f"no binary at {' or '.join(map(str, candidates))}; run `cargo build --release` or set RETOURE")


def free_ports(count):
    """So many ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def ask(port, method, path, body=None, kind="text/plain", timeout=10):
    """Status and body of an answer, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, {"content-type": kind} if body is not None else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def is_ready(port):
    """Whether /readyz says so."""
    try:
        return ask(port, "GET", "/readyz", timeout=2)[0] == 200
    except OSError:
        return False


def until(what, condition, seconds=60):
    """Waits for `condition`, and ends the script where it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"after {seconds} seconds there is still not: {what}")
        time.sleep(0.02)


class Replica:
    """One server on a port that it keeps over restarts."""

    def __init__(self, port, *arguments, **variables):
        self.port, self.arguments, self.variables, self.process = port, arguments, variables, None

    def start(self):
        """Starts it; it is not ready yet."""
        command = [binary(), "serve", "--listen", f"127.0.0.1:{self.port}", "--access-log", "off", *self.arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RETOURE_")}
        environment |= {"RETOURE_DRAIN_SECONDS": "0", **self.variables}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    def ready(self):
        """Waits until it takes requests; gives the seconds that took."""
        began = time.monotonic()
        until(f"an answer from the replica on port {self.port}", lambda: is_ready(self.port))
        return time.monotonic() - began

    def end(self, how=signal.SIGTERM, patience=60):
        """Ends it, and gives its exit status."""
        self.process.send_signal(how)
        return self.process.wait(patience)

    def memory(self):
        """Resident memory in MiB, now and at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return [int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1]) / 1024 for name in ("VmRSS", "VmHWM")]

    def close(self):
        """Ends it where it still runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Balancer:
    """HAProxy before the replicas."""

    def __init__(self, folder, replicas):
        self.port, self.replicas, self.folder = free_ports(1)[0], replicas, Path(folder)
        self.process = None

    def start(self):
        """Starts it, and waits until it has found every replica."""
        haproxy = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not haproxy:
            sys.exit("haproxy is not installed; expected Debian's package of that name (apt-get install haproxy)")
        text = (ROOT / "deploy/haproxy/haproxy.cfg").read_text().split("\nresolvers ")[0]
        servers = "\n".join(f"  server r{r.port} 127.0.0.1:{r.port}" for r in self.replicas)
        text = re.sub(r"^  server-template .*$", servers, text, flags=re.M)
        text = text.replace("bind :8080", f"bind 127.0.0.1:{self.port}")
        text = text.replace("global\n", f"global\n  stats socket {self.folder}/haproxy.sock\n")
        path = self.folder / "haproxy.cfg"
        path.write_text(text)
        # It says what is wrong with its file on standard error, and otherwise only that replicas come and go.
        command = [haproxy, "-db", "-q", "-f", str(path)]
        with (self.folder / "haproxy.log").open("w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until("HAProxy and all replicas behind it", lambda: self.up() == len(self.replicas))

    def stats(self):
        """HAProxy's own figures, a dictionary for each server."""
        if self.process.poll() is not None:
            sys.exit("haproxy ended by itself:\n" + (self.folder / "haproxy.log").read_text())
        with socket.socket(socket.AF_UNIX) as control:
            try:
                control.connect(str(self.folder / "haproxy.sock"))
            except OSError:
                return []
            control.sendall(b"show stat\n")
            rows = [line.split(",") for line in control.makefile().read().strip().splitlines()]
        return [dict(zip(rows[0], row)) for row in rows[1:] if row[1].startswith("r")]

    def up(self):
        """How many replicas it sends requests to."""
        return sum(row["status"] == "UP" for row in self.stats())

    def close(self):
        """Ends it."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


class Load:
    """Callers that keep asking over connections that they keep, until they are told to stop; every answer is read and proved."""

    def __init__(self, port, callers=8, pause=0.005, with_streams=True, asks_again=False):
        self.port, self.pause, self.with_streams, self.asks_again = port, pause, with_streams, asks_again
        self.answered, self.again, self.wrong, self.slowest = 0, 0, {}, 0.0
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.call, args=(n,), daemon=True) for n in range(callers)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    @property
    def lost(self):
        """Requests that had no answer, or a wrong one."""
        return sum(self.wrong.values())

    def call(self, number):
        connection, at = None, number
        while not self.stopping.is_set():
            at += 1
            began = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                try:
                    fault = self.once(connection, at)
                except (http.client.RemoteDisconnected, ConnectionResetError):
                    # Closed without a word of an answer: what asks again then, as clients may, has its answer.
                    if not self.asks_again:
                        raise
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                    fault = self.once(connection, at)
                    with self.lock:
                        self.again += 1
            except (OSError, http.client.HTTPException) as error:
                fault, connection = f"{type(error).__name__}: {error}", None
            took = time.monotonic() - began
            with self.lock:
                self.slowest = max(self.slowest, took)
                if fault:
                    self.wrong[fault] = self.wrong.get(fault, 0) + 1
                else:
                    self.answered += 1
            self.stopping.wait(self.pause)

    def once(self, connection, at):
        """Asks once; gives what was wrong with the answer, or None."""
        reply, category = REPLIES[at % len(REPLIES)]
        if self.with_streams and at % 50 == 0:
            body = json.dumps({"reply": reply}) + "\n"
            path, kind, body = "/v1/classify/batch?fields=core", "application/x-ndjson", body * NDJSON_LINES
        else:
            path, kind, body = "/v1/classify/reply?fields=core", "text/plain", reply
        connection.request("POST", path, body, {"content-type": kind})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            return f"status {answer.status} for {path}"
        results = [json.loads(line) for line in text.splitlines()]
        found = [result.get("verdict", result).get("category") for result in results]
        expected = [category] * (NDJSON_LINES if "batch" in path else 1)
        return None if found == expected else f"another answer than expected from {path}"


@contextlib.contextmanager
def closing(*things):
    """Closes all of them, whatever happens."""
    try:
        yield
    finally:
        for thing in things:
            thing.close()
