//! `[dataset]`, `[normalization]` and `[resize]`.

use std::collections::HashSet;
use std::path::Path;

use super::check::Check;
use super::choice::Chosen;
use crate::choice::owners;
use crate::datasets::{GROUP_COLUMN, LABEL_SEPARATOR, PartsOf, PathUse, REPOSITORY, REVISION};
use crate::spec::explain::listed;
use crate::spec::problem::Problem;
use crate::spec::suggest::slip;
use crate::spec::types::{
    Dataset, DatasetTable, Normalization, NormalizationScheme, Resize, ResizeMethod, Spec, Table,
    Validation,
};
use crate::spec::values::Choice;

pub(super) fn check(spec: &Spec, check: &mut Check) {
    if spec.dataset.test_split > 0.0 && spec.dataset.name.parts == PartsOf::Published {
        let message = format!(
            "`dataset.test_split` is for datasets without a test part; {} has its own",
            spec.dataset.name
        );
        check.problem_with_help("dataset.test_split", message, "remove `test_split`");
    }
    options(spec, check);
    path(spec, check);
    memory(spec, check);
    several_labels(spec, check);
    groups(spec, check);
    fold(spec, check);
    classes(spec, check);
    normalization(spec, check);
    resize(spec, check);
    views(spec, check);
}

fn views(spec: &Spec, check: &mut Check) {
    if spec.augmentation.views.is_some() && spec.augmentation.mixes() {
        check.problem_with_help(
            "augmentation.views",
            "`augmentation.views` is for images that stay the same, and mixup and cutmix mix each batch anew",
            "remove `views`, or mixup and cutmix",
        );
    }
    if spec.augmentation.views.is_some() && !spec.augmentation.is_active() {
        check.problem_with_help(
            "augmentation.views",
            "`augmentation.views` is for images that are changed at random, and nothing in [augmentation] changes them",
            "remove `views`; or add a change, e.g. horizontal_flip = true",
        );
    }
}

fn options(spec: &Spec, check: &mut Check) {
    let dataset = &spec.dataset;
    let choice = &dataset.name.row().choice;
    let chosen = Chosen::named(choice, DatasetTable::TAG, choice.name);
    check.choice("dataset", &chosen, &dataset.options, Dataset::choices());
}

/// Refuses what contradicts several labels an image, or is for them alone.
fn several_labels(spec: &Spec, check: &mut Check) {
    let (key, dataset) = ("dataset.multi_label", &spec.dataset);
    if !dataset.multi_label {
        if dataset.options.has(&LABEL_SEPARATOR) {
            check.problem_with_help(
                "dataset.label_separator",
                "`dataset.label_separator` is for images with several labels",
                "add `multi_label = true`, or remove `label_separator`",
            );
        }
        return;
    }
    if dataset.options.text(&LABEL_SEPARATOR).is_empty() && dataset.options.has(&LABEL_SEPARATOR) {
        let message = "`dataset.label_separator` is empty";
        check.problem_with_help("dataset.label_separator", message, "set it to e.g. \"|\"");
    }
    let owners = owners(Dataset::choices(), LABEL_SEPARATOR.name);
    if !owners.contains(&dataset.name.as_str()) {
        let (name, owners) = (dataset.name, owners.join(", "));
        let message = format!("the images of {name} have one label each; `{key}` is for {owners}");
        check.problem_with_help(
            key,
            message,
            "use name = \"table\", or remove `multi_label`",
        );
    }
    if dataset.classes.is_some() {
        check.problem_with_help(
            "dataset.classes",
            "`dataset.classes` chooses images by their one label, and with `dataset.multi_label` they have several",
            "remove `classes`",
        );
    }
}

/// Refuses a limit for decoded images where none are decoded.
fn memory(spec: &Spec, check: &mut Check) {
    let name = spec.dataset.name;
    if spec.dataset.memory.is_none() || name.image.is_none() {
        return;
    }
    let message = format!(
        "`dataset.memory` is for images that are files of any size; those of {name} stay in memory as they are stored"
    );
    check.problem_with_help("dataset.memory", message, "remove `memory`");
}

/// Refuses groups that nothing says.
fn groups(spec: &Spec, check: &mut Check) {
    let dataset = &spec.dataset;
    if dataset.validation != Validation::Group || dataset.group_column().is_some() {
        return;
    }
    let message = "`dataset.validation = \"group\"` needs `dataset.group_column`";
    let owners = owners(Dataset::choices(), GROUP_COLUMN.name);
    let help = match owners.contains(&dataset.name.as_str()) {
        true => format!(
            "add e.g. `group_column = \"patient\"`: {}",
            GROUP_COLUMN.about
        ),
        false => format!(
            "{} says no groups; datasets that can: {}",
            dataset.name,
            owners.join(", ")
        ),
    };
    check.problem_with_help("dataset.validation", message, help);
}

/// Refuses a fold that there is not.
fn fold(spec: &Spec, check: &mut Check) {
    let (key, dataset) = ("dataset.fold", &spec.dataset);
    match (dataset.fold, dataset.folds) {
        (Some(fold), None) => check.problem_with_help(
            key,
            format!("`{key} = {fold}` needs `dataset.folds`"),
            "add `folds = 5`: into how many parts the training images are divided",
        ),
        (Some(fold), Some(folds)) if fold >= folds => check.problem_with_help(
            key,
            format!("`{key} = {fold}`, but `dataset.folds = {folds}`"),
            format!("folds are counted from 0 to {}", folds.saturating_sub(1)),
        ),
        _ => {}
    }
}

fn path(spec: &Spec, check: &mut Check) {
    let name = spec.dataset.name;
    match (&spec.dataset.path, name.path) {
        (None, PathUse::Files(what)) => check.problem_with_help(
            "dataset.path",
            format!("a {name} needs `dataset.path`: {what}"),
            "add `path = \"…\"` to [dataset]",
        ),
        // A pattern is looked at where the files are.
        (Some(path), PathUse::Files(_)) if is_pattern(path) => {}
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
        (Some(_), PathUse::Repository) => check.problem_with_help(
            "dataset.path",
            "`dataset.path` is not read: the hub's repositories are named by `dataset.repository`",
            "remove `path`; for Parquet files on this machine take name = \"table\"",
        ),
        (None, PathUse::Repository) => repository(spec, check),
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

/// Refuses names that none of the hub's repositories has, and revisions that lead elsewhere.
fn repository(spec: &Spec, check: &mut Check) {
    let options = &spec.dataset.options;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = |part: &str| {
        !part.is_empty()
            && part.chars().all(is_plain)
            && !part.starts_with('.')
            && !part.contains("..")
    };
    let revision = options.text(&REVISION);
    match options.text_if_set(&REPOSITORY) {
        None => check.problem_with_help(
            "dataset.name",
            "`dataset.name = \"hub\"` needs `dataset.repository`",
            "add e.g. `repository = \"ethz/food101\"`",
        ),
        Some(name) if name.split('/').count() > 2 || !name.split('/').all(is_name) => check
            .problem_with_help(
                "dataset.repository",
                format!("\"{name}\" is no name of a repository"),
                "name it as its page does: the owner, a slash and the name, e.g. \"ethz/food101\"",
            ),
        Some(_) if !revision.split('/').all(is_name) => check.problem_with_help(
            "dataset.revision",
            format!("\"{revision}\" is no name of a revision"),
            "name a branch, a tag or a commit, e.g. \"main\"",
        ),
        Some(_) => {}
    }
}

/// Whether a path stands for those that fit it.
fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
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
    let choice = normalization.scheme.choice();
    let scheme = format!("scheme = \"{}\"", choice.name);
    let chosen = Chosen::named(choice, Normalization::TAG, scheme);
    let choices = NormalizationScheme::choices().iter();
    check.choice("normalization", &chosen, &normalization.options, choices);
}

fn resize(spec: &Spec, check: &mut Check) {
    let choice = spec.resize.method.choice();
    let method = format!("resize.method = \"{}\"", choice.name);
    let chosen = Chosen::named(choice, Resize::TAG, method);
    let choices = ResizeMethod::choices().iter();
    check.choice("resize", &chosen, &spec.resize.options, choices);
}
