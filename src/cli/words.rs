//! What somebody may have meant by a word that is no command.

use std::path::Path;

use clap::CommandFactory;
use strsim::damerau_levenshtein;

use super::args::Cli;

/// Words of other tools for our commands.
const SYNONYMS: [(&str, &[&str]); 12] = [
    (
        "run",
        &[
            "train", "fit", "start", "resume", "exec", "execute", "sweep",
        ],
    ),
    (
        "check",
        &["validate", "lint", "plan", "dry-run", "verify", "summary"],
    ),
    ("submit", &["sbatch", "slurm", "queue", "launch"]),
    (
        "compare",
        &["list", "ls", "diff", "results", "show", "best"],
    ),
    ("evaluate", &["eval", "test", "score"]),
    ("predict", &["infer", "inference", "classify", "label"]),
    ("embed", &["features", "extract", "encode", "embeddings"]),
    (
        "explain",
        &[
            "why",
            "gradcam",
            "grad-cam",
            "heatmap",
            "attention",
            "saliency",
        ],
    ),
    ("export", &["convert", "save", "onnx", "dump"]),
    ("watch", &["serve", "dashboard", "ui", "server", "board"]),
    ("report", &["plot", "html", "charts"]),
    ("init", &["new", "create", "template", "example"]),
];

/// The command that a word is most like.
pub(super) fn command(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let cli = Cli::command();
    let names = cli.get_subcommands().map(clap::Command::get_name);
    let mut near: Vec<(usize, &str)> = names
        .map(|name| (damerau_levenshtein(&word, name), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .collect();
    near.sort();
    let synonym = || {
        SYNONYMS
            .iter()
            .find(|(_, words)| words.contains(&word.as_str()))
    };
    let begun = || {
        let mut names = cli.get_subcommands().map(clap::Command::get_name);
        names.find(|name| word.len() >= 3 && name.starts_with(&word))
    };
    let found = near.first().map(|(_, name)| *name);
    let found = found
        .or_else(|| synonym().map(|(name, _)| *name))
        .or_else(begun);
    found.map(str::to_owned)
}

/// Whether a word of the command line may be a command: it names nothing that is there, and has no look of a path.
pub(super) fn may_be_command(word: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphabetic() || c == '-' || c == '_';
    !word.starts_with('-') && word.chars().all(is_word) && !Path::new(word).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_and_foreign_words_lead_to_the_command() {
        for (word, name) in [
            ("cmopare", "compare"),
            ("chekc", "check"),
            ("rnu", "run"),
            ("Evalute", "evaluate"),
            ("predcit", "predict"),
            ("train", "run"),
            ("serve", "watch"),
            ("comp", "compare"),
            ("compair", "compare"),
            ("test", "evaluate"),
        ] {
            assert_eq!(command(word).as_deref(), Some(name), "{word}");
        }
        assert_eq!(command("mymodel"), None);
    }

    #[test]
    fn paths_are_not_taken_for_commands() {
        for word in ["cmopare", "dry-run"] {
            assert!(may_be_command(word));
        }
        for word in ["a/b", "x.toml", "-q", "src"] {
            assert!(!may_be_command(word), "{word}");
        }
    }
}
