//! From mistakes and problems to diagnostics with the place that is to be changed.

use super::diagnostic::Diagnostic;
use super::explain::explain;
use super::key::{self, KeyPath};
use super::origin::{Origin, Part};
use super::position::Position;
use super::problem::Problem;
use super::read::Mistake;

/// serde's complaints, each at its place.
pub(super) fn diagnostics(
    mistakes: &[Mistake],
    locate: &dyn Fn(&[String], Part) -> Position,
) -> Vec<Diagnostic> {
    mistakes
        .iter()
        .map(|mistake| explain(mistake, locate))
        .collect()
}

/// A problem with the place of its key; `point` leads from swept keys to the values of the run it shows in.
pub(super) fn located(
    origin: &Origin,
    point: &[(KeyPath, KeyPath)],
    problem: &Problem,
) -> Diagnostic {
    let path = key::parse(&problem.key).unwrap_or_else(|_| key::path(&[&problem.key]));
    let path = shown_at(origin, point, path, problem.chosen_by.as_deref());
    let place = origin.locate(&path, Part::Value);
    let mut diagnostic = Diagnostic::new(place, problem.message.clone());
    diagnostic.help.extend(problem.help.clone());
    if problem.is_missing_path {
        diagnostic.help.push(match diagnostic.place {
            Position::Flag(_) | Position::Variable(_) => {
                "a relative path in a flag or a variable starts in the current folder".into()
            }
            _ => "a relative path starts in the folder of the file it stands in".into(),
        });
    }
    if origin.exact(&path).is_none() && !key::is_in_axis(&path) && !is_element(&path) {
        let note = format!(
            "`{}` is not written anywhere; it would go here",
            problem.key
        );
        diagnostic.notes.push(note);
    }
    diagnostic
}

/// Where a problem at `path` shows: where it is written, on an axis or below a table that an axis adds to; else where an
/// axis has what its table is about.
fn shown_at(
    origin: &Origin,
    point: &[(KeyPath, KeyPath)],
    path: KeyPath,
    chosen_by: Option<&str>,
) -> KeyPath {
    let swept = on_axis(&path, point);
    let is_written = |path: &KeyPath| origin.exact(path).is_some();
    if let Some(swept) = swept.as_ref().filter(|swept| is_written(swept)) {
        return swept.clone();
    }
    if swept.is_some() && is_written(&path) {
        return path;
    }
    let chosen = || on_axis(&key::parse(chosen_by?).ok()?, point).filter(is_written);
    swept.or_else(chosen).unwrap_or(path)
}

/// The place of a swept key, or of something inside it.
pub(super) fn on_axis(path: &[String], point: &[(KeyPath, KeyPath)]) -> Option<KeyPath> {
    point.iter().find_map(|(swept, place)| {
        let below = key::below(path, swept)?;
        Some([place, below].concat())
    })
}

fn is_element(path: &[String]) -> bool {
    path.last()
        .is_some_and(|last| last.parse::<usize>().is_ok())
}
