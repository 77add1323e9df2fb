//! When the epochs of an earlier start ended, as far as can be told.

use std::time::{Duration, SystemTime};

use crate::train::Epoch;

/// Epochs of an earlier start with when they ended, had they come one after the other until `now`.
pub(super) fn back_from(
    now: SystemTime,
    epochs: &[Epoch],
) -> impl Iterator<Item = (SystemTime, &Epoch)> {
    let mut left: f64 = epochs.iter().map(|epoch| epoch.seconds).sum();
    epochs.iter().map(move |epoch| {
        left -= epoch.seconds;
        let ago = Duration::try_from_secs_f64(left.max(0.0)).unwrap_or_default();
        (now.checked_sub(ago).unwrap_or(now), epoch)
    })
}

/// Seconds since 1970.
pub(super) fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
