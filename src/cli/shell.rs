//! `runner schema`, `completions` and `man`: what helps to write specs and commands.

use clap::Args;
use clap_complete::Shell;

use super::failure::Failure;
use crate::spec;
use crate::terminal;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    shell: Shell,
}

/// The JSON Schema as it stands in `docs/spec.schema.json`.
pub(super) fn schema() -> String {
    format!("{:#}\n", spec::json_schema())
}

pub(super) fn completions(
    args: &CompletionsArgs,
    command: &mut clap::Command,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "runner", &mut script);
    print(&script)
}

pub(super) fn manual(command: clap::Command) -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(Failure::other)?;
    print(&page)
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    Ok(terminal::print_bytes(bytes)?)
}
