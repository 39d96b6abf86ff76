//! A batch while it runs: items come in, results go out in the same order, and between them every core works.
//!
//! One task stands between the two. It reads no more while as much as is good is being worked on, and takes no result before
//! the one before it was taken: a client that stops reading stops the work, and one that hangs up ends it. Nothing bounds the
//! whole time of a stream, but none may stand still for longer than [`Limits::stream_idle_time`].

use std::{
    collections::VecDeque,
    future::{pending, poll_fn},
    io, mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};

use super::{body, gate, memory::Reserved};
use crate::batch::{
    self, CHUNK_BYTES, Chunk, Cutter, Fault, FaultKind, Finished, Id, Outcome, ResultLine, Summary, Wanted,
};
#[cfg(doc)]
use crate::limits::Limits;

/// While so much is being worked on, nothing more is read.
const MOST_BYTES_AT_WORK: usize = 8 << 20;

/// Where the chunks come from.
#[derive(Debug)]
pub(super) enum Source {
    /// A body that is read as it comes.
    Stream(Body, Cutter),
    /// All is here.
    Ready(VecDeque<Chunk>),
}

/// How the results are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One a line; with the summary as one more if it is wanted.
    Lines {
        /// Whether it is.
        summary: bool,
    },
    /// One JSON document, with the summary.
    Document,
}

impl Shape {
    fn write(self, result: &ResultLine<'_>, out: &mut Vec<u8>) {
        if self == Self::Document && result.index > 0 {
            out.push(b',');
        }
        result.append_json(out);
        if self != Self::Document {
            out.push(b'\n');
        }
    }
}

/// Starts a batch and gives the body of its answer. `workers` bounds what all batches together keep the cores busy with, `room` is
/// what this one holds.
pub(super) fn start(source: Source, wanted: Wanted, shape: Shape, workers: Arc<Semaphore>, room: Reserved) -> Body {
    let (results, receiver) = mpsc::channel(1);
    let is_whole = Arc::new(AtomicBool::new(false));
    let body = Results { receiver, is_whole: is_whole.clone() };
    let pump = Pump {
        is_read: matches!(source, Source::Ready(_)),
        source,
        wanted: Arc::new(wanted),
        shape,
        workers,
        at_work: VecDeque::new(),
        room,
        results,
        summary: Summary::default(),
        fault: None,
    };
    tokio::spawn(pump.run(is_whole));
    Body::new(body)
}

/// The body of the answer. What ends early must not look as if it were whole: the connection is then broken off.
struct Results {
    receiver: mpsc::Receiver<Bytes>,
    is_whole: Arc<AtomicBool>,
}

impl HttpBody for Results {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match ready!(self.receiver.poll_recv(context)) {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if self.is_whole.load(Ordering::Acquire) => Poll::Ready(None),
            None => Poll::Ready(Some(Err(io::Error::other("the batch was ended early")))),
        }
    }
}

/// A chunk that is being worked on, or waits for a core; none comes of it if that panics. Nobody works for a client that is gone.
struct AtWork {
    handle: JoinHandle<Option<Finished>>,
    bytes: usize,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

/// Why a batch ended before its end.
#[derive(Clone, Copy, Debug)]
enum Ended {
    /// Nobody takes the results any more.
    Gone,
    /// For too long nobody took one.
    Idle,
    /// A fault of ours.
    Failed,
}

/// What a batch waits for.
enum Event {
    Finished(Option<Finished>),
    Came(Option<Result<Frame<Bytes>, axum::Error>>),
    Nothing,
    Gone,
}

struct Pump {
    source: Source,
    wanted: Arc<Wanted>,
    shape: Shape,
    workers: Arc<Semaphore>,
    at_work: VecDeque<AtWork>,
    /// For what was read, until its results are on their way.
    room: Reserved,
    results: mpsc::Sender<Bytes>,
    summary: Summary,
    /// Whether nothing more will come.
    is_read: bool,
    /// Why nothing more will come, if it was not the end.
    fault: Option<Fault>,
}

impl Pump {
    async fn run(mut self, is_whole: Arc<AtomicBool>) {
        let started = Instant::now();
        let ended = match self.all().await {
            Ok(()) if self.fault.is_none() => "finished",
            Ok(()) => "broken",
            Err(Ended::Gone) => "client_gone",
            Err(Ended::Idle) => "client_idle",
            Err(Ended::Failed) => "failed",
        };
        is_whole.store(matches!(ended, "finished" | "broken"), Ordering::Release);
        tracing::info!(
            items = self.summary.items,
            problems = self.summary.problems,
            duration_ms = started.elapsed().as_secs_f64() * 1000.0,
            ended,
            "batch ended"
        );
    }

    async fn all(&mut self) -> Result<(), Ended> {
        if self.shape == Shape::Document {
            self.send(b"{\"results\":[".to_vec()).await?;
        }
        loop {
            self.hand_out();
            let may_read = self.may_read();
            if self.is_read && self.at_work.is_empty() {
                break;
            }
            match self.next_event(may_read).await {
                Event::Finished(finished) => {
                    self.at_work.pop_front();
                    let finished = finished.ok_or(Ended::Failed)?;
                    self.summary.add(&finished.summary);
                    self.send(finished.out).await?;
                }
                Event::Came(frame) => {
                    self.take_in(frame);
                    self.take_what_is_there().await;
                }
                Event::Nothing => {
                    let seconds = self.wanted.limits.stream_idle_time.as_secs();
                    let detail =
                        format!("nothing came for {seconds} seconds; expected items, or blank lines meanwhile");
                    self.fault = Some(Fault::new(FaultKind::TooSlow, detail));
                    self.is_read = true;
                }
                Event::Gone => return Err(Ended::Gone),
            }
        }
        let end = self.end();
        self.send(end).await?;
        if self.fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::Overload) {
            // The client is writing still, and would see a broken pipe instead of what it was just told.
            let source = mem::replace(&mut self.source, Source::Ready(VecDeque::new()));
            self.room.resize_to(0);
            if let Source::Stream(body, _) = source {
                gate::throw_away(body).await;
            }
        }
        Ok(())
    }

    /// What is said after the last item.
    fn end(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let summary = serde_json::to_string(&self.summary).unwrap_or_default();
        match (&self.fault, self.shape) {
            (Some(fault), _) => {
                let index = if let Source::Stream(_, cutter) = &self.source { cutter.next_index() } else { 0 };
                self.shape.write(&ResultLine { id: Id::None, index, outcome: Outcome::Problem(fault) }, &mut out);
            }
            (None, Shape::Document) => out.extend_from_slice(format!("],\"summary\":{summary}}}").as_bytes()),
            (None, Shape::Lines { summary: true }) => {
                out.extend_from_slice(format!("{{\"summary\":{summary}}}\n").as_bytes());
            }
            (None, Shape::Lines { summary: false }) => {}
        }
        out
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Ended> {
        if bytes.is_empty() {
            return Ok(());
        }
        match timeout(self.wanted.limits.stream_idle_time, self.results.send(bytes.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ended::Gone),
            Err(_) => Err(Ended::Idle),
        }
    }

    /// Puts chunks to work. What is at hand goes at once where a core would else be idle; otherwise only what is worth one, so
    /// that a lone line is answered without delay and a million are not handed out one by one.
    fn hand_out(&mut self) {
        let cores = batch::cores();
        while self.at_work.len() < cores + 2 {
            let least = if self.is_read || self.at_work.len() < cores { 0 } else { CHUNK_BYTES };
            let chunk = match &mut self.source {
                Source::Stream(_, cutter) => cutter.take(least),
                Source::Ready(chunks) => chunks.pop_front(),
            };
            let Some(chunk) = chunk else { break };
            let (workers, wanted, shape) = (self.workers.clone(), self.wanted.clone(), self.shape);
            let bytes = chunk.len();
            // A task of its own waits for a core: one that was granted a core is sure to use it, whoever reads this batch.
            let handle = tokio::spawn(async move {
                let permit = workers.acquire_owned().await.ok()?;
                let work = move || {
                    let finished = wanted.classifier().run(&chunk, &|result, out| shape.write(result, out));
                    drop(permit);
                    finished
                };
                spawn_blocking(work).await.ok()
            });
            self.at_work.push_back(AtWork { handle, bytes });
        }
    }

    /// Whether more is read now. Where there is no room for more, what is at work makes some; if nothing is, it is the end.
    fn may_read(&mut self) -> bool {
        if self.is_read || self.at_work.len() >= batch::cores() + 2 || self.bytes_at_work() >= MOST_BYTES_AT_WORK {
            return false;
        }
        let is_room = self.is_room();
        if !is_room && self.at_work.is_empty() {
            let detail = "there is no room for a line as long as this now; expected it again a little later";
            self.fault = Some(Fault::new(FaultKind::Overload, detail));
            self.is_read = true;
        }
        is_room
    }

    /// Whether there is room for all that is held.
    fn is_room(&mut self) -> bool {
        let bytes_at_work = self.bytes_at_work();
        match &self.source {
            Source::Stream(_, cutter) => self.room.resize_to(bytes_at_work + cutter.held()),
            Source::Ready(_) => true,
        }
    }

    fn bytes_at_work(&self) -> usize {
        self.at_work.iter().map(|chunk| chunk.bytes).sum()
    }

    async fn next_event(&mut self, may_read: bool) -> Event {
        let (at_work, source) = (&mut self.at_work, &mut self.source);
        let finished = async {
            match at_work.front_mut() {
                Some(first) => (&mut first.handle).await.ok().flatten(),
                None => pending().await,
            }
        };
        let frame = async {
            match source {
                Source::Stream(body, _) => body.frame().await,
                Source::Ready(_) => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.results.closed() => Event::Gone,
            finished = finished => Event::Finished(finished),
            frame = timeout(self.wanted.limits.stream_idle_time, frame), if may_read => match frame {
                Ok(frame) => Event::Came(frame),
                Err(_) => Event::Nothing,
            },
        }
    }

    /// Takes what came in: bytes, the end, or that there will be none.
    fn take_in(&mut self, frame: Option<Result<Frame<Bytes>, axum::Error>>) {
        let Source::Stream(_, cutter) = &mut self.source else { return };
        match frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    cutter.push(data);
                }
            }
            Some(Err(error)) => {
                self.fault = Some(body::broken(&error));
                self.is_read = true;
            }
            None => {
                cutter.finish();
                self.is_read = true;
            }
        }
    }

    /// Takes what is there already, without waiting for more.
    async fn take_what_is_there(&mut self) {
        let enough = CHUNK_BYTES * batch::cores();
        while !self.is_read && self.is_room() {
            let Source::Stream(body, cutter) = &mut self.source else { return };
            if cutter.waiting() >= enough {
                return;
            }
            match poll_fn(|context| Poll::Ready(Pin::new(&mut *body).poll_frame(context))).await {
                Poll::Ready(frame) => self.take_in(frame),
                Poll::Pending => return,
            }
        }
    }
}
