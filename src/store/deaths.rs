//! Runs whose process dies without a word, again and again at the same place: they would block a sweep for ever.
//!
//! A run's row says, as long as the run has not ended, from which checkpoint its process began, and how many processes
//! before it died having begun from there. Any number of them may be killed while the run comes further. Of those that
//! did not come further, two are enough where there is a sign that the run itself was the reason: the system has killed
//! processes for lack of memory meanwhile, or the process ended itself (as it does where memory is refused to it; its
//! last words are in the run's log). Without a sign it takes more, as people and schedulers kill processes too.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::log;
use crate::machine;
use crate::train::checkpoint;

/// So many deaths at one place that the run is the reason for.
const EXPLAINED: u32 = 2;
/// So many deaths at one place, whatever the reason.
const ALL: u32 = 10;

/// How a process began a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The newest checkpoint's file name; none where there was none.
    from: Option<String>,
    /// The processes that began from there before, and died.
    deaths: u32,
    /// Those among them that the run itself was the reason for.
    explained: u32,
    /// Of [`machine::killed_for_memory`].
    kills: Option<(u64, String)>,
    /// Whether the run is not begun any more.
    #[serde(default)]
    is_given_up: bool,
}

impl Start {
    /// The start of a run in this folder, whose process before left `earlier` and no other word.
    pub fn after(folder: &Path, earlier: Option<&str>) -> Self {
        let from = checkpoint::newest_name(&folder.join(checkpoint::FOLDER));
        let kills = machine::killed_for_memory();
        let earlier: Option<Start> = earlier.and_then(|text| serde_json::from_str(text).ok());
        let start = Start {
            from,
            kills,
            ..Start::default()
        };
        match earlier {
            Some(earlier) if earlier.from == start.from => {
                let is_explained = earlier.were_killed_since(&start) || log::ends_itself(folder);
                Start {
                    deaths: earlier.deaths + 1,
                    explained: earlier.explained + u32::from(is_explained),
                    ..start
                }
            }
            _ => start,
        }
    }

    /// Whether processes were killed for lack of memory between two starts on the same machine.
    fn were_killed_since(&self, later: &Start) -> bool {
        match (&self.kills, &later.kills) {
            (Some((before, boot)), Some((after, same))) => boot == same && after > before,
            _ => false,
        }
    }

    /// Why the run is not begun again; none where it is.
    pub fn reason(&self) -> Option<String> {
        let hint = "lower training.batch_size, backbone.input_size or features.memory; --fresh does the run again";
        let place = match &self.from {
            Some(checkpoint) => format!("after checkpoint {checkpoint}"),
            None => "before the first checkpoint".into(),
        };
        if self.explained >= EXPLAINED {
            Some(format!(
                "the process died twice at the same place, possibly out of memory: {place}; {hint}"
            ))
        } else if self.deaths >= ALL {
            let times = self.deaths;
            Some(format!(
                "the process died {times} times at the same place, possibly out of memory: {place}; {hint}"
            ))
        } else {
            None
        }
    }

    /// The same, for a run that is not begun any more.
    pub fn given_up(self) -> Self {
        Start {
            is_given_up: true,
            ..self
        }
    }

    /// Whether the run with these words is not begun any more.
    pub fn is_given_up(text: Option<&str>) -> bool {
        let start: Option<Start> = text.and_then(|text| serde_json::from_str(text).ok());
        start.is_some_and(|start| start.is_given_up)
    }

    /// For the run's file.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(checkpoint: Option<&str>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = folder.path().join(checkpoint::FOLDER);
        std::fs::create_dir(&checkpoints).unwrap();
        if let Some(name) = checkpoint {
            std::fs::write(checkpoints.join(name), "").unwrap();
        }
        folder
    }

    fn with_kills(start: &Start, kills: u64) -> String {
        let kills = Some((
            kills,
            start.kills.clone().map_or(String::new(), |(_, boot)| boot),
        ));
        Start {
            kills,
            ..start.clone()
        }
        .to_text()
    }

    #[test]
    fn two_deaths_at_one_place_are_enough_where_memory_was_short() {
        let folder = folder(Some("000003-ab.safetensors"));
        let first = Start::after(folder.path(), None);
        if first.kills.is_none() {
            return;
        }
        let second = Start::after(folder.path(), Some(&with_kills(&first, 0)));
        let kills = first.kills.as_ref().map_or(0, |(kills, _)| *kills);
        assert_eq!(second.explained, u32::from(kills > 0));
        let explained = Start {
            explained: 1,
            ..second.clone()
        };
        let third = Start::after(folder.path(), Some(&with_kills(&explained, 0)));
        if kills > 0 {
            let reason = third.reason().unwrap();
            assert!(
                reason.contains("died twice") && reason.contains("000003-ab"),
                "{reason}"
            );
        }
        assert_eq!(second.reason(), None);
    }

    #[test]
    fn deaths_without_a_sign_count_late_and_those_before_more_was_done_not_at_all() {
        let (stuck, further) = (folder(None), folder(Some("000001-cd.safetensors")));
        let mut start = Start::after(stuck.path(), None);
        for deaths in 1..ALL {
            start = Start::after(stuck.path(), Some(&start.to_text()));
            assert_eq!((start.deaths, start.reason()), (deaths, None));
        }
        assert_eq!(
            Start::after(further.path(), Some(&start.to_text())).deaths,
            0
        );
        start = Start::after(stuck.path(), Some(&start.to_text()));
        assert!(start.reason().unwrap().contains("died 10 times"));
        assert!(!Start::is_given_up(Some(&start.to_text())));
        assert!(Start::is_given_up(Some(&start.given_up().to_text())));
        assert!(!Start::is_given_up(None));
    }
}
