//! `--only`: some of a sweep's runs.

use std::collections::BTreeSet;

use strsim::damerau_levenshtein;

use crate::text::counted;

/// How many runs a message names.
const SHOWN: usize = 3;

/// The ids that are meant by `words`, each a list of ids or of beginnings that one id alone has, with commas between them.
/// Ids have commas inside, too: as much of a list as begins an id is one.
///
/// # Errors
/// A word that begins no id, with the id that is most like it, or several.
pub(super) fn chosen(words: &[String], ids: &[&str]) -> Result<BTreeSet<String>, String> {
    let mut chosen = BTreeSet::new();
    for word in words {
        let parts: Vec<&str> = word.split(',').collect();
        let mut at = 0;
        while at < parts.len() {
            let ends = (at + 1..=parts.len()).rev();
            let found = ends
                .map(|end| (end, parts[at..end].join(",")))
                .find(|(_, text)| begins_any(text, ids));
            let rest = || unknown(&parts[at..].join(","), ids);
            let (end, text) = found.ok_or_else(rest)?;
            // A whole id that is mistyped begins as others do.
            let is_list = parts.get(end).is_none_or(|next| begins_any(next, ids));
            let id = one(&text, ids).map_err(|several| if is_list { several } else { rest() })?;
            chosen.insert(id);
            at = end;
        }
    }
    Ok(chosen)
}

fn begins_any(text: &str, ids: &[&str]) -> bool {
    !text.is_empty() && ids.iter().any(|id| id.starts_with(text))
}

/// The id that is this text, or alone begins with it.
fn one(text: &str, ids: &[&str]) -> Result<String, String> {
    if ids.contains(&text) {
        return Ok(text.to_owned());
    }
    let mut found = ids.iter().filter(|id| id.starts_with(text));
    match (found.next(), found.clone().count()) {
        (Some(id), 0) => Ok((*id).to_owned()),
        (first, more) => {
            let shown: Vec<&str> = first
                .into_iter()
                .chain(found)
                .copied()
                .take(SHOWN)
                .collect();
            let etc = if more + 1 > SHOWN { ", …" } else { "" };
            let count = counted(more + 1, "run");
            Err(format!(
                "--only {text}: {count} of the sweep begin with it ({}{etc}); give more of the one that is meant",
                shown.join(", ")
            ))
        }
    }
}

fn unknown(text: &str, ids: &[&str]) -> String {
    // Beginnings are as good as whole ids.
    let distance = |id: &&&str| {
        let begun: String = id.chars().take(text.chars().count()).collect();
        damerau_levenshtein(&begun, text).min(damerau_levenshtein(id, text))
    };
    let near = ids.iter().min_by_key(distance);
    let near = near.map_or(String::new(), |id| format!("; the nearest is {id}"));
    format!(
        "--only: no run of the sweep begins with `{text}`{near}; `runner check` lists the runs (of a search, those that it begins with)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 4] = [
        "through=none,seed=0-00aa00aa",
        "through=none,seed=1-11aa11aa",
        "through=all,seed=0-22aa22aa",
        "through=all,seed=10-33aa33aa",
    ];

    fn found(word: &str) -> Result<Vec<String>, String> {
        chosen(&[word.to_owned()], &IDS).map(|found| found.into_iter().collect())
    }

    #[test]
    fn ids_with_commas_and_unique_beginnings_are_told_apart_in_a_list() {
        let list = format!("{},through=all,seed=0", IDS[1]);
        assert_eq!(found(&list).unwrap(), [IDS[2], IDS[1]]);
        let whole = format!("{},{}", IDS[0], IDS[3]);
        assert_eq!(found(&whole).unwrap(), [IDS[3], IDS[0]]);
    }

    #[test]
    fn what_begins_several_runs_or_none_is_a_mistake_that_names_runs() {
        let error = found("through=all").unwrap_err();
        assert!(
            error.contains("2 runs") && error.contains(IDS[3]),
            "{error}"
        );
        let error = found("through=all,seed=2").unwrap_err();
        assert!(error.contains("nearest is through=all,seed=0"), "{error}");
        for nothing in ["", ",", "through=all,seed=0,"] {
            assert!(found(nothing).is_err(), "{nothing}");
        }
    }
}
