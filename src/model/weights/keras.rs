//! Keras's files of weights: HDF5 as Keras 1 to 3 wrote it (`.h5`), Keras 3's (`.weights.h5`), and that in its archives
//! (`.keras`).
//!
//! Tensors get their layer's name and PyTorch's layout: `block1_conv1.weight`. The first dense layer after convolutions
//! takes a flattened map, channels last in Keras and first in PyTorch.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use hdf5_pure::{AttrValue, Dataset, Group};
use zip::ZipArchive;

use super::codec::{Codec, Shapes, Trouble};
use super::{HostTensor, save};
use crate::graph::{Distribution, Parameter, Role, to_file};
use crate::guarded::guarded;

/// The weights of a `.keras` archive.
const INSIDE: &str = "model.weights.h5";
/// Groups in groups.
const DEPTH: usize = 8;
/// Keras does not compress; others may, and weights hardly become shorter.
const VALUES_A_BYTE: u64 = 4;
/// Groups that are looked at.
const GROUPS: usize = 1 << 16;

/// An open file.
pub(super) struct Keras {
    file: hdf5_pure::File,
    /// By the tensor's name.
    arrays: BTreeMap<String, Array>,
}

/// Where an array lies, and what it becomes.
struct Array {
    path: String,
    parameter: Parameter,
}

/// A layer's arrays by their paths, each with what Keras calls it, where that is known.
struct Layer {
    name: String,
    arrays: Vec<(String, Option<Word>)>,
}

/// What Keras calls an array of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Kernel,
    DepthwiseKernel,
    Bias,
    Gamma,
    Beta,
    MovingMean,
    MovingVariance,
}

impl Word {
    /// Of an array's name: `conv/kernel:0`.
    fn of(array: &str) -> Option<Self> {
        let last = array.rsplit('/').next()?;
        let word = last.split(':').next()?;
        Some(match word {
            "kernel" => Word::Kernel,
            "depthwise_kernel" => Word::DepthwiseKernel,
            "bias" => Word::Bias,
            "gamma" => Word::Gamma,
            "beta" => Word::Beta,
            "moving_mean" => Word::MovingMean,
            "moving_variance" => Word::MovingVariance,
            _ => return None,
        })
    }
}

impl Keras {
    /// Reads what layers a file has.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let open = || hdf5_pure::File::open_streaming(path).map_err(text);
        Keras::of(caught(open).map_err(Trouble::Wrong)?)
    }

    /// As [`Self::open`], of an archive.
    ///
    /// # Errors
    /// The same.
    pub fn open_archive(mut file: File) -> Result<Self, Trouble> {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let wrong = |error: zip::result::ZipError| Trouble::Wrong(error.to_string());
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(wrong)?;
        let mut bytes = Vec::new();
        // Keras stores it as it is.
        let entry = archive.by_name(INSIDE).map_err(wrong)?;
        entry.take(length).read_to_end(&mut bytes)?;
        let open = || hdf5_pure::File::from_bytes(bytes).map_err(text);
        Keras::of(caught(open).map_err(Trouble::Wrong)?)
    }

    fn of(file: hdf5_pure::File) -> Result<Self, Trouble> {
        let arrays = caught(|| arrays(&file)).map_err(Trouble::Wrong)?;
        Ok(Keras { file, arrays })
    }
}

/// Writes the tensors of a Keras file as safetensors.
///
/// # Errors
/// What is wrong with it.
pub fn convert(from: &Path, to: &Path) -> Result<(), String> {
    let why = |trouble| match trouble {
        Trouble::Io(error) => text(error),
        Trouble::Wrong(why) | Trouble::Type(why) => why,
    };
    let mut file = Keras::open(from).map_err(why)?;
    let mut tensors = BTreeMap::new();
    for (name, shape) in file.shapes() {
        if let Some(data) = file.values(&name).map_err(why)? {
            tensors.insert(name, HostTensor { shape, data });
        }
    }
    save(to, &tensors, &BTreeMap::new()).map_err(text)
}

impl Codec for Keras {
    fn shapes(&self) -> Shapes {
        let shape = |(name, array): (&String, &Array)| (name.clone(), array.parameter.file_shape());
        self.arrays.iter().map(shape).collect()
    }

    fn values(&mut self, name: &str) -> Result<Option<Vec<f32>>, Trouble> {
        let Some(Array { path, parameter }) = self.arrays.get(name) else {
            return Ok(None);
        };
        let file = &self.file;
        if parameter.elements() as u64 > VALUES_A_BYTE.saturating_mul(file.file_size()) {
            let why = format!("array {path} promises more values than the file can hold");
            return Err(Trouble::Wrong(why));
        }
        let read = || {
            file.dataset(path)
                .and_then(|array| array.read_f32())
                .map_err(text)
        };
        let values = caught(read).map_err(|why| Trouble::Wrong(format!("array {path}: {why}")))?;
        if values.len() != parameter.elements() {
            let why = format!("array {path} has not as many values as its shape says");
            return Err(Trouble::Wrong(why));
        }
        Ok(Some(to_file(parameter, &values)))
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What `read` gives; a panic of the library on a damaged file is an error.
fn caught<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    guarded(read).unwrap_or_else(|_| Err("it is damaged".into()))
}

/// The arrays of every layer.
fn arrays(file: &hdf5_pure::File) -> Result<BTreeMap<String, Array>, String> {
    let root = file.root();
    let whole = root.group("model_weights").ok();
    let (group, before) = match &whole {
        Some(group) => (group, "model_weights/"),
        None => (&root, ""),
    };
    let layers = match names(group, "layer_names")? {
        Some(layers) => named(group, before, layers)?,
        None => numbered(&root)?,
    };
    let mut arrays = BTreeMap::new();
    let mut channels = None;
    for layer in layers {
        for (path, word) in layer.arrays {
            let wrong = |why: String| format!("layer {}, {path}: {why}", layer.name);
            let array = file
                .dataset(&path)
                .map_err(|error| wrong(error.to_string()))?;
            let Some(parameter) = parameter(&array, word, &mut channels).map_err(wrong)? else {
                continue;
            };
            let name = format!("{}.{}", layer.name.replace('/', "."), parameter.name);
            let array = Array { path, parameter };
            if arrays.insert(name.clone(), array).is_some() {
                return Err(format!("it has two tensors for {name}"));
            }
        }
    }
    match arrays.is_empty() {
        true => Err("it is no Keras file of weights: it has no layers with weights".into()),
        false => Ok(arrays),
    }
}

/// Layers that attributes name, in the model's order: Keras 1 and 2, and 3's `.h5`.
fn named(group: &Group, before: &str, layers: Vec<String>) -> Result<Vec<Layer>, String> {
    let mut found: Vec<Layer> = Vec::new();
    for name in layers {
        let inside = group
            .group(&name)
            .map_err(|error| format!("layer {name}: {error}"))?;
        let arrays = names(&inside, "weight_names")?.unwrap_or_default();
        // A model in the model lists the arrays of all its layers: `block1_conv1/kernel`. A layer by itself has one of a kind.
        let kinds: Vec<Word> = arrays.iter().filter_map(|array| Word::of(array)).collect();
        let is_model = kinds
            .iter()
            .enumerate()
            .any(|(i, word)| kinds[..i].contains(word));
        for array in &arrays {
            let layer = match layer_of(array) {
                Some(layer) if is_model => layer,
                _ => &name,
            };
            if found.last().is_none_or(|last| last.name != layer) {
                found.push(Layer {
                    name: layer.to_owned(),
                    arrays: Vec::new(),
                });
            }
            if let Some(last) = found.last_mut() {
                last.arrays
                    .push((format!("{before}{name}/{array}"), Word::of(array)));
            }
        }
    }
    Ok(found)
}

/// The layer in an array's name: `block1_conv1` of `vgg16/block1_conv1/kernel:0`.
fn layer_of(array: &str) -> Option<&str> {
    array.rsplit('/').nth(1)
}

/// Layers whose arrays are numbered: Keras 3's `.weights.h5`. Those with maps come first, then in the order of their groups,
/// which is that of the model among layers of a class.
fn numbered(root: &Group) -> Result<Vec<Layer>, String> {
    let mut layers = Vec::new();
    let mut groups = vec![(root.clone(), String::new(), 0)];
    let mut seen = 0;
    while let Some((group, path, depth)) = groups.pop() {
        seen += 1;
        if seen > GROUPS {
            return Err("it has too many groups".into());
        }
        for name in group.groups().map_err(text)? {
            // The optimizer's lie beside the layers.
            if depth >= DEPTH || depth == 0 && name == "optimizer" {
                continue;
            }
            let inside = group.group(&name).map_err(text)?;
            let path = match path.as_str() {
                "" => name.clone(),
                path => format!("{path}/{name}"),
            };
            if name == "vars" {
                layers.extend(numbered_layer(&inside, &path)?);
            } else {
                groups.push((inside, path, depth + 1));
            }
        }
    }
    layers.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(layers.into_iter().map(|(_, layer)| layer).collect())
}

/// Where a layer comes: after those with maps, by its group's name, by its group's number.
type Order = (bool, String, usize);

fn numbered_layer(vars: &Group, path: &str) -> Result<Option<(Order, Layer)>, String> {
    let mut numbers: Vec<usize> = vars
        .datasets()
        .map_err(text)?
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    numbers.sort_unstable();
    let above = path.strip_suffix("/vars").unwrap_or_default();
    let group = above.rsplit('/').next().unwrap_or_default();
    let mut ranks = Vec::new();
    for number in &numbers {
        let array = vars.dataset(&number.to_string()).map_err(text)?;
        ranks.push(array.shape().map_err(text)?.len());
    }
    // In the order in which layers make them.
    let is_depthwise = group.starts_with("depthwise_conv2d");
    let words: &[Word] = match ranks.as_slice() {
        [1, 1, 1, 1] => &[
            Word::Gamma,
            Word::Beta,
            Word::MovingMean,
            Word::MovingVariance,
        ],
        [1, 1] => &[Word::Gamma, Word::Beta],
        [4] | [4, 1] if is_depthwise => &[Word::DepthwiseKernel, Word::Bias],
        [2 | 4] | [2 | 4, 1] => &[Word::Kernel, Word::Bias],
        _ => return Ok(None),
    };
    let array = |(number, word): (&usize, &Word)| (format!("{path}/{number}"), Some(*word));
    let name = vars.attrs().map_err(text)?.remove("name");
    let layer = Layer {
        name: match name {
            Some(
                AttrValue::String(name)
                | AttrValue::AsciiString(name)
                | AttrValue::VarLenString(name)
                | AttrValue::VarLenAsciiString(name),
            ) => name,
            _ => group.to_owned(),
        },
        arrays: numbers.iter().zip(words).map(array).collect(),
    };
    let (class, number) = match group.rsplit_once('_') {
        Some((class, number)) if number.parse::<usize>().is_ok() => (class, number),
        _ => (group, "0"),
    };
    let order = (
        !ranks.contains(&4),
        class.to_owned(),
        number.parse().unwrap_or(0),
    );
    Ok(Some((order, layer)))
}

/// A list of names beside a group, which Keras writes as numbers where it is empty; none where there is none.
fn names(group: &Group, key: &str) -> Result<Option<Vec<String>>, String> {
    let mut attributes = group.attrs().map_err(text)?;
    Ok(match attributes.remove(key) {
        Some(
            AttrValue::StringArray(names)
            | AttrValue::AsciiStringArray(names)
            | AttrValue::VarLenStringArray(names)
            | AttrValue::VarLenAsciiStringArray(names),
        ) => Some(names),
        Some(
            AttrValue::StringArraySized { values, .. }
            | AttrValue::AsciiStringArraySized { values, .. },
        ) => Some(values),
        Some(_) => Some(Vec::new()),
        None => None,
    })
}

/// What an array is to its layer; none of one that no layer here has. `channels` are those of the last convolution, as long
/// as no dense layer followed.
fn parameter(
    array: &Dataset,
    word: Option<Word>,
    channels: &mut Option<usize>,
) -> Result<Option<Parameter>, String> {
    let shape = array.shape().map_err(text)?;
    let sizes: Result<Vec<usize>, _> = shape.iter().map(|n| usize::try_from(*n)).collect();
    let shape = sizes.map_err(text)?;
    let (name, role, extent) = match (shape.as_slice(), word) {
        (&[n], Some(Word::Gamma)) => ("weight", Role::Gamma, vec![n]),
        (&[n], Some(Word::MovingMean)) => ("running_mean", Role::MovingMean, vec![n]),
        (&[n], Some(Word::MovingVariance)) => ("running_var", Role::MovingVariance, vec![n]),
        (&[n], _) => ("bias", Role::Bias, vec![n]),
        (&[h, w, c, 1], Some(Word::DepthwiseKernel)) => {
            *channels = Some(c);
            ("weight", Role::Kernel { dense: false }, vec![h, w, 1, c])
        }
        (&[_, _, _, o], _) => {
            *channels = Some(o);
            ("weight", Role::Kernel { dense: false }, shape)
        }
        (&[i, o], _) => {
            let flattened = channels.take().filter(|c| *c > 0 && i % c == 0);
            let c = flattened.unwrap_or(i).max(1);
            let extent = vec![i / c, 1, c, o];
            ("weight", Role::Kernel { dense: true }, extent)
        }
        _ => return Ok(None),
    };
    let parameter = Parameter {
        name: name.into(),
        role,
        extent,
        initial: Distribution::Constant(0.0),
    };
    match parameter.checked_elements() {
        Some(_) => Ok(Some(parameter)),
        None => Err("its shape has too many values".into()),
    }
}

#[cfg(test)]
mod tests;
