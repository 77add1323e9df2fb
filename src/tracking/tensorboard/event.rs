//! The few of TensorBoard's messages that are written.
//!
//! Field numbers from `tensorboard/compat/proto/event.proto`, `summary.proto`, `tensor.proto`, and
//! `tensorboard/plugins/hparams/plugin_data.proto`.

use super::wire::Message;
use crate::spec::AxisValue;

/// One record of an event file.
pub(super) struct Event(Message);

impl Event {
    fn at(seconds: f64) -> Message {
        Message::default().double(1, seconds)
    }

    /// What every event file begins with.
    pub fn version(seconds: f64) -> Self {
        Event(Self::at(seconds).bytes(3, b"brain.Event:2"))
    }

    /// Has a reader that followed an earlier file forget its steps, which follow again.
    pub fn start(seconds: f64) -> Self {
        let session = Message::default().varint(1, 1);
        Event(Self::at(seconds).message(7, session))
    }

    /// What is logged of a step.
    pub fn summary(seconds: f64, step: usize, summary: Summary) -> Self {
        let event = Self::at(seconds).varint(2, step as u64);
        Event(event.message(5, summary.0))
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// How a run ended, to the hparams plugin.
#[derive(Clone, Copy, Debug)]
pub(super) enum Status {
    Success = 1,
    Failure = 2,
}

/// Values by their tags.
pub(super) struct Summary(Message);

impl Summary {
    /// Numbers, in the precision that TensorBoard has for them.
    pub fn scalars(scalars: &[(String, f64)]) -> Self {
        let value = |name: &str, value: f64| {
            let value = Message::default().float(2, value as f32);
            value.bytes(1, name.as_bytes())
        };
        let add = |summary: Message, (name, number): &(String, f64)| {
            summary.message(1, value(name, *number))
        };
        Summary(scalars.iter().fold(Message::default(), add))
    }

    /// Text in Markdown.
    pub fn text(tag: &str, text: &str) -> Self {
        let tensor = Message::default().varint(1, DT_STRING);
        let shape = Message::default().message(2, Message::default().varint(1, 1));
        let tensor = tensor.message(2, shape).bytes(8, text.as_bytes());
        let tag = format!("{tag}/text_summary");
        Self::of_plugin(&tag, "text", &[], tensor)
    }

    /// The hparams of a run, which began at `seconds`.
    pub fn session_start(point: &[(String, AxisValue)], seconds: f64) -> Self {
        let add = |start: Message, (key, value): &(String, AxisValue)| {
            let entry = Message::default().bytes(1, key.as_bytes());
            start.message(1, entry.message(2, any(value)))
        };
        let start = point.iter().fold(Message::default(), add);
        let start = start.double(5, seconds);
        Self::of_hparams("_hparams_/session_start_info", 3, start)
    }

    /// How a run ended, at `seconds`.
    pub fn session_end(status: Status, seconds: f64) -> Self {
        let end = Message::default()
            .varint(1, status as u64)
            .double(2, seconds);
        Self::of_hparams("_hparams_/session_end_info", 4, end)
    }

    fn of_hparams(tag: &str, field: u32, info: Message) -> Self {
        // A value is needed; the plugin reads its own data only.
        let shape = Message::default().message(2, Message::default().varint(1, 1));
        let tensor = Message::default().varint(1, DT_FLOAT).message(2, shape);
        let tensor = tensor.bytes(5, &0f32.to_le_bytes());
        let data = Message::default().message(field, info).into_bytes();
        Self::of_plugin(tag, "hparams", &data, tensor)
    }

    fn of_plugin(tag: &str, plugin: &str, data: &[u8], tensor: Message) -> Self {
        let plugin = Message::default().bytes(1, plugin.as_bytes());
        let metadata = Message::default().message(1, plugin.bytes(2, data));
        let value = Message::default()
            .bytes(1, tag.as_bytes())
            .message(8, tensor)
            .message(9, metadata.varint(4, DATA_CLASS_TENSOR));
        Summary(Message::default().message(1, value))
    }
}

const DT_FLOAT: u64 = 1;
const DT_STRING: u64 = 7;
const DATA_CLASS_TENSOR: u64 = 2;

/// A `google.protobuf.Value`.
fn any(value: &AxisValue) -> Message {
    let message = Message::default();
    match value {
        AxisValue::Bool(value) => message.varint(4, u64::from(*value)),
        AxisValue::Integer(value) => message.double(2, *value as f64),
        AxisValue::Float(value) => message.double(2, *value),
        AxisValue::Text(text) => message.bytes(3, text.as_bytes()),
    }
}
