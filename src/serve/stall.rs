//! How long a connection may stand still: one that sends no request, or leaves its answer unread, would hold a place for ever.
//!
//! Timers are set where something stands still, not for each request: to set one and take it back costs as much as reading a
//! request's head.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep, sleep_until},
};

/// What a connection does, as far as its time is concerned.
#[derive(Debug)]
pub(super) struct Progress {
    opened: Instant,
    was_asked: AtomicBool,
    is_busy: AtomicBool,
    /// When it was last busy or written to, in milliseconds since it was opened.
    last: AtomicU64,
}

impl Progress {
    pub(super) fn new() -> Arc<Self> {
        let (was_asked, is_busy) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { opened: Instant::now(), was_asked, is_busy, last: AtomicU64::new(0) })
    }

    /// A request has come; it is in work until what this gives is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.was_asked.store(true, Ordering::Relaxed);
        self.is_busy.store(true, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    fn note(&self) {
        self.last.store(self.opened.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// When the next request's head must have come; `None` while there is one in work.
    fn due(&self, header: Duration, idle: Duration) -> Option<Instant> {
        match () {
            () if self.is_busy.load(Ordering::Relaxed) => None,
            () if self.was_asked.load(Ordering::Relaxed) => {
                Some(self.opened + Duration::from_millis(self.last.load(Ordering::Relaxed)) + idle)
            }
            () => Some(self.opened + header),
        }
    }

    /// Returns when a request's head was waited for too long: the first for `header`, each further one for `idle`.
    pub(super) async fn too_long(&self, header: Duration, idle: Duration) {
        let mut due = self.opened + header.min(idle);
        loop {
            sleep_until(due).await;
            let now = Instant::now();
            match self.due(header, idle) {
                None => due = now + idle,
                Some(later) if later > now => due = later,
                Some(_) => return,
            }
        }
    }
}

/// A request is in work while this lives.
#[derive(Debug)]
pub(super) struct Busy(Arc<Progress>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.note();
        self.0.is_busy.store(false, Ordering::Relaxed);
    }
}

/// A connection that breaks off when nothing could be written for so long.
#[derive(Debug)]
pub(super) struct Unstalled<S> {
    stream: S,
    progress: Arc<Progress>,
    patience: Duration,
    /// Runs only while a write waits, so that the usual answer costs no timer.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Unstalled<S> {
    pub(super) fn new(stream: S, progress: Arc<Progress>, patience: Duration) -> Self {
        Self { stream, progress, patience, stalled: None }
    }

    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.progress.note();
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unstalled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unstalled<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_may_be_slow_but_not_stop() {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let mut ours = Unstalled::new(ours, Progress::new(), Duration::from_secs(60));
        let reader = tokio::spawn(async move {
            for _ in 0..4 {
                sleep(Duration::from_secs(50)).await;
                theirs.read_exact(&mut [0; 8]).await.unwrap();
            }
            theirs
        });
        ours.write_all(&[0; 40]).await.unwrap();
        let _unread = reader.await.unwrap();
        assert_eq!(ours.write_all(&[0; 8]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_may_be_busy_for_long_and_idle_for_a_while() {
        let (header, idle) = (Duration::from_secs(10), Duration::from_secs(75));
        let began = Instant::now();
        Progress::new().too_long(header, idle).await;
        assert_eq!(began.elapsed().as_secs(), 10, "nothing ever came");

        let (progress, began) = (Progress::new(), Instant::now());
        let requests = async {
            sleep(Duration::from_secs(9)).await;
            let busy = progress.begin();
            sleep(Duration::from_secs(200)).await;
            drop(busy);
            sleep(Duration::from_secs(70)).await;
            drop(progress.begin());
            sleep(Duration::from_secs(20)).await;
            // The last of an answer that is taken slowly.
            progress.note();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = requests => {}
            () = progress.too_long(header, idle) => {}
        }
        assert_eq!(began.elapsed().as_secs(), 9 + 200 + 70 + 20 + 75);

        let (progress, began) = (Progress::new(), Instant::now());
        drop(progress.begin());
        progress.too_long(header, Duration::from_secs(1)).await;
        assert_eq!(began.elapsed().as_secs(), 1, "the pause between requests may be the shorter one");
    }
}
