//! `[dataset]`, `[normalization]` and `[resize]`.

use std::collections::HashSet;

use super::Check;
use crate::datasets::{PartsOf, PathUse};
use crate::spec::experiment::Problem;
use crate::spec::explain::listed;
use crate::spec::suggest::slip;
use crate::spec::types::{NormalizationScheme, Resize, ResizeMethod, Spec};
use crate::spec::values::Choice;

pub(super) fn check(spec: &Spec, check: &mut Check) {
    if spec.dataset.test_split > 0.0 && spec.dataset.name.parts == PartsOf::Published {
        let message = format!(
            "`dataset.test_split` is for datasets without a test part; {} has its own",
            spec.dataset.name
        );
        check.problem_with_help("dataset.test_split", message, "remove `test_split`");
    }
    path(spec, check);
    classes(spec, check);
    normalization(spec, check);
    resize(spec, check);
}

fn path(spec: &Spec, check: &mut Check) {
    let name = spec.dataset.name;
    match (&spec.dataset.path, name.path) {
        (None, PathUse::Folder(what)) => check.problem_with_help(
            "dataset.path",
            format!("an {name} needs `dataset.path`: {what}"),
            "add `path = \"…\"` to [dataset]",
        ),
        (Some(_), PathUse::BuiltIn) => check.problem_with_help(
            "dataset.path",
            format!("the {name} are built in, so that `dataset.path` would not be read"),
            "remove `path`; or choose another dataset, e.g. name = \"image_folder\"",
        ),
        (Some(path), PathUse::Folder(_)) if path.is_file() => check.problem(
            "dataset.path",
            format!("`dataset.path`: {} is a file, not a folder", path.display()),
        ),
        (Some(path), _) if !path.exists() => check.problems.push(Problem::missing_path(
            "dataset.path",
            format!("`dataset.path`: {} does not exist", path.display()),
        )),
        _ => {}
    }
}

fn classes(spec: &Spec, check: &mut Check) {
    let Some(classes) = &spec.dataset.classes else {
        return;
    };
    if classes.len() < 2 {
        let count = classes.len();
        let message = format!("`dataset.classes` names {count}; there must be at least 2 classes");
        check.problem("dataset.classes", message);
    }
    let known = spec.dataset.name.classes;
    let mut seen: HashSet<Choice> = HashSet::new();
    for (at, class) in classes.iter().enumerate() {
        let key = format!("dataset.classes.{at}");
        if let Some(known) = known
            && !class_is_known(class, known, &key, spec.dataset.name.as_str(), check)
        {
            continue;
        }
        let same = by_index(class, known);
        if !seen.insert(same) {
            check.problem(&key, format!("the class {} is named twice", shown(class)));
        }
    }
}

fn class_is_known(
    class: &Choice,
    known: &[&str],
    key: &str,
    dataset: &str,
    check: &mut Check,
) -> bool {
    let missing = format!("{dataset} has no class {}", shown(class));
    match class {
        Choice::Index(index) if *index >= known.len() => {
            let help = format!("its classes are 0 to {}", known.len().saturating_sub(1));
            check.problem_with_help(key, missing, help);
            false
        }
        Choice::Name(name) if !known.contains(&name.as_str()) => {
            let near = slip(name, known.iter().copied());
            let meant = near.map_or(String::new(), |near| format!("did you mean \"{near}\"? "));
            check.problem_with_help(key, missing, format!("{meant}classes: {}", listed(known)));
            false
        }
        _ => true,
    }
}

/// The class by its index where the names are known, so that two ways to write it are the same.
fn by_index(class: &Choice, known: Option<&[&str]>) -> Choice {
    match (class, known) {
        (Choice::Name(name), Some(known)) => known
            .iter()
            .position(|class| class == name)
            .map_or_else(|| class.clone(), Choice::Index),
        _ => class.clone(),
    }
}

fn shown(class: &Choice) -> String {
    match class {
        Choice::Name(name) => format!("\"{name}\""),
        Choice::Index(index) => index.to_string(),
    }
}

fn normalization(spec: &Spec, check: &mut Check) {
    let normalization = &spec.normalization;
    let scheme = normalization.scheme;
    let custom = scheme == NormalizationScheme::Custom;
    for (name, values) in [("mean", &normalization.mean), ("std", &normalization.std)] {
        let key = format!("normalization.{name}");
        let Some(values) = values else {
            if custom {
                let message = format!("scheme = \"custom\" needs `{key}`");
                let help = format!("add e.g. `{name} = [0.5, 0.5, 0.5]` to [normalization]");
                check.problem_with_help(&key, message, help);
            }
            continue;
        };
        if !custom {
            let message =
                format!("`{name}` is only used with scheme = \"custom\", not \"{scheme}\"");
            check.problem(&key, message);
        }
        if !matches!(values.len(), 1 | 3) {
            let count = values.len();
            let message =
                format!("`{key}` must have 1 value, or 3 (red, green, blue), not {count}");
            check.problem(&key, message);
        }
    }
}

fn resize(spec: &Spec, check: &mut Check) {
    let resize = &spec.resize;
    let set = [
        ("crop", resize.crop.is_some()),
        ("interpolation", resize.interpolation.is_some()),
    ];
    let owners = |option: &str| {
        let methods = ResizeMethod::ALL.iter();
        let takes = methods.filter(|method| Resize::options(**method).contains(&option));
        let names: Vec<&str> = takes.map(|method| method.as_str()).collect();
        names.join(", ")
    };
    let chosen = format!("resize.method = \"{}\"", resize.method);
    let taken = Resize::options(resize.method);
    check.options("resize", &chosen, &set, taken, &owners);
}
