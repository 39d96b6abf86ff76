//! How many bytes of bodies are held at once. A bound on each body alone is none on all: five hundred mails of 32 MiB each are
//! 16 GiB.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::Limits;

/// Memory for bodies, in KiB.
#[derive(Debug)]
pub(super) struct Memory(Arc<Semaphore>);

/// What one body takes of it, until it is dropped.
#[derive(Debug)]
pub(super) struct Reserved {
    memory: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Memory {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes >> 10).min(Semaphore::MAX_PERMITS))))
    }

    pub(super) fn reserve(&self) -> Reserved {
        Reserved { memory: Arc::clone(&self.0), taken: None }
    }
}

impl Reserved {
    /// Makes room for so many bytes, more than before or fewer, and says whether there was. A stream that gives back what it has
    /// done with leaves room for others.
    pub(super) fn resize_to(&mut self, bytes: usize) -> bool {
        let wanted = if bytes <= Limits::SMALL_BODY_BYTES { 0 } else { bytes.div_ceil(1 << 10) };
        let spare = self.kibibytes().saturating_sub(wanted);
        if let Some(taken) = &mut self.taken {
            drop(taken.split(spare));
        }
        self.grow_to(bytes)
    }

    fn kibibytes(&self) -> usize {
        self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Makes room for a body of so many bytes in all, and says whether there was. It does not wait: two bodies that each wait
    /// for the other's room would wait for ever.
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let taken = self.kibibytes();
        let more = bytes.div_ceil(1 << 10).saturating_sub(taken);
        if bytes <= Limits::SMALL_BODY_BYTES || more == 0 {
            return true;
        }
        let Ok(more) = u32::try_from(more) else { return false };
        let Ok(more) = Arc::clone(&self.memory).try_acquire_many_owned(more) else { return false };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_until_it_is_dropped() {
        let memory = Memory::new(1 << 20);
        let mut first = memory.reserve();
        assert!(first.grow_to(300 << 10) && first.grow_to(600 << 10) && first.grow_to(100));
        let mut second = memory.reserve();
        assert!(!second.grow_to(500 << 10));
        assert!(second.grow_to(Limits::SMALL_BODY_BYTES), "small ones always find room");
        assert!(first.resize_to(400 << 10) && second.grow_to(500 << 10), "what is given back is there for others");
        drop(first);
        assert!(second.grow_to(1 << 20));
        assert!(!second.grow_to(usize::MAX));
    }
}
