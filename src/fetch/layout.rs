//! The head of a safetensors file: its tensors' names, types, shapes and places.
//!
//! A file is an 8-byte little-endian length, so many bytes of JSON, and the tensors' bytes without gaps
//! (<https://github.com/huggingface/safetensors>, "Format").

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

use safetensors::tensor::{Metadata, TensorInfo};
use serde_json::{Map, Value};

/// Bytes before the JSON.
pub(crate) const LENGTH_BYTES: u64 = 8;

/// No honest head is longer, in bytes; the limit of the safetensors library.
const MAX_JSON: u64 = 100_000_000;

/// Why a file's head cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What is wrong with the file.
    #[error("{0}")]
    Wrong(String),
}

/// What the head of a safetensors file says, checked: the tensors lie one after the other, each as long as its type
/// and shape make it.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// In the order of their bytes; offsets count from the end of the head.
    pub tensors: Vec<(String, TensorInfo)>,
    /// The free text beside them.
    pub metadata: BTreeMap<String, String>,
}

impl Layout {
    /// The head of a whole file, and where in it the tensors' bytes begin.
    pub fn read(file: &mut File) -> Result<(Self, u64), Unreadable> {
        let length = file.metadata()?.len();
        if length < LENGTH_BYTES {
            let reason = format!("the file has only {length} bytes");
            return Err(Unreadable::Wrong(reason));
        }
        let mut first = [0; LENGTH_BYTES as usize];
        file.read_exact(&mut first)?;
        let json_length = Layout::json_length(first).map_err(Unreadable::Wrong)?;
        let start = LENGTH_BYTES + json_length;
        if start > length {
            return Err(Unreadable::Wrong(format!(
                "this is not a safetensors file, or it is cut: its head would have {json_length} \
                 bytes, the file has {length}"
            )));
        }
        let mut json = Vec::new();
        file.take(json_length).read_to_end(&mut json)?;
        let layout = Layout::parse(&json).map_err(Unreadable::Wrong)?;
        let described = start + layout.data_length();
        if described != length {
            return Err(Unreadable::Wrong(format!(
                "the file has {length} bytes, but its head describes {described}"
            )));
        }
        Ok((layout, start))
    }

    /// The length of the JSON, from a file's first 8 bytes.
    pub fn json_length(first: [u8; 8]) -> Result<u64, String> {
        let length = u64::from_le_bytes(first);
        if (2..=MAX_JSON).contains(&length) {
            Ok(length)
        } else {
            Err(format!(
                "this is not a safetensors file: its head would have {length} bytes"
            ))
        }
    }

    /// Reads and checks the JSON.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let head: Metadata = serde_json::from_slice(json)
            .map_err(|e| format!("the head of the safetensors file is wrong: {e}"))?;
        let info = |name: String| {
            let info = head.info(&name)?.clone();
            Some((name, info))
        };
        Ok(Layout {
            tensors: head.offset_keys().into_iter().filter_map(info).collect(),
            metadata: head
                .metadata()
                .clone()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        })
    }

    /// The layout of tensors written in this order.
    pub fn of(
        tensors: impl IntoIterator<Item = (String, safetensors::Dtype, Vec<usize>, usize)>,
        metadata: BTreeMap<String, String>,
    ) -> Self {
        let mut end = 0;
        let tensors = tensors.into_iter().map(|(name, dtype, shape, bytes)| {
            let start = end;
            end += bytes;
            let info = TensorInfo {
                dtype,
                shape,
                data_offsets: (start, end),
            };
            (name, info)
        });
        Layout {
            tensors: tensors.collect(),
            metadata,
        }
    }

    /// The tensors' bytes altogether.
    pub fn data_length(&self) -> u64 {
        self.tensors
            .last()
            .map_or(0, |(_, info)| info.data_offsets.1 as u64)
    }

    /// Only the tensors that are wanted, and where their bytes are in this one's data, neighbours joined.
    pub fn select(&self, wanted: &dyn Fn(&str) -> bool) -> (Layout, Vec<Range<u64>>) {
        let chosen = || self.tensors.iter().filter(|(name, _)| wanted(name));
        let mut places: Vec<Range<u64>> = Vec::new();
        for (_, info) in chosen() {
            let (start, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
            match places.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => places.push(start..end),
            }
        }
        places.retain(|place| !place.is_empty());
        let tensors = chosen().map(|(name, info)| {
            let bytes = info.data_offsets.1 - info.data_offsets.0;
            (name.clone(), info.dtype, info.shape.clone(), bytes)
        });
        (Layout::of(tensors, self.metadata.clone()), places)
    }

    /// The head's bytes: equal layouts give equal bytes. Padded so that the data begins at a multiple of 8.
    pub fn encode(&self) -> Vec<u8> {
        let mut json = Map::new();
        if !self.metadata.is_empty() {
            let entry = |(k, v): (&String, &String)| (k.clone(), Value::String(v.clone()));
            let metadata = self.metadata.iter().map(entry).collect();
            json.insert("__metadata__".into(), Value::Object(metadata));
        }
        for (name, info) in &self.tensors {
            let (start, end) = info.data_offsets;
            json.insert(
                name.clone(),
                serde_json::json!({
                    "dtype": info.dtype.to_string(),
                    "shape": info.shape,
                    "data_offsets": [start, end],
                }),
            );
        }
        let mut text = Value::Object(json).to_string().into_bytes();
        text.resize(text.len().next_multiple_of(8), b' ');
        let mut head = (text.len() as u64).to_le_bytes().to_vec();
        head.append(&mut text);
        head
    }
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;

    use super::*;

    fn layout() -> Layout {
        let tensor = |name: &str, n: usize| (name.to_string(), Dtype::F32, vec![n], 4 * n);
        let metadata = [("b", "2"), ("a", "1")].map(|(k, v)| (k.to_string(), v.to_string()));
        Layout::of(
            [
                tensor("a", 1),
                tensor("b", 2),
                tensor("c", 3),
                tensor("d", 4),
            ],
            metadata.into_iter().collect(),
        )
    }

    #[test]
    fn neighbours_are_joined_and_moved_to_the_front() {
        let (chosen, places) = layout().select(&|name| name != "b");
        assert_eq!(places, [0..4, 12..40]);
        let offsets: Vec<_> = chosen.tensors.iter().map(|(_, i)| i.data_offsets).collect();
        assert_eq!(offsets, [(0, 4), (4, 16), (16, 32)]);
        assert_eq!(chosen.data_length(), 32);
    }

    #[test]
    fn the_safetensors_library_reads_what_is_encoded() {
        let layout = layout();
        let mut file = layout.encode();
        file.resize(file.len() + layout.data_length() as usize, 0);
        let (length, head) = safetensors::SafeTensors::read_metadata(&file).unwrap();
        assert_eq!(length % 8, 0);
        assert_eq!(head.offset_keys(), ["a", "b", "c", "d"]);
        assert_eq!(head.metadata().as_ref().unwrap()["a"], "1");
    }

    #[test]
    fn lying_heads_are_refused() {
        for (json, why) in [
            (
                r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
                "shape",
            ),
            (
                r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
                "offset",
            ),
            (
                r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}"#,
                "offset",
            ),
            (
                r#"{"a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,4]}}"#,
                "overflow",
            ),
            (
                r#"{"a":{"dtype":"F3","shape":[1],"data_offsets":[0,4]}}"#,
                "F3",
            ),
            (r#"{"a":7}"#, "invalid"),
            ("{", "EOF"),
        ] {
            let error = Layout::parse(json.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{json}: {error}");
        }
        assert!(Layout::json_length(*b"\x89PNG\r\n\x1a\n").is_err());
        assert!(Layout::json_length([0; 8]).is_err());
    }
}
