//! Which images of a dataset are wanted: the `classes` subset and the limits.

use std::collections::HashMap;
use std::fmt;

use crate::spec::{Choice, Dataset, Problem, slip};
use crate::split::composed;

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
        let places = all.iter().enumerate().map(|(i, name)| (name.as_str(), i));
        let places: HashMap<&str, usize> = places.collect();
        for (place, choice) in chosen.iter().enumerate() {
            let key = format!("dataset.classes.{place}");
            let (old, name) = find(choice, all, &places, &key)?;
            match subset.relabel.get_mut(old) {
                Some(new @ None) => *new = Some(place as u32),
                _ => return Err(Problem::new(key, format!("\"{name}\" is chosen twice"))),
            }
            subset.names.push(name.to_owned());
        }
        Ok(subset)
    }

    /// The new label of an old one, where it is wanted.
    pub fn label(&self, old: usize) -> Option<u32> {
        self.relabel.get(old).copied().flatten()
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
fn find<'a>(
    choice: &Choice,
    all: &'a [String],
    places: &HashMap<&str, usize>,
    key: &str,
) -> Result<(usize, &'a String), Problem> {
    match choice {
        Choice::Index(i) => {
            let named = i.to_string();
            let (at, is_name) = (all.get(*i), places.contains_key(&named[..]));
            match at {
                Some(name) if is_name && *name != named => {
                    let message =
                        format!("{i} is the index of class \"{name}\", and another's name");
                    let help = format!("name the class that is meant: \"{name}\" or \"{named}\"");
                    Err(Problem::new(key, message).help(help))
                }
                Some(name) => Ok((*i, name)),
                None if is_name => {
                    Err(Problem::new(key, format!("there is no class at index {i}"))
                        .help(format!("the class of that name is \"{named}\", in quotes")))
                }
                None => {
                    let last = all.len().saturating_sub(1);
                    Err(Problem::new(key, format!("there is no class {i}"))
                        .help(format!("classes are counted from 0 to {last}")))
                }
            }
        }
        Choice::Name(wanted) => {
            let wanted = &composed(wanted);
            let found = places
                .get(&wanted[..])
                .and_then(|&i| Some((i, all.get(i)?)));
            found.ok_or_else(|| {
                Problem::new(key, format!("there is no class \"{wanted}\""))
                    .help(suggestion(wanted, all))
            })
        }
    }
}

fn suggestion(wanted: &str, all: &[String]) -> String {
    match slip(wanted, all.iter().map(String::as_str)) {
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

    /// The new labels of the images that are wanted among the records with these labels.
    ///
    /// # Errors
    /// The first record of a label that is not there.
    pub fn pick_all(&mut self, labels: impl Iterator<Item = i64>) -> Result<Vec<u32>, String> {
        let pick = |(i, label)| {
            let picked = self.pick(label);
            picked.map_err(|wrong| format!("record {i}: {wrong}"))
        };
        let picked = labels.enumerate().map(pick);
        picked.filter_map(Result::transpose).collect()
    }

    /// Whether no further image can be wanted.
    fn is_full(&self) -> bool {
        self.left == 0
    }
}

/// A picker for each part.
#[derive(Clone, Debug)]
pub(super) struct Pickers {
    pub train: Picker,
    pub validation: Picker,
    pub test: Picker,
}

impl Pickers {
    /// The images of a subset, up to the limits.
    pub fn of(spec: &Dataset, subset: &Subset, train_limit: Option<usize>) -> Self {
        Pickers {
            train: subset.picker(train_limit),
            validation: subset.picker(None),
            test: subset.picker(spec.test_limit),
        }
    }
}
