//! The inbox: events that come in at the same time reach the disk together.
//!
//! One thread writes. While it waits for the disk others come in, and all of them go into its next
//! transaction (a group commit): the more there are at once, the fewer syncs each of them costs.

use crate::project::state::{NewEvent, Received, State};
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::say::say;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// Events of one transaction at most: nobody's answer waits for more than these.
const TOGETHER: usize = 2000;

/// What an event takes beside its texts.
const OVERHEAD: usize = 512;

/// Nothing more is taken for the moment: the disk is slower than what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

struct Letter {
    event: NewEvent,
    size: usize,
    answer: oneshot::Sender<Received>,
}

/// Takes events, and answers once they are on the disk.
#[derive(Debug)]
pub struct Inbox {
    letters: Sender<Letter>,
    /// Bytes that wait for the disk.
    held: Arc<AtomicUsize>,
    room: usize,
}

impl Inbox {
    /// Opens an inbox; `room` is how many bytes may wait for the disk.
    pub fn open(state: State, room: usize) -> Self {
        let (letters, incoming) = channel();
        let held = Arc::new(AtomicUsize::new(0));
        let writer = held.clone();
        // It ends once nobody can put anything in any more.
        std::thread::spawn(move || write(state, &incoming, &writer));
        Self { letters, held, room }
    }

    /// Puts an event in. The answer comes once it is on the disk; none comes where it could not be
    /// written.
    ///
    /// # Errors
    /// Where too much waits already.
    pub fn put(&self, event: NewEvent) -> Result<oneshot::Receiver<Received>, Full> {
        let key = event.key.as_ref().map_or(0, String::len);
        let sent = [&event.body, &event.querystring, &event.employee, &event.content_type];
        let size = sent.iter().map(|text| text.len()).sum::<usize>() + key + OVERHEAD;
        // One alone is taken, however little room there is.
        if self.held.fetch_add(size, Ordering::Relaxed) > 0 && self.held.load(Ordering::Relaxed) > self.room {
            self.held.fetch_sub(size, Ordering::Relaxed);
            return Err(Full);
        }
        let (answer, answered) = oneshot::channel();
        self.letters.send(Letter { event, size, answer }).map_err(|_| Full)?;
        Ok(answered)
    }
}

fn write(mut state: State, incoming: &Receiver<Letter>, held: &AtomicUsize) {
    while let Ok(first) = incoming.recv() {
        // It comes when it is taken: ids and times then go the same way.
        let now = SystemClock.now();
        let letters = std::iter::once(first).chain(incoming.try_iter().take(TOGETHER - 1));
        let (events, waiting): (Vec<NewEvent>, Vec<_>) =
            letters.map(|l| (NewEvent { at: now, ..l.event }, (l.size, l.answer))).unzip();
        crash::point("events taken");
        let kept = state.receive(&events);
        crash::point("events kept");
        held.fetch_sub(waiting.iter().map(|(size, _)| size).sum(), Ordering::Relaxed);
        match kept {
            Ok(kept) => {
                for ((_, answer), received) in waiting.into_iter().zip(kept) {
                    // A sender that went away does not hear of it; its event is kept all the same.
                    let _ = answer.send(received);
                }
            }
            // Who asked hears that there is no answer: it sends again.
            Err(error) => say(format_args!("error: webhook events could not be kept: {error}")),
        }
    }
}
