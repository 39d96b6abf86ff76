//! A small client: keeps its connections, sends bytes that stand ready, and looks at no more of an answer than it must. It runs in one
//! thread, and what it costs is the same for every server that it asks.

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{LocalSet, spawn_local},
};

/// A request in full.
pub(crate) fn request(path: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// What came of a round.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// How long each answer took that was 200.
    pub(crate) times: Vec<Duration>,
    /// Answers that were not.
    pub(crate) refused: usize,
}

/// Asks one thing, and gives the body of the answer.
pub(crate) fn ask_once(address: &str, request: &[u8]) -> Vec<u8> {
    runtime().block_on(async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut buffer = Vec::new();
        let (status, body) = ask(&mut stream, request, &mut buffer).await.unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&buffer));
        buffer.split_off(body)
    })
}

/// So many connections, each asking again as soon as it has its answer, for `time`.
pub(crate) fn ask_for(time: Duration, address: &str, connections: usize, requests: &Rc<Vec<Vec<u8>>>) -> Round {
    let round = Rc::new(RefCell::new(Round::default()));
    LocalSet::new().block_on(&runtime(), async {
        let until = Instant::now() + time;
        let callers: Vec<_> = (0..connections)
            .map(|number| {
                let (round, address, requests) = (Rc::clone(&round), address.to_owned(), Rc::clone(requests));
                spawn_local(async move {
                    let mut stream = TcpStream::connect(&address).await.unwrap();
                    let mut buffer = Vec::with_capacity(64 << 10);
                    let from = number * requests.len() / connections;
                    for request in requests.iter().cycle().skip(from) {
                        let asked = Instant::now();
                        if asked >= until {
                            break;
                        }
                        let (status, _) = ask(&mut stream, request, &mut buffer).await.unwrap();
                        let mut round = round.borrow_mut();
                        if status == 200 { round.times.push(asked.elapsed()) } else { round.refused += 1 }
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
    });
    round.take()
}

/// Sends `pieces` as one stream and reads the answer meanwhile: how many bytes it has, and how many lines.
pub(crate) fn stream(address: &str, path: &str, pieces: Vec<Rc<Vec<u8>>>) -> (usize, usize) {
    LocalSet::new().block_on(&runtime(), async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let sender = spawn_local(async move {
            writer.write_all(head.as_bytes()).await.unwrap();
            for piece in pieces {
                writer.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
                writer.write_all(&piece).await.unwrap();
                writer.write_all(b"\r\n").await.unwrap();
            }
            writer.write_all(b"0\r\n\r\n").await.unwrap();
            // Kept until the answer is whole: a closed half might be taken for a client that hung up.
            writer
        });
        let mut buffer = vec![0; 256 << 10];
        let (mut bytes, mut lines) = (0, 0);
        let mut last = [0u8; 5];
        while last != *b"0\r\n\r\n" {
            let read = reader.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the answer broke off");
            let piece = &buffer[..read];
            if bytes == 0 {
                assert!(piece.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(piece));
            }
            bytes += read;
            // A result ends with `}` and a line feed, the frames around it with a carriage return before it.
            lines += memchr::memchr_iter(b'\n', piece)
                .filter(|at| at.checked_sub(1).map_or(last[4], |before| piece[before]) == b'}')
                .count();
            for byte in &piece[read.saturating_sub(5)..] {
                last.rotate_left(1);
                last[4] = *byte;
            }
        }
        drop(sender.await.unwrap());
        (bytes, lines)
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Sends a request and reads its answer into `buffer`: the status, and where the body begins.
async fn ask(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> io::Result<(u16, usize)> {
    stream.write_all(request).await?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") else { continue };
        let head = &buffer[..end];
        let length = memchr::memmem::find(head, b"content-length: ").map_or(0, |at| {
            head[at + 16..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
        });
        while buffer.len() < end + 4 + length {
            if stream.read_buf(buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = String::from_utf8_lossy(&buffer[9..12]).parse().unwrap_or_default();
        return Ok((status, end + 4));
    }
}
