//! An ONNX model that is being put together, and written tensor by tensor.

use std::collections::HashSet;
use std::io::{self, Write};

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use super::messages::{
    AttributeMessage, FLOAT, GRAPH, GraphMessage, INITIALIZER, INT64, INTS, ModelMessage,
    NodeMessage, ONE_FLOAT, ONE_INT, RAW_DATA, TensorMessage,
};

/// Bytes of a message of Protocol Buffers at most.
pub const MOST: u64 = i32::MAX as u64;
/// Values turned into bytes at once.
const PIECE: usize = 16 * 1024;

/// An attribute of a node.
#[derive(Clone, Copy, Debug)]
pub enum Attribute<'a> {
    Float(f64),
    Int(i64),
    Ints(&'a [i64]),
}

/// The values of a tensor.
#[derive(Debug)]
enum Values {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
}

/// Nodes and tensors, under names that are given once.
#[derive(Debug, Default)]
pub struct Document {
    pub graph: GraphMessage,
    tensors: Vec<(TensorMessage, Values)>,
    names: HashSet<String>,
}

impl Document {
    /// This name, or one like it where it is taken.
    pub fn name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut n = 2;
        while !self.names.insert(name.clone()) {
            name = format!("{wanted}_{n}");
            n += 1;
        }
        name
    }

    /// Adds a node with one output, whose name it gives: `wanted`, or one like it.
    pub fn node(
        &mut self,
        wanted: &str,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> String {
        let output = self.name(wanted);
        self.node_of(&[&output], operator, inputs, attributes);
        output
    }

    /// Adds a node with these outputs, whose names were given by [`Self::name`].
    pub fn node_of(
        &mut self,
        outputs: &[&str],
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.graph.node.push(NodeMessage {
            input: owned(inputs),
            output: owned(outputs),
            name: outputs
                .first()
                .map_or_else(String::new, |name| (*name).to_owned()),
            op_type: operator.to_owned(),
            attribute: attributes.iter().map(attribute).collect(),
        });
    }

    /// Adds a tensor of f32; gives its name.
    pub fn floats(&mut self, wanted: &str, shape: &[usize], values: Vec<f32>) -> String {
        self.tensor(wanted, FLOAT, shape, Values::Floats(values))
    }

    /// Adds a vector of i64; gives its name.
    pub fn ints(&mut self, wanted: &str, values: &[i64]) -> String {
        self.tensor(
            wanted,
            INT64,
            &[values.len()],
            Values::Ints(values.to_vec()),
        )
    }

    /// Adds one i64; gives its name.
    pub fn int(&mut self, wanted: &str, value: i64) -> String {
        self.tensor(wanted, INT64, &[], Values::Ints(vec![value]))
    }

    fn tensor(&mut self, wanted: &str, data_type: i32, shape: &[usize], values: Values) -> String {
        let name = self.name(wanted);
        let message = TensorMessage {
            dims: shape.iter().map(|n| *n as i64).collect(),
            data_type,
            name: name.clone(),
        };
        self.tensors.push((message, values));
        name
    }

    /// Bytes of `model` with this graph.
    pub fn length(&self, model: &ModelMessage) -> u64 {
        model.encoded_len() as u64 + framed(GRAPH, self.graph_len())
    }

    /// Writes `model` with this graph.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, model: &ModelMessage, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&model.encode_to_vec())?;
        out.write_all(&frame(GRAPH, self.graph_len()))?;
        out.write_all(&self.graph.encode_to_vec())?;
        for (message, values) in &self.tensors {
            out.write_all(&frame(INITIALIZER, tensor_len(message, values)))?;
            out.write_all(&message.encode_to_vec())?;
            out.write_all(&frame(RAW_DATA, values.bytes()))?;
            values.write(out)?;
        }
        Ok(())
    }

    fn graph_len(&self) -> u64 {
        let tensors = self.tensors.iter();
        let tensors =
            tensors.map(|(message, values)| framed(INITIALIZER, tensor_len(message, values)));
        self.graph.encoded_len() as u64 + tensors.sum::<u64>()
    }
}

fn tensor_len(message: &TensorMessage, values: &Values) -> u64 {
    message.encoded_len() as u64 + framed(RAW_DATA, values.bytes())
}

/// What stands before a field of so many bytes.
fn frame(field: u32, length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(field, WireType::LengthDelimited, &mut bytes);
    encode_varint(length, &mut bytes);
    bytes
}

/// The length of a field of so many bytes with what stands before it.
fn framed(field: u32, length: u64) -> u64 {
    (key_len(field) + encoded_len_varint(length)) as u64 + length
}

fn attribute((name, value): &(&str, Attribute<'_>)) -> AttributeMessage {
    let message = AttributeMessage {
        name: (*name).to_owned(),
        ..AttributeMessage::default()
    };
    match *value {
        Attribute::Float(value) => AttributeMessage {
            f: Some(value as f32),
            r#type: ONE_FLOAT,
            ..message
        },
        Attribute::Int(value) => AttributeMessage {
            i: Some(value),
            r#type: ONE_INT,
            ..message
        },
        Attribute::Ints(values) => AttributeMessage {
            ints: values.to_vec(),
            r#type: INTS,
            ..message
        },
    }
}

impl Values {
    fn bytes(&self) -> u64 {
        match self {
            Values::Floats(values) => 4 * values.len() as u64,
            Values::Ints(values) => 8 * values.len() as u64,
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Values::Ints(values) => {
                let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                out.write_all(&bytes)
            }
            Values::Floats(values) => values.chunks(PIECE).try_for_each(|piece| {
                let bytes: Vec<u8> = piece.iter().flat_map(|v| v.to_le_bytes()).collect();
                out.write_all(&bytes)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both messages, each whole.
    #[derive(Clone, PartialEq, Message)]
    struct Whole {
        #[prost(int64, tag = "1")]
        ir_version: i64,
        #[prost(message, optional, tag = "7")]
        graph: Option<WholeGraph>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct WholeGraph {
        #[prost(message, repeated, tag = "1")]
        node: Vec<NodeMessage>,
        #[prost(message, repeated, tag = "5")]
        initializer: Vec<WholeTensor>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct WholeTensor {
        #[prost(int64, repeated, packed = "false", tag = "1")]
        dims: Vec<i64>,
        #[prost(string, tag = "8")]
        name: String,
        #[prost(bytes = "vec", tag = "9")]
        raw_data: Vec<u8>,
    }

    #[test]
    fn what_is_written_piece_by_piece_is_one_message() {
        let mut document = Document::default();
        let values: Vec<f32> = (0..40_000).map(|v| v as f32).collect();
        let tensor = document.floats("a", &[200, 200], values);
        let output = document.node("a", "Relu", &[&tensor], &[]);
        assert_eq!(output, "a_2", "names are given once");
        let model = ModelMessage {
            ir_version: 8,
            ..ModelMessage::default()
        };
        let mut bytes = Vec::new();
        document.write(&model, &mut bytes).unwrap();
        assert_eq!(document.length(&model), bytes.len() as u64);
        let whole = Whole::decode(bytes.as_slice()).unwrap();
        let graph = whole.graph.unwrap();
        assert_eq!((whole.ir_version, graph.node.len()), (8, 1));
        assert_eq!(graph.initializer[0].dims, [200, 200]);
        assert_eq!(graph.initializer[0].raw_data[4..8], 1f32.to_le_bytes());
        assert_eq!(graph.initializer[0].raw_data.len(), 160_000);
    }
}
