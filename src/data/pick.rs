//! Which images of a dataset are wanted: the `classes` subset and the limits.

use std::fmt;

use crate::spec::{Choice, Dataset, Problem};

/// The chosen classes.
#[derive(Clone, Debug)]
pub(super) struct Subset {
    /// The names, in the order of the new labels.
    pub names: Vec<String>,
    /// The new label of each old one, where it is wanted.
    relabel: Vec<Option<u32>>,
}

impl Subset {
    /// The classes that `spec.classes` chooses of `all`.
    ///
    /// # Errors
    /// A class that is not there or is named twice; no class at all.
    pub fn new(spec: &Dataset, all: &[String]) -> Result<Self, Problem> {
        let Some(chosen) = &spec.classes else {
            return Ok(Subset {
                names: all.to_vec(),
                relabel: (0..all.len() as u32).map(Some).collect(),
            });
        };
        if chosen.is_empty() {
            return Err(Problem::new("dataset.classes", "chooses no class")
                .help("leave the key out to take all of them"));
        }
        let mut subset = Subset {
            names: Vec::with_capacity(chosen.len()),
            relabel: vec![None; all.len()],
        };
        for (place, choice) in chosen.iter().enumerate() {
            let key = format!("dataset.classes.{place}");
            let (old, name) = find(choice, all, &key)?;
            match subset.relabel.get_mut(old) {
                Some(new @ None) => *new = Some(place as u32),
                _ => return Err(Problem::new(key, format!("\"{name}\" is chosen twice"))),
            }
            subset.names.push(name.to_owned());
        }
        Ok(subset)
    }

    /// Picks the first `limit` images of the chosen classes.
    pub fn picker(&self, limit: Option<usize>) -> Picker {
        Picker {
            relabel: self.relabel.clone(),
            left: limit.unwrap_or(usize::MAX),
        }
    }
}

/// The index and name of a chosen class.
fn find<'a>(choice: &Choice, all: &'a [String], key: &str) -> Result<(usize, &'a String), Problem> {
    match choice {
        Choice::Index(i) => all.get(*i).map(|name| (*i, name)).ok_or_else(|| {
            let last = all.len().saturating_sub(1);
            Problem::new(key, format!("there is no class {i}"))
                .help(format!("classes are counted from 0 to {last}"))
        }),
        Choice::Name(wanted) => {
            let found = all.iter().enumerate().find(|(_, name)| *name == wanted);
            found.ok_or_else(|| {
                Problem::new(key, format!("there is no class \"{wanted}\""))
                    .help(suggestion(wanted, all))
            })
        }
    }
}

fn suggestion(wanted: &str, all: &[String]) -> String {
    let likeness = |name: &String| {
        strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &wanted.to_lowercase())
    };
    let nearest = all
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|name| likeness(name) > 0.5);
    match nearest {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => format!("the classes are {}", all.join(", ")),
    }
}

/// Goes through labels in the order of the files and says which images are wanted.
#[derive(Clone, Debug)]
pub(super) struct Picker {
    relabel: Vec<Option<u32>>,
    left: usize,
}

/// A label that the dataset does not have.
#[derive(Debug)]
pub(super) struct BadLabel {
    label: i64,
    classes: usize,
}

impl fmt::Display for BadLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.classes.saturating_sub(1);
        write!(f, "label {}, expected 0 to {last}", self.label)
    }
}

impl Picker {
    /// The new label of the next image, if it is wanted.
    pub fn pick(&mut self, label: i64) -> Result<Option<u32>, BadLabel> {
        let new = usize::try_from(label)
            .ok()
            .and_then(|label| self.relabel.get(label))
            .ok_or(BadLabel {
                label,
                classes: self.relabel.len(),
            })?;
        if self.is_full() || new.is_none() {
            return Ok(None);
        }
        self.left -= 1;
        Ok(*new)
    }

    /// Whether images with this label can be wanted at all.
    pub fn wants(&self, label: usize) -> bool {
        matches!(self.relabel.get(label), Some(Some(_)))
    }

    /// Whether no further image can be wanted.
    fn is_full(&self) -> bool {
        self.left == 0
    }
}

/// A picker for each part; the files of most datasets have no validation part.
#[derive(Clone, Debug)]
pub(super) struct Pickers {
    pub train: Picker,
    pub validation: Picker,
    pub test: Picker,
}
