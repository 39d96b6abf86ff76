//! Many inputs at once on the command line: NDJSON, mailboxes, folders of mails. Read in one thread, worked on by as many as
//! there are cores, written in their order by another: what is in memory stays bounded, and who stops reading stops the work.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use anyhow::{Context, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::batch::{
    self, CHUNK_BYTES, Chunk, Classifier, Cutter, Fault, FaultKind, Finished, Form, ResultLine, Summary,
};

/// Mails that are handed to a core at once.
const MAILS_AT_ONCE: usize = 32;

/// How a result is written.
pub(super) type Write1<'a> = &'a (dyn Fn(&ResultLine<'_>, &mut Vec<u8>) + Sync);

/// Something that holds many items.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Standard input, of this form.
    Standard(Form),
    /// A file of this form.
    File(PathBuf, Form),
    /// Files of one mail each.
    Mails(Vec<PathBuf>),
}

impl Input {
    /// What is at `path`: a folder of mails, or a file of this form.
    ///
    /// # Errors
    /// When nothing is there, or the folder cannot be read.
    pub(super) fn at(path: &Path, form: Form) -> anyhow::Result<Self> {
        let is_folder = fs::metadata(path).with_context(|| format!("{} cannot be opened", path.display()))?.is_dir();
        if !is_folder {
            return Ok(Self::File(path.to_owned(), form));
        }
        // A Maildir keeps what was delivered in `new` and what was seen in `cur`; `tmp` is not delivered yet.
        let parts: Vec<PathBuf> =
            ["new", "cur"].map(|part| path.join(part)).into_iter().filter(|p| p.is_dir()).collect();
        let folders = if parts.is_empty() { vec![path.to_owned()] } else { parts };
        let mut mails = Vec::new();
        for folder in folders {
            let entries = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
            for entry in entries {
                let path = entry.with_context(|| format!("{} cannot be read", folder.display()))?.path();
                let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                if path.is_file() && !is_hidden {
                    mails.push(path);
                }
            }
        }
        if mails.is_empty() {
            bail!("{} holds no mail; expected a Maildir, or a folder with a mail in each file", path.display());
        }
        // A folder lists its files in any order; answers come in one.
        mails.sort();
        Ok(Self::Mails(mails))
    }

    /// What a person names by `path` without saying more, if it is a mailbox.
    pub(super) fn mailbox_at(path: &Path) -> anyhow::Result<Option<Self>> {
        if path.is_dir() {
            return Self::at(path, Form::Mail).map(Some);
        }
        let mut start = [0; 5];
        let begins = File::open(path).and_then(|mut file| file.read_exact(&mut start));
        Ok((begins.is_ok() && &start == b"From ").then(|| Self::File(path.to_owned(), Form::Mbox)))
    }

    /// One of several paths that a person names: a mailbox, or the file of a mail.
    ///
    /// # Errors
    /// When it is a folder that cannot be read.
    pub(super) fn of_mails(path: &Path) -> anyhow::Result<Self> {
        Ok(Self::mailbox_at(path)?.unwrap_or_else(|| Self::Mails(vec![path.to_owned()])))
    }

    fn bytes(&self) -> Option<u64> {
        let size = |path: &PathBuf| fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len());
        match self {
            Self::Standard(_) => None,
            Self::File(path, _) => size(path),
            Self::Mails(paths) => Some(paths.iter().filter_map(size).sum()),
        }
    }
}

/// What a core does next, and where its results go.
type Task = (Job, SyncSender<Finished>);

enum Job {
    Chunk(Chunk),
    Mails(Vec<PathBuf>, u64),
}

impl Job {
    fn run(&self, classifier: &Classifier<'_>, write: Write1<'_>) -> Finished {
        match self {
            Self::Chunk(chunk) => classifier.run(chunk, write),
            Self::Mails(paths, first_index) => {
                let mut finished = Finished::default();
                for (index, path) in (*first_index..).zip(paths) {
                    let mail = read_mail(path, classifier.limits.mail_bytes);
                    let mail = mail.as_deref().map_err(|error| {
                        Fault::new(FaultKind::Malformed, format!("the file cannot be read: {}", error.kind()))
                    });
                    classifier.run_mail(mail, &path.to_string_lossy(), index, &mut finished, write);
                }
                finished
            }
        }
    }
}

/// One byte over the bound is read, so that it is known to be over.
fn read_mail(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut mail = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut mail)?;
    Ok(mail)
}

/// Classifies all of `inputs`, writes what `write` makes of the results to standard output, and tells what they come to.
///
/// # Errors
/// When an input cannot be read or standard output cannot be written.
pub(super) fn run(inputs: &[Input], classifier: &Classifier<'_>, write: Write1<'_>) -> anyhow::Result<Summary> {
    let cores = batch::cores();
    let (tasks, waiting) = sync_channel::<Task>(cores);
    let waiting = Mutex::new(waiting);
    let (order, results) = sync_channel::<Receiver<Finished>>(cores * 2);
    let progress = progress(inputs);
    let summary = thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| work(&waiting, classifier, write));
        }
        let writer = scope.spawn(move || write_out(&results));
        let mut feed = Feed { tasks, order, progress: &progress, next_index: 0 };
        let fed = inputs.iter().try_for_each(|input| feed.input(input, classifier));
        drop(feed);
        let written = writer.join().map_err(|_| anyhow!("writing the results failed; the fault is ours"))?;
        match fed {
            Err(Stop::Error(error)) => Err(error),
            // Nobody takes any more; why, the writer knows.
            Ok(()) | Err(Stop::Gone) => written,
        }
    });
    progress.finish_and_clear();
    summary
}

fn work(waiting: &Mutex<Receiver<Task>>, classifier: &Classifier<'_>, write: Write1<'_>) {
    loop {
        let task = waiting.lock().ok().and_then(|waiting| waiting.recv().ok());
        let Some((job, done)) = task else { return };
        // The writer may have gone.
        let _ = done.send(job.run(classifier, write));
    }
}

/// Writes results in the order in which their jobs were given. A reader that has gone, as `head` does, is no error.
fn write_out(results: &Receiver<Receiver<Finished>>) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    let mut out = io::stdout().lock();
    for result in results {
        let Ok(finished) = result.recv() else {
            bail!("a part of the input could not be worked on; the fault is ours")
        };
        summary.add(&finished.summary);
        match out.write_all(&finished.out).and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(error).context("standard output cannot be written"),
        }
    }
    Ok(summary)
}

/// Why no more is read.
enum Stop {
    Gone,
    Error(anyhow::Error),
}

/// Gives out jobs, and promises their results to the writer in the same order.
struct Feed<'a> {
    tasks: SyncSender<Task>,
    order: SyncSender<Receiver<Finished>>,
    progress: &'a ProgressBar,
    next_index: u64,
}

impl Feed<'_> {
    fn input(&mut self, input: &Input, classifier: &Classifier<'_>) -> Result<(), Stop> {
        match input {
            Input::Standard(form) => self.read(io::stdin().lock(), "standard input", *form, classifier),
            Input::File(path, form) => {
                let name = path.display().to_string();
                let file = File::open(path).with_context(|| format!("{name} cannot be opened")).map_err(Stop::Error)?;
                self.read(file, &name, *form, classifier)
            }
            Input::Mails(paths) => paths.chunks(MAILS_AT_ONCE).try_for_each(|mails| {
                let bytes: u64 = mails.iter().filter_map(|path| Some(fs::metadata(path).ok()?.len())).sum();
                let first_index = self.next_index;
                self.next_index += mails.len() as u64;
                self.give(Job::Mails(mails.to_vec(), first_index), bytes)
            }),
        }
    }

    fn read(&mut self, mut input: impl Read, name: &str, form: Form, classifier: &Classifier<'_>) -> Result<(), Stop> {
        let mut cutter = Cutter::new(form, classifier.limits).from_index(self.next_index);
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let read = match input.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Stop::Error(anyhow!(error).context(format!("{name} cannot be read")))),
            };
            cutter.push(&buffer[..read]);
            if read == 0 {
                cutter.finish();
            }
            // What is there is worked on: from a pipe, nobody knows when more will come.
            while let Some(chunk) = cutter.take(0) {
                let bytes = chunk.len() as u64;
                self.give(Job::Chunk(chunk), bytes)?;
            }
            if read == 0 {
                self.next_index = cutter.next_index();
                return Ok(());
            }
        }
    }

    fn give(&mut self, job: Job, bytes: u64) -> Result<(), Stop> {
        let (done, result) = sync_channel(1);
        self.order.send(result).map_err(|_| Stop::Gone)?;
        self.tasks.send((job, done)).map_err(|_| Stop::Gone)?;
        self.progress.inc(bytes);
        Ok(())
    }
}

/// On a terminal, a bar on standard error; elsewhere nothing.
fn progress(inputs: &[Input]) -> ProgressBar {
    let total: Option<u64> = inputs.iter().map(Input::bytes).sum();
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{wide_bar} {bytes}/{total_bytes}  {eta}"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}  {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
