//! The tensors of a pickle that `torch.save` wrote.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::objects::{Id, Object, Objects};

/// Dictionaries in dictionaries.
const DEPTH: usize = 8;
/// Entries of dictionaries that are looked at.
const ENTRIES: usize = 1 << 20;

/// A tensor, and where its values lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The name of the file in the archive.
    pub storage: String,
    /// Of the values there; a type's name where it is none that weights have.
    pub dtype: Result<Dtype, String>,
    /// How many values lie there.
    pub stored: usize,
    /// The first one's place.
    pub offset: usize,
    pub shape: Vec<usize>,
    /// How many values one must go on for the next along each dimension.
    pub strides: Vec<usize>,
}

/// Every tensor in dictionaries at any depth, its name the keys that lead to it, joined by dots.
///
/// # Errors
/// There is none, or too much to look at.
pub fn tensors(objects: &Objects) -> Result<BTreeMap<String, Tensor>, String> {
    let mut found = BTreeMap::new();
    let mut entries = 0;
    let mut dicts = vec![(objects.root(), String::new(), 0)];
    while let Some((id, prefix, depth)) = dicts.pop() {
        let Object::Dict(items) = objects.get(id) else {
            continue;
        };
        entries += items.len();
        if entries > ENTRIES {
            return Err("it has too many entries".into());
        }
        for &(key, value) in items {
            let key = match objects.get(key) {
                Object::Text(text) => text.clone(),
                Object::Int(n) => n.to_string(),
                _ => continue,
            };
            let name = match prefix.as_str() {
                "" => key,
                prefix => format!("{prefix}.{key}"),
            };
            match objects.get(value) {
                Object::Dict(_) if depth < DEPTH => dicts.push((value, name, depth + 1)),
                _ => {
                    if let Some(tensor) = tensor(objects, value, DEPTH) {
                        found.insert(name, tensor);
                    }
                }
            }
        }
    }
    match (found.is_empty(), objects.get(objects.root())) {
        (false, _) => Ok(found),
        (true, Object::Dict(_)) => Err("it has no tensors".into()),
        (true, _) => Err(
            "it is a whole object that torch.save pickled, not its weights; in Python: \
             torch.save(torch.load(\"FILE\", weights_only=False).state_dict(), \"WEIGHTS.pth\")"
                .into(),
        ),
    }
}

/// A tensor as `torch._utils` rebuilds it; none of other objects.
fn tensor(objects: &Objects, id: Id, depth: usize) -> Option<Tensor> {
    let &Object::Call(callable, arguments) = objects.get(id) else {
        return None;
    };
    let depth = depth.checked_sub(1)?;
    let arguments = objects.tuple(arguments)?;
    match (objects.global(callable)?, arguments) {
        (("torch._utils", "_rebuild_tensor_v2"), [storage, offset, shape, strides, ..]) => {
            let (storage, dtype, stored) = stored(objects, *storage)?;
            let tensor = Tensor {
                storage,
                dtype,
                stored,
                offset: objects.size(*offset)?,
                shape: objects.sizes(*shape)?,
                strides: objects.sizes(*strides)?,
            };
            (tensor.shape.len() == tensor.strides.len()).then_some(tensor)
        }
        (("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state"), [data, ..]) => {
            tensor(objects, *data, depth)
        }
        // A subclass of a tensor, which is rebuilt by a call of its own.
        (("torch._tensor", "_rebuild_from_type_v2"), [callable, _, arguments, ..]) => {
            match (objects.global(*callable)?, objects.tuple(*arguments)?) {
                (("torch._utils", "_rebuild_parameter"), [data, ..]) => {
                    tensor(objects, *data, depth)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// A storage's name, type and length: `("storage", torch.FloatStorage, "0", "cpu", 9)`.
fn stored(objects: &Objects, id: Id) -> Option<(String, Result<Dtype, String>, usize)> {
    let &Object::Persistent(id) = objects.get(id) else {
        return None;
    };
    let [_, class, name, _, length] = objects.tuple(id)? else {
        return None;
    };
    let (_, class) = objects.global(*class)?;
    let dtype = match class {
        "FloatStorage" => Ok(Dtype::F32),
        "HalfStorage" => Ok(Dtype::F16),
        "BFloat16Storage" => Ok(Dtype::BF16),
        "DoubleStorage" => Ok(Dtype::F64),
        other => Err(other.strip_suffix("Storage").unwrap_or(other).to_owned()),
    };
    Some((
        objects.text(*name)?.to_owned(),
        dtype,
        objects.size(*length)?,
    ))
}

impl Tensor {
    /// How many values lie from its first to its last; none where its numbers contradict one another.
    pub fn span(&self) -> Option<usize> {
        let elements = self.shape.iter().copied().try_fold(1, usize::checked_mul)?;
        if elements == 0 {
            return Some(0);
        }
        let mut last: usize = 0;
        for (length, stride) in self.shape.iter().zip(&self.strides) {
            last = last.checked_add((length - 1).checked_mul(*stride)?)?;
        }
        let span = last.checked_add(1)?;
        let fits = span.checked_add(self.offset)? <= self.stored && elements <= self.stored;
        fits.then_some(span)
    }

    /// Its values in rows, from those of [`Self::span`].
    pub fn in_rows(&self, values: Vec<f32>) -> Vec<f32> {
        let mut expected = 1;
        let is_in_rows = self
            .shape
            .iter()
            .zip(&self.strides)
            .rev()
            .all(|(length, stride)| {
                let fits = *length == 1 || *stride == expected;
                expected *= length;
                fits
            });
        if is_in_rows {
            return values;
        }
        let mut places = vec![0];
        for (length, stride) in self.shape.iter().zip(&self.strides) {
            let along = |place: usize| (0..*length).map(move |i| place + i * stride);
            places = places.into_iter().flat_map(along).collect();
        }
        let value = |place: usize| values.get(place).copied().unwrap_or_default();
        places.into_iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shape: &[usize], strides: &[usize], stored: usize) -> Tensor {
        Tensor {
            storage: "0".into(),
            dtype: Ok(Dtype::F32),
            stored,
            offset: 0,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
        }
    }

    #[test]
    fn a_transposed_tensor_is_put_into_rows() {
        // torch.arange(6.).reshape(2, 3).t(), whose stride is (1, 3), flattened
        let tensor = of(&[3, 2], &[1, 3], 6);
        assert_eq!(tensor.span(), Some(6));
        let values = (0..6).map(|v| v as f32).collect();
        assert_eq!(tensor.in_rows(values), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }

    #[test]
    fn a_tensor_of_more_than_its_storage_has_no_values() {
        assert_eq!(of(&[2, 3], &[3, 1], 6).span(), Some(6));
        for wrong in [
            of(&[2, 3], &[3, 1], 5),
            of(&[1 << 40], &[0], 6),
            of(&[usize::MAX, 2], &[1, 1], 6),
            of(&[2], &[usize::MAX], 6),
        ] {
            assert_eq!(wrong.span(), None, "{wrong:?}");
        }
    }
}
