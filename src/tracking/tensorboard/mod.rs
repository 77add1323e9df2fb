//! Event files as TensorBoard reads them: `tensorboard --logdir results/<name>/tensorboard`.

mod event;
mod file;
mod wire;
mod writer;

pub(super) use writer::KIND;
