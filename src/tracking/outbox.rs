//! What is to be told to a server, which training never waits for.
//!
//! It waits in a bounded queue for a thread of its own, which tells one thing after the other, each until the server has
//! taken or refused it.

use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel,
};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::trouble::Trouble;
use crate::rest::Failure;

/// Messages that wait at most; further ones are dropped.
const QUEUE: usize = 4096;
/// At the end, a server that answers may take so long for the rest, models too.
const LAST: Duration = Duration::from_secs(60);
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A server that is told of runs.
pub(super) trait Server: Send + 'static {
    /// What it is told.
    type Message: Send + 'static;

    /// What it is called, e.g. `MLflow`.
    const NAME: &'static str;

    /// Its address, without a secret.
    fn address(&self) -> &str;

    /// Tells it something; again where that was done in part.
    ///
    /// # Errors
    /// What it did not take.
    fn tell(&mut self, message: &Self::Message) -> Result<(), Failure>;
}

/// What is to be told to a server.
pub(super) struct Outbox<S: Server> {
    /// None once all is said.
    messages: Mutex<Option<SyncSender<S::Message>>>,
    /// Its end says that there are no pauses any more.
    open: Mutex<Option<Sender<()>>>,
    /// Ends with the thread.
    done: Mutex<Receiver<()>>,
    last: Duration,
    address: String,
    trouble: Trouble,
}

impl<S: Server> Outbox<S> {
    /// For a server that has `patience` times the usual time for the rest.
    pub fn new(server: S, patience: f64, trouble: Trouble) -> Self {
        let (messages, waiting) = sync_channel(QUEUE);
        let (open, closing) = channel();
        let (working, done) = channel::<()>();
        let address = server.address().to_owned();
        let worker = Worker {
            server,
            closing,
            trouble: trouble.clone(),
        };
        let thread = thread::Builder::new().name(S::NAME.to_lowercase());
        let thread = thread.spawn(move || {
            let _working = working;
            worker.work(&waiting);
        });
        if let Err(error) = thread {
            let name = S::NAME;
            trouble.note(|| format!("nothing is logged to {name}: no thread for it: {error}"));
        }
        Outbox {
            messages: Mutex::new(Some(messages)),
            open: Mutex::new(Some(open)),
            done: Mutex::new(done),
            last: LAST.mul_f64(patience),
            address,
            trouble,
        }
    }

    /// Puts in what is to be told.
    pub fn put(&self, message: S::Message) {
        let messages = self.messages.lock();
        let messages = messages.unwrap_or_else(PoisonError::into_inner);
        // Full, or without its thread: training continues.
        if let Some(messages) = &*messages
            && messages.try_send(message).is_err()
        {
            let name = S::NAME;
            self.trouble.note(|| {
                format!("{name} takes too long; training continues, and some of it is not logged")
            });
        }
    }

    /// Puts in the last that is to be told, and waits until all is told or given up.
    pub fn close(&self, last: S::Message) {
        let messages = self.messages.lock();
        let messages = messages.unwrap_or_else(PoisonError::into_inner).take();
        // Full: the server is too slow, which is said.
        let _ = messages.map(|messages| messages.try_send(last));
        drop(self.open.lock().map(|mut open| open.take()));
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.recv_timeout(self.last) == Err(RecvTimeoutError::Timeout) {
            let (name, address, last) = (S::NAME, &self.address, self.last.as_secs_f64());
            self.trouble.note(|| {
                format!(
                    "{name} at {address} did not take everything within {last:.0} s after the last run; what is missing \
                     there is in the results"
                )
            });
        }
    }
}

/// The thread that tells.
struct Worker<S> {
    server: S,
    /// Ends when there are to be no pauses any more.
    closing: Receiver<()>,
    trouble: Trouble,
}

impl<S: Server> Worker<S> {
    /// Tells everything; gives up on a server that is down once no more is to come.
    fn work(mut self, messages: &Receiver<S::Message>) {
        while let Ok(message) = messages.recv() {
            let mut pause = FIRST_PAUSE;
            while let Err(failure) = self.server.tell(&message) {
                match failure {
                    Failure::Refused { text, .. } => {
                        self.note(&format!("{text}; training continues"));
                        break;
                    }
                    Failure::Down(text) => {
                        self.note(&format!(
                            "{text}; training continues, and what it does not take by the end is not logged"
                        ));
                        if self.closing.try_recv() == Err(TryRecvError::Disconnected) {
                            return;
                        }
                        let _ = self.closing.recv_timeout(pause);
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        }
    }

    fn note(&self, text: &str) {
        let (name, address) = (S::NAME, self.server.address());
        self.trouble.note(|| format!("{name} at {address}: {text}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes all but 13, once it was down for so many times.
    struct Slow {
        down: usize,
        taken: Sender<u32>,
    }

    impl Server for Slow {
        type Message = u32;
        const NAME: &'static str = "Slow";

        fn address(&self) -> &str {
            "http://slow"
        }

        fn tell(&mut self, message: &u32) -> Result<(), Failure> {
            if self.down > 0 {
                self.down -= 1;
                return Err(Failure::Down("no answer".into()));
            }
            if *message == 13 {
                return Err(Failure::refused("not 13"));
            }
            self.taken.send(*message).unwrap();
            Ok(())
        }
    }

    fn outbox(down: usize) -> (Outbox<Slow>, Receiver<u32>, Trouble) {
        let ((taken, takes), trouble) = (channel(), Trouble::default());
        let outbox = Outbox::new(Slow { down, taken }, 1.0, trouble.clone());
        (outbox, takes, trouble)
    }

    #[test]
    fn what_is_refused_is_passed_over_and_said() {
        let (outbox, takes, trouble) = outbox(0);
        [1, 13].into_iter().for_each(|message| outbox.put(message));
        outbox.close(2);
        assert_eq!(takes.iter().collect::<Vec<_>>(), [1, 2]);
        let said = "Slow at http://slow: not 13; training continues";
        assert_eq!(trouble.take().as_deref(), Some(said));
    }

    #[test]
    fn a_server_that_was_down_for_a_moment_is_told_again() {
        let (outbox, takes, trouble) = outbox(1);
        outbox.put(1);
        assert_eq!(takes.recv(), Ok(1));
        outbox.close(2);
        assert_eq!(takes.iter().collect::<Vec<_>>(), [2]);
        assert!(
            trouble
                .take()
                .unwrap()
                .contains("no answer; training continues")
        );
    }

    #[test]
    fn a_server_that_stays_down_is_given_up_at_the_end() {
        let (outbox, takes, _) = outbox(usize::MAX);
        outbox.put(1);
        outbox.close(2);
        assert_eq!(takes.iter().count(), 0);
    }
}
