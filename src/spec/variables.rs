//! Which environment variables set a key, and which only look like it.

use super::key::{self, KeyPath};
use super::schema;
use super::suggest::nearest;

/// What every variable that sets a key begins with.
const PREFIX: &str = "RUNNER_";

/// Variables of the runner that are not keys.
const OWN: &[&str] = &[
    "RUNNER_CACHE",
    #[cfg(feature = "fail-points")]
    "RUNNER_FAIL_POINT",
    "RUNNER_KILLS",
    "RUNNER_LOG",
    "RUNNER_PATIENCE",
    "RUNNER_PAUSES",
    "RUNNER_SHARED",
    "RUNNER_TOKENS_OVER_HTTP",
];

/// Those of them that a user may mean.
const FOR_USERS: [&str; 3] = ["RUNNER_CACHE", "RUNNER_PATIENCE", "RUNNER_TOKENS_OVER_HTTP"];

/// Variables of CI's own runners that are called like a key or like one of ours, and mean neither.
const OF_CI: [&str; 16] = [
    "RUNNER_ARCH",
    "RUNNER_DEBUG",
    "RUNNER_ENVIRONMENT",
    "RUNNER_GROUP",
    "RUNNER_HOME",
    "RUNNER_LABELS",
    "RUNNER_OS",
    "RUNNER_PERFLOG",
    "RUNNER_REPO",
    "RUNNER_TEMP",
    "RUNNER_TOKEN",
    "RUNNER_TOOLSDIRECTORY",
    "RUNNER_TOOL_CACHE",
    "RUNNER_TRACKING_ID",
    "RUNNER_USER",
    "RUNNER_WORKSPACE",
];

/// Set by GitHub's and Gitea's CI.
pub(super) const OF_CI_ALONE: &str = "GITHUB_ACTIONS";

/// The keys that a variable without `__` can set: all else at the top of a spec are tables.
const PLAIN_KEYS: [&str; 2] = ["name", "seed"];

/// What a variable is to a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It sets this key.
    Key(KeyPath),
    /// It sets nothing; what to say of it, where it may have been meant to.
    Nothing(Option<String>),
}

/// What the variable of this name is to a spec; `in_ci` where GitHub's or Gitea's CI runs us, which sets `RUNNER_NAME`.
pub(super) fn meaning(name: &str, in_ci: bool) -> Meaning {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return Meaning::Nothing(None);
    };
    let is_other = OWN.contains(&name) || OF_CI.contains(&name) || in_ci && name == "RUNNER_NAME";
    if rest.is_empty() || is_other {
        return Meaning::Nothing(None);
    }
    let rest = rest.to_lowercase();
    let segments: KeyPath = rest.split("__").map(str::to_owned).collect();
    match segments.as_slice() {
        [only] if PLAIN_KEYS.contains(&only.as_str()) => Meaning::Key(segments),
        [only] => Meaning::Nothing(meant(name, only)),
        [first, ..] if is_table(first) => Meaning::Key(key::normal(segments)),
        [first, ..] => {
            let message = format!("{name} sets nothing: a spec has no table `{first}`");
            Meaning::Nothing(Some(message))
        }
        [] => Meaning::Nothing(None),
    }
}

/// Whether this is one of a spec's tables, or so near that one is meant.
fn is_table(first: &str) -> bool {
    let tables = schema::keys(&[]).unwrap_or_default();
    nearest(first, tables).is_some()
}

/// What to say of a variable without `__` that is near a key, or near one of the runner's own.
fn meant(name: &str, rest: &str) -> Option<String> {
    let tables = schema::keys(&[]).unwrap_or_default();
    if tables.contains(&rest) {
        let table = rest.to_uppercase();
        return Some(match rest {
            "head" => format!(
                "{name} sets nothing: `head` is a list of layers, counted from 0; set a key of one of them, \
                 {PREFIX}{table}__1__KEY, or all of them with --set 'head=[{{ layer = \"pool\" }}, …]'"
            ),
            "extends" => format!("{name} sets nothing: `extends` can only stand in a file"),
            _ => format!(
                "{name} sets nothing: `{rest}` is a table; set one of its keys, {PREFIX}{table}__KEY, or several with \
                 --set '{rest}={{ … }}'"
            ),
        });
    }
    let own = || {
        let names = FOR_USERS.iter().map(|name| &name[PREFIX.len()..]);
        nearest(rest, names).map(|name| format!("{PREFIX}{name}"))
    };
    let key = || {
        let keys = schema::full_keys();
        let same = |key: &&String| key.replace('.', "_") == rest;
        let exact = keys.iter().find(same).cloned();
        let key = exact.or_else(|| schema::full_key_like(rest))?;
        Some(variable(&key)).filter(|variable| variable != name)
    };
    let meant = own().or_else(key)?;
    Some(format!("{name} sets nothing; did you mean {meant}?"))
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(name: &str) -> Option<String> {
        match meaning(name, false) {
            Meaning::Nothing(said) => said,
            Meaning::Key(path) => panic!("{name} sets {path:?}"),
        }
    }

    #[test]
    fn variables_set_keys_of_tables_and_the_two_at_the_top() {
        for (name, key) in [
            ("RUNNER_NAME", "name"),
            ("RUNNER_SEED", "seed"),
            ("RUNNER_TRAINING__EPOCHS", "training.epochs"),
            ("RUNNER_HEAD__1__RATE", "head.1.rate"),
            ("RUNNER_TRAINNG__EPOCHS", "trainng.epochs"),
            (
                "RUNNER_SWEEP__AXES__FREEZE__THROUGH",
                "sweep.axes.\"freeze.through\"",
            ),
        ] {
            let path = key::parse(key).unwrap();
            assert_eq!(meaning(name, false), Meaning::Key(path), "{name}");
        }
        assert_eq!(meaning("RUNNER_NAME", true), Meaning::Nothing(None));
    }

    #[test]
    fn what_can_be_no_key_sets_nothing() {
        for name in [
            "RUNNER_ALLOW_RUNASROOT",
            "RUNNER_ORG",
            "RUNNER_LABELS",
            "RUNNER_EPHEMERAL",
            "RUNNER_HOME",
            "RUNNER_REPO",
            "RUNNER_GROUP",
            "RUNNER_WORKDIR",
            "RUNNER_ASSETS_DIR",
            "RUNNER_GRACEFUL_STOP_TIMEOUT",
            "RUNNER_ARCH",
            "RUNNER_TEMP",
            "RUNNER_CACHE",
            "RUNNER_",
            "RUNNER__X",
            "OTHER",
            "runner_seed",
        ] {
            assert_eq!(warning(name), None, "{name}");
        }
    }

    #[test]
    fn what_was_probably_meant_is_said() {
        for (name, said) in [
            ("RUNNER_EPOCHS", "did you mean RUNNER_TRAINING__EPOCHS?"),
            (
                "RUNNER_TRAINING_EPOCHS",
                "did you mean RUNNER_TRAINING__EPOCHS?",
            ),
            ("RUNNER_CACH", "did you mean RUNNER_CACHE?"),
            ("RUNNER_CACHE_DIR", "did you mean RUNNER_CACHE?"),
            ("RUNNER_PATIENC", "did you mean RUNNER_PATIENCE?"),
            ("RUNNER_DATASET", "RUNNER_DATASET__KEY"),
            ("RUNNER_HEAD", "RUNNER_HEAD__1__KEY"),
            ("RUNNER_EXTENDS", "only stand in a file"),
            ("RUNNER_X__Y", "no table `x`"),
            ("RUNNER_TOOL__CACHE", "no table `tool`"),
        ] {
            let text = warning(name).unwrap_or_default();
            assert!(text.contains(said), "{name}: {text}");
        }
    }
}
