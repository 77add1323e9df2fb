//! What is frozen.

use glob::Pattern;

use super::check::Check;
use crate::spec::types::Freeze;
use crate::spec::values::FreezeThrough;

pub(super) fn check(freeze: &Freeze, check: &mut Check) {
    let Some(globs) = &freeze.train else {
        return;
    };
    if freeze.through != FreezeThrough::None {
        check.problem_with_help(
            "freeze.train",
            "`freeze.train` and `freeze.through` both say what is frozen",
            "remove one of them, or set `through = \"none\"` where another file sets it: `through` freezes a beginning of the \
             network, `train` all but what it names",
        );
    }
    for (i, glob) in globs.iter().enumerate() {
        let why = match Pattern::new(glob) {
            _ if glob.is_empty() => "is empty".to_owned(),
            Err(error) => format!("is no glob: {} (at character {})", error.msg, error.pos + 1),
            Ok(_) => continue,
        };
        check.problem_with_help(
            &format!("freeze.train.{i}"),
            format!("`{glob}` in `freeze.train` {why}"),
            "name tensors or modules; `*` stands for any characters, e.g. \"*.bias\" or \"layer4\"",
        );
    }
}
