//! Keys of the spec that are given as flags, as other tools take them.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Cli;
use super::failure::Failure;
use crate::foreign::one_line;
use crate::spec;
use crate::text::shell_word;

/// What to say of a flag that is none, where a key of the spec is meant.
pub(super) fn key_as_flag(error: &clap::Error) -> Option<Failure> {
    let is_slip = error.get(ContextKind::SuggestedArg).is_some();
    if error.kind() != ErrorKind::UnknownArgument || is_slip {
        return None;
    }
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let set = setting(flag, &arguments)?;
    if !takes_keys(&arguments) {
        return None;
    }
    let message = format!("there is no flag {flag}; a key of the spec is set by {set}");
    Some(Failure::usage(one_line(&message)))
}

/// `--set training.epochs=3` for `--epochs 3` or `--epochs=3` among the arguments.
fn setting(flag: &str, arguments: &[String]) -> Option<String> {
    let (flag, _) = flag.split_once('=').unwrap_or((flag, ""));
    let key = spec::key_meant(flag.strip_prefix("--")?)?;
    let value = arguments.iter().enumerate().find_map(|(at, argument)| {
        let rest = argument.strip_prefix(flag)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => arguments.get(at + 1).map(String::as_str),
            None => None,
        }
    });
    let value = value.filter(|value| !value.starts_with("--"));
    Some(format!(
        "--set {}",
        shell_word(&format!("{key}={}", value.unwrap_or("…")))
    ))
}

/// Whether the command among these arguments takes `--set`.
fn takes_keys(arguments: &[String]) -> bool {
    let cli = Cli::command();
    let named = arguments.iter().find_map(|word| cli.find_subcommand(word));
    let mut flags = named.unwrap_or(&cli).get_arguments();
    flags.any(|flag| flag.get_long() == Some("set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_that_is_a_key_is_shown_as_a_setting() {
        for (line, flag, set) in [
            ("e.toml --epochs 3", "--epochs", "--set training.epochs=3"),
            ("e.toml --epochs=3", "--epochs", "--set training.epochs=3"),
            (
                "--batch-size 8 e.toml",
                "--batch-size",
                "--set training.batch_size=8",
            ),
            (
                "e.toml --lr 1e-4",
                "--lr",
                "--set optimizer.learning_rate=1e-4",
            ),
            (
                "e.toml --momentum",
                "--momentum",
                "--set optimizer.momentum=…",
            ),
            (
                "e.toml --freeze.through all",
                "--freeze.through",
                "--set freeze.through=all",
            ),
            (
                "e.toml --model resnet18",
                "--model",
                "--set backbone.arch=resnet18",
            ),
            ("e.toml --seed 1", "--seed", "--set seed=1"),
        ] {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(setting(flag, &arguments).as_deref(), Some(set), "{line}");
        }
        assert_eq!(setting("--zebra", &[]), None);
    }
}
