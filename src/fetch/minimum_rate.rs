//! Giving up a server that sends, but so slowly that it will never end.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

/// Bytes a second that a server must send at least.
const LEAST: u64 = 1024;

/// A body that fails with [`ErrorKind::TimedOut`] once less came in a time than `LEAST` asks for.
pub(super) struct MinimumRate<R> {
    body: R,
    /// The time that is looked at.
    window: Duration,
    /// When it began; with the first read.
    since: Option<Instant>,
    came: u64,
}

impl<R> MinimumRate<R> {
    pub fn new(body: R, window: Duration) -> Self {
        MinimumRate {
            body,
            window,
            since: None,
            came: 0,
        }
    }
}

impl<R: Read> Read for MinimumRate<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let read = self.body.read(bytes)?;
        self.came += read as u64;
        let took = since.elapsed();
        if read == 0 || took < self.window {
            return Ok(read);
        }
        // Less than a byte is wanted in a very short time.
        let least = (LEAST as f64 * took.as_secs_f64()) as u64;
        if self.came < least {
            let why = format!("the server sends less than {LEAST} bytes a second");
            return Err(io::Error::new(ErrorKind::TimedOut, why));
        }
        (self.since, self.came) = (None, 0);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dripping_is_given_up_after_the_window_and_a_steady_flow_is_not() {
        let drip = MinimumRate::new(io::repeat(0), Duration::ZERO);
        let mut slow = MinimumRate {
            since: Some(Instant::now() - Duration::from_secs(2)),
            ..drip
        };
        let error = slow.read(&mut [0; 2000]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        slow.came = 100;
        slow.since = Some(Instant::now() - Duration::from_secs(2));
        assert_eq!(slow.read(&mut [0; 3000]).unwrap(), 3000);
        assert_eq!(slow.came, 0);
        assert_eq!(slow.read(&mut []).unwrap(), 0);
    }
}
