//! Fitting the tensors of a file, or of a model that is yet to be trained, to a model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::codec::Shapes;
use super::names::{self, Naming};
use super::positions::{Positions, Resampling};
use super::prefix::Plain;
use super::read::Reader;
use super::{Error, HostTensor, Misfit};
use crate::graph::Role;
use crate::model::blueprint::{Blueprint, Classifier};
use crate::spec::Arch;

/// What a model takes from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub arch: Arch,
    /// Our names with PyTorch's shapes.
    pub tensors: Vec<(String, Vec<usize>)>,
    /// Those that a file may have for another number of patches.
    pub positions: Vec<Positions>,
    /// A layer that a file may have under its family's name.
    pub classifier: Option<Classifier>,
    /// Whether the file may hold other tensors beside them and the original classifier.
    pub extra: bool,
}

impl Wanted {
    /// The tensors of the first `nodes` nodes of a network.
    pub fn of(arch: Arch, blueprint: &Blueprint, nodes: usize, extra: bool) -> Self {
        let (mut all, mut positions) = (Vec::new(), Vec::new());
        let tensors = blueprint.graph.parameters();
        for (_, tensor) in tensors.filter(|(node, _)| *node < nodes) {
            all.push((tensor.name.clone(), tensor.file_shape()));
            if let Role::Positions { prefix, grid } = tensor.role {
                let tensor = tensor.name.clone();
                positions.push(Positions {
                    tensor,
                    prefix,
                    grid,
                });
            }
        }
        Wanted {
            arch,
            tensors: all,
            positions,
            classifier: blueprint.classifier.clone(),
            extra,
        }
    }
}

/// Reads the wanted tensors from a file with the runner's, torchvision's or timm's names.
///
/// The result has exactly the wanted names; beside it what is to be said of how they were read. Of the file's other tensors the original classifier's are passed over. A
/// dense layer that the file has as a convolution (timm's `pre_logits.fc1`) is flattened. What wrappers such as
/// DataParallel add to all names is left out. Position embeddings for another number of patches are resampled.
///
/// # Errors
/// As [`super::read`]; and the first tensor that is missing, of another shape, or left over.
pub fn load_saying(
    path: &Path,
    wanted: &Wanted,
) -> Result<(BTreeMap<String, HostTensor>, Option<String>), Error> {
    let mut tensors = BTreeMap::new();
    let said = each(path, wanted, |name, tensor| {
        tensors.insert(name.to_owned(), tensor);
    })?;
    Ok((tensors, said))
}

/// As [`load_saying`], where what is to be said has been said.
///
/// # Errors
/// The same.
pub fn load(path: &Path, wanted: &Wanted) -> Result<BTreeMap<String, HostTensor>, Error> {
    load_saying(path, wanted).map(|(tensors, _)| tensors)
}

/// Whether [`load`] would give the wanted tensors, none of which is kept; what is to be said of how they are read.
///
/// # Errors
/// As [`load`].
pub fn check(path: &Path, wanted: &Wanted) -> Result<Option<String>, Error> {
    each(path, wanted, |_, _| {})
}

/// Whether a model with these tensors, of our names, has what is wanted.
///
/// # Errors
/// The first tensor that is missing, of another shape, or left over.
pub fn check_shapes(shapes: &Shapes, wanted: &Wanted) -> Result<(), Misfit> {
    Fit::new(shapes, wanted)?.check()
}

/// Gives each wanted tensor with our name.
fn each(
    path: &Path,
    wanted: &Wanted,
    mut take: impl FnMut(&str, HostTensor),
) -> Result<Option<String>, Error> {
    let mut reader = Reader::open(path)?;
    let misfit = |misfit| Error::Misfit {
        path: path.to_path_buf(),
        misfit,
    };
    let shapes = reader.shapes().clone();
    let fit = Fit::new(&shapes, wanted).map_err(misfit)?;
    fit.check().map_err(misfit)?;
    let renamed = fit.plain.example();
    let mut said: Vec<String> = renamed
        .map(|(name, plain)| {
            format!("the tensor {name} is read as {plain}, and the others likewise")
        })
        .into_iter()
        .collect();
    for (name, shape) in &wanted.tensors {
        let Some(tensor) = reader.tensor(&fit.in_file(name))? else {
            continue;
        };
        if let Some(resampling) = fit.resampling(name, &tensor.shape, shape) {
            said.push(format!("{name} is resampled {resampling}"));
            take(name, resampling.apply(&tensor));
        } else {
            let (shape, data) = (shape.clone(), tensor.data);
            take(name, HostTensor { shape, data });
        }
    }
    let said = (!said.is_empty()).then(|| said.join("; "));
    Ok(said.map(|said| format!("{}: {said}", path.display())))
}

/// Tensors, and how their names are to be read.
struct Fit<'a> {
    shapes: &'a Shapes,
    wanted: &'a Wanted,
    plain: Plain,
    naming: Naming,
    /// What the tensors seem to be of, where that is not what is asked for.
    hint: String,
}

impl<'a> Fit<'a> {
    fn new(shapes: &'a Shapes, wanted: &'a Wanted) -> Result<Self, Misfit> {
        let all = shapes.keys().map(String::as_str);
        let first = wanted.tensors.first();
        let anchors = first.map(|(tensor, _)| names::everywhere(wanted.arch, tensor));
        let plain = Plain::of(all, &anchors.unwrap_or_default())?;
        let names: Vec<&str> = plain.names.keys().map(String::as_str).collect();
        let naming = names::naming(names.iter().copied());
        let arch = wanted.arch;
        let hint = match names::guess(names.iter().copied(), naming) {
            Some(other) if other != arch => {
                format!("; the file looks like {other}, the spec says {arch}")
            }
            Some(_) => String::new(),
            // Its names are the file's own, and the first that is missing says enough.
            None if arch.family.aliases().iter().all(|module| module.top) => String::new(),
            None => match names::family(shapes.keys().map(String::as_str)) {
                Some(family) => format!("; the file looks like {family}, the spec says {arch}"),
                None => format!("; the file does not look like {arch} or any other backbone"),
            },
        };
        Ok(Fit {
            shapes,
            wanted,
            plain,
            naming,
            hint,
        })
    }

    /// What the file calls our tensor.
    fn in_file(&self, tensor: &str) -> String {
        let plain = self.foreign(tensor);
        let classifier = self.wanted.classifier.as_ref();
        let of_family = || classifier.and_then(|classifier| classifier.in_file(tensor));
        let name = self.plain.names.get(&plain);
        let name = name.or_else(|| self.plain.names.get(&of_family()?));
        let of_keras = || names::kerass_name(self.wanted.arch, tensor);
        let name = name.or_else(|| self.plain.names.get(&of_keras()?));
        name.cloned()
            .unwrap_or_else(|| format!("{}{plain}", self.plain.prefix))
    }

    /// Our tensor's name as who wrote the file calls it.
    fn foreign(&self, tensor: &str) -> String {
        names::rename(self.wanted.arch, tensor, Naming::Ours, self.naming)
            .unwrap_or_else(|| tensor.to_string())
    }

    /// Both names, where they differ.
    fn shown(&self, tensor: &str) -> String {
        let in_file = self.in_file(tensor);
        if in_file == tensor {
            in_file
        } else {
            format!("{in_file} ({tensor})")
        }
    }

    fn check(&self) -> Result<(), Misfit> {
        for (tensor, shape) in &self.wanted.tensors {
            self.check_tensor(tensor, shape)?;
        }
        self.check_rest()
    }

    fn check_tensor(&self, tensor: &str, expected: &[usize]) -> Result<(), Misfit> {
        let Some(found) = self.shapes.get(&self.in_file(tensor)) else {
            return Err(Misfit::Missing {
                tensor: self.shown(tensor),
                shape: expected.to_vec(),
                hint: self.hint_without(tensor),
            });
        };
        let is_resampled = || self.resampling(tensor, found, expected).is_some();
        if found == expected || is_flattened(found, expected) || is_resampled() {
            return Ok(());
        }
        Err(Misfit::Shape {
            tensor: self.shown(tensor),
            found: found.to_vec(),
            expected: expected.to_vec(),
            hint: self.hint.clone(),
        })
    }

    /// How our tensor is made from one of the shape `found`, where that is for another number of patches.
    fn resampling(&self, tensor: &str, found: &[usize], expected: &[usize]) -> Option<Resampling> {
        let mut positions = self.wanted.positions.iter();
        let positions = positions.find(|positions| positions.tensor == tensor)?;
        let resampling = Resampling::between(found, expected, positions);
        resampling.filter(|_| found != expected)
    }

    /// What to say where our tensor is missing.
    fn hint_without(&self, tensor: &str) -> String {
        let elsewhere = self.plain.elsewhere(&self.foreign(tensor));
        if let Some(name) = elsewhere {
            let prefix = match self.plain.prefix.as_str() {
                "" => "stand without a prefix".to_owned(),
                prefix => format!("begin with `{prefix}`"),
            };
            format!("; the file has {name}, but others of its tensors {prefix}")
        } else if self.hint.is_empty() && names::is_top(self.wanted.arch, tensor, Naming::Ours) {
            "; the file has the backbone only, and backbone.include_top asks for its classifier too"
                .into()
        } else {
            self.hint.clone()
        }
    }

    /// Whether everything that is not taken may stay in the file.
    fn check_rest(&self) -> Result<(), Misfit> {
        if self.wanted.extra {
            return Ok(());
        }
        let wanted = self.wanted.tensors.iter();
        let taken: BTreeSet<String> = wanted.map(|(tensor, _)| self.in_file(tensor)).collect();
        let is_top = |plain: &str| names::is_top(self.wanted.arch, plain, self.naming);
        let inside = self.plain.names.iter();
        let mut inside = inside.filter(|(plain, name)| !taken.contains(*name) && !is_top(plain));
        let left_over = inside.next().map(|(_, name)| name);
        match left_over.or(self.plain.others.first()) {
            None => Ok(()),
            Some(name) => Err(Misfit::LeftOver {
                tensor: name.clone(),
                hint: self.hint.clone(),
            }),
        }
    }
}

/// Whether a convolution `[out, in, h, w]` is the dense layer `[out, in·h·w]`.
fn is_flattened(found: &[usize], expected: &[usize]) -> bool {
    match (found, expected) {
        ([out, rest @ ..], [rows, columns]) if rest.len() == 3 => {
            let mut rest = rest.iter().copied();
            out == rows && rest.try_fold(1, usize::checked_mul) == Some(*columns)
        }
        _ => false,
    }
}
