//! Fitting a weight file to a model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::names::{self, Naming};
use super::read::Reader;
use super::{Error, HostTensor};
use crate::spec::Arch;

/// Reads the tensors a model of `arch` expects from a file with the runner's, torchvision's or timm's names.
///
/// `expected` are our names with PyTorch's shapes; the result has exactly those. Of the file's other tensors the
/// original classifier's are passed over, and those whose name `allow_extra` accepts (our name where the tensor has
/// one, else the file's). A dense layer that the file has as a convolution (timm's `pre_logits.fc1`) is flattened.
///
/// # Errors
/// As [`super::read`]; and the first tensor that is missing, of another shape, or left over.
pub fn load(
    path: &Path,
    arch: Arch,
    expected: &[(String, Vec<usize>)],
    allow_extra: &dyn Fn(&str) -> bool,
) -> Result<BTreeMap<String, HostTensor>, Error> {
    let mut fit = Fit::new(Reader::open(path)?, arch);
    for (tensor, shape) in expected {
        fit.check(tensor, shape)?;
    }
    let taken: BTreeSet<String> = expected.iter().map(|(t, _)| fit.in_file(t)).collect();
    fit.check_rest(&taken, allow_extra)?;
    let mut tensors = BTreeMap::new();
    for (tensor, shape) in expected {
        let in_file = fit.in_file(tensor);
        if let Some(HostTensor { data, .. }) = fit.reader.tensor(&in_file)? {
            let shape = shape.clone();
            tensors.insert(tensor.clone(), HostTensor { shape, data });
        }
    }
    Ok(tensors)
}

/// A file, and how its names are to be read.
struct Fit {
    reader: Reader,
    arch: Arch,
    naming: Naming,
    /// What the file seems to be, where it is not what is asked for.
    hint: String,
}

impl Fit {
    fn new(reader: Reader, arch: Arch) -> Self {
        let names: Vec<&str> = reader.names().collect();
        let naming = names::naming(names.iter().copied());
        let hint = match names::guess(names.iter().copied(), naming) {
            Some(other) if other != arch => {
                format!("; the file looks like {other}, the spec says {arch}")
            }
            Some(_) => String::new(),
            None => format!("; the file does not look like {arch} or any other backbone"),
        };
        Fit {
            reader,
            arch,
            naming,
            hint,
        }
    }

    /// What the file calls our tensor.
    fn in_file(&self, tensor: &str) -> String {
        names::rename(self.arch, tensor, Naming::Ours, self.naming)
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

    fn check(&self, tensor: &str, expected: &[usize]) -> Result<(), Error> {
        let Some(found) = self.reader.shape(&self.in_file(tensor)) else {
            return Err(Error::Missing {
                path: self.reader.path().to_path_buf(),
                tensor: self.shown(tensor),
                shape: expected.to_vec(),
                hint: self.hint_without(tensor),
            });
        };
        if found == expected || is_flattened(found, expected) {
            return Ok(());
        }
        Err(Error::Shape {
            path: self.reader.path().to_path_buf(),
            tensor: self.shown(tensor),
            found: found.to_vec(),
            expected: expected.to_vec(),
            hint: self.hint.clone(),
        })
    }

    /// What to say where our tensor is missing.
    fn hint_without(&self, tensor: &str) -> String {
        if self.hint.is_empty() && names::is_top(self.arch, tensor, Naming::Ours) {
            "; the file has the backbone only, and backbone.include_top asks for its classifier too"
                .into()
        } else {
            self.hint.clone()
        }
    }

    /// Whether everything that is not taken may stay in the file.
    fn check_rest(
        &self,
        taken: &BTreeSet<String>,
        allow_extra: &dyn Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let allowed = |name: &str| {
            let ours = names::rename(self.arch, name, self.naming, Naming::Ours);
            names::is_top(self.arch, name, self.naming)
                || allow_extra(ours.as_deref().unwrap_or(name))
        };
        let left_over = self
            .reader
            .names()
            .find(|name| !taken.contains(*name) && !allowed(name));
        match left_over {
            None => Ok(()),
            Some(name) => Err(Error::LeftOver {
                path: self.reader.path().to_path_buf(),
                tensor: name.to_string(),
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
