//! How long servers are waited for.

use std::time::Duration;

use super::error::Error;

/// How long to wait for a server, and how often to ask it again.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// For looking up the host and for connecting, each.
    pub connect: Duration,
    /// For the answer's beginning, and between any two pieces of it.
    pub silence: Duration,
    /// The pauses before the second, third, ... attempt; none is left after as many failures in a row.
    pub pauses: Vec<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            pauses: [1, 3, 9].map(Duration::from_secs).to_vec(),
        }
    }
}

impl Timeouts {
    /// The default, every time multiplied by `RUNNER_PATIENCE`.
    ///
    /// # Errors
    /// [`Error::Timeouts`] where that is no number greater than 0.
    pub fn from_env() -> Result<Self, Error> {
        let factor = Timeouts::factor()?;
        Timeouts::times(factor).ok_or_else(|| Error::Timeouts(factor.to_string()))
    }

    /// `RUNNER_PATIENCE`, or 1.
    ///
    /// # Errors
    /// [`Error::Timeouts`] where that is no number greater than 0, or one beyond reason.
    pub fn factor() -> Result<f64, Error> {
        let Some(text) = std::env::var_os("RUNNER_PATIENCE") else {
            return Ok(1.0);
        };
        let text = text.to_string_lossy().into_owned();
        Timeouts::factor_in(&text).ok_or(Error::Timeouts(text))
    }

    fn factor_in(text: &str) -> Option<f64> {
        let factor = text.trim().parse().ok();
        factor.filter(|factor| Timeouts::times(*factor).is_some())
    }

    fn times(factor: f64) -> Option<Self> {
        let times = |time: Duration| {
            let seconds = time.as_secs_f64() * factor;
            Duration::try_from_secs_f64(seconds).ok()
        };
        let Timeouts {
            connect,
            silence,
            pauses,
        } = Timeouts::default();
        Some(Timeouts {
            connect: times(connect).filter(|time| !time.is_zero())?,
            silence: times(silence)?,
            pauses: pauses.into_iter().map(times).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_multiplied_and_its_pauses_grow() {
        let halved = Timeouts::times(0.5).unwrap();
        assert_eq!(halved.silence, Duration::from_secs(15));
        let pauses = [500, 1500, 4500].map(Duration::from_millis);
        assert_eq!(halved.pauses, pauses);
        for wrong in ["", "0", "-1", "nan", "inf", "1e300", "fast"] {
            assert!(Timeouts::factor_in(wrong).is_none(), "{wrong}");
        }
    }
}
