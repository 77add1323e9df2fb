//! The command line of a task.

use std::path::Path;

use super::error::Error;
use crate::text::shell_word;

/// The words that tasks have in common; a task adds its runs.
#[derive(Clone, Debug, Default)]
pub struct Command {
    words: Vec<String>,
}

impl Command {
    /// Without words.
    pub fn new() -> Self {
        Command::default()
    }

    /// With words after those that there are.
    pub fn words<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.words.extend(words.into_iter().map(str::to_owned));
        self
    }

    /// With a path.
    ///
    /// # Errors
    /// One that is not text.
    pub fn path(self, path: &Path) -> Result<Self, Error> {
        let text = path.to_str().ok_or_else(|| Error::NotText {
            text: path.to_string_lossy().into_owned(),
        })?;
        Ok(self.words([text]))
    }

    /// The line, as a shell takes it, that does these runs.
    ///
    /// # Errors
    /// A word with a line break.
    pub fn line(&self, runs: &[String]) -> Result<String, Error> {
        let only = ["--only".to_owned(), runs.join(",")];
        let words = self.words.iter().chain(&only);
        let quoted = words.map(|word| match word.contains(['\n', '\r']) {
            true => Err(Error::LineBreak { word: word.clone() }),
            false => Ok(shell_word(word)),
        });
        Ok(quoted.collect::<Result<Vec<_>, _>>()?.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_a_shell_the_words_it_was_made_of() {
        let words = [
            "runner",
            "my spec.toml",
            "--set",
            "a.b=[\"it's\"]",
            "$HOME *",
        ];
        let line = Command::new()
            .words(words)
            .line(&["seed=0-ab".into(), "seed=1-cd".into()]);
        let script = format!("printf '%s\\n' {}", line.unwrap());
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        let found = String::from_utf8(output.stdout).unwrap();
        let expected = [&words[..], &["--only", "seed=0-ab,seed=1-cd"]].concat();
        assert_eq!(found.lines().collect::<Vec<_>>(), expected);
        assert!(Command::new().words(["a\nb"]).line(&[]).is_err());
    }
}
