//! The messages of ONNX that are written here: fields, numbers and types are those of `onnx.proto` of ONNX 1.17
//! (<https://github.com/onnx/onnx/blob/v1.17.0/onnx/onnx.proto>). What stands there and is not needed is left out.

use prost::{Message, Oneof};

/// `TensorProto.DataType.FLOAT`
pub const FLOAT: i32 = 1;
/// `TensorProto.DataType.UINT8`
pub const UINT8: i32 = 2;
/// `TensorProto.DataType.INT64`
pub const INT64: i32 = 7;

/// `GraphProto.initializer`, a [`TensorMessage`].
pub const INITIALIZER: u32 = 5;
/// `ModelProto.graph`, a [`GraphMessage`].
pub const GRAPH: u32 = 7;
/// `TensorProto.raw_data`: little-endian values.
pub const RAW_DATA: u32 = 9;

/// `ModelProto` but its graph.
#[derive(Clone, PartialEq, Message)]
pub struct ModelMessage {
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    #[prost(string, tag = "2")]
    pub producer_name: String,
    #[prost(string, tag = "3")]
    pub producer_version: String,
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetMessage>,
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<EntryMessage>,
}

/// `OperatorSetIdProto`; the domain of ONNX itself is empty.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetMessage {
    #[prost(string, tag = "1")]
    pub domain: String,
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// `StringStringEntryProto`
#[derive(Clone, PartialEq, Message)]
pub struct EntryMessage {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `GraphProto` but its initializers.
#[derive(Clone, PartialEq, Message)]
pub struct GraphMessage {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeMessage>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueMessage>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueMessage>,
}

/// `NodeProto`
#[derive(Clone, PartialEq, Message)]
pub struct NodeMessage {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeMessage>,
}

/// `AttributeProto`
#[derive(Clone, PartialEq, Message)]
pub struct AttributeMessage {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// [`ONE_FLOAT`], [`ONE_INT`] or [`INTS`].
    #[prost(int32, tag = "20")]
    pub r#type: i32,
}

/// `AttributeProto.AttributeType.FLOAT`
pub const ONE_FLOAT: i32 = 1;
/// `AttributeProto.AttributeType.INT`
pub const ONE_INT: i32 = 2;
/// `AttributeProto.AttributeType.INTS`
pub const INTS: i32 = 7;

/// `TensorProto` but its values, which are [`RAW_DATA`].
#[derive(Clone, PartialEq, Message)]
pub struct TensorMessage {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(string, tag = "8")]
    pub name: String,
}

/// `ValueInfoProto`
#[derive(Clone, PartialEq, Message)]
pub struct ValueMessage {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeMessage>,
}

/// `TypeProto` of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TypeMessage {
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeMessage>,
}

/// `TypeProto.Tensor`
#[derive(Clone, PartialEq, Message)]
pub struct TensorTypeMessage {
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<ShapeMessage>,
}

/// `TensorShapeProto`
#[derive(Clone, PartialEq, Message)]
pub struct ShapeMessage {
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionMessage>,
}

/// `TensorShapeProto.Dimension`
#[derive(Clone, PartialEq, Message)]
pub struct DimensionMessage {
    #[prost(oneof = "Dimension", tags = "1, 2")]
    pub value: Option<Dimension>,
}

/// The length of an axis.
#[derive(Clone, PartialEq, Oneof)]
pub enum Dimension {
    /// `dim_value`
    #[prost(int64, tag = "1")]
    Value(i64),
    /// `dim_param`: whatever it is when the model runs, under this name.
    #[prost(string, tag = "2")]
    Name(String),
}
