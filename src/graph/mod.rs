//! The network as a graph of named primitive operations, without its weights.
//!
//! Names, shapes, parameter counts, cost, memory, the summary and what is frozen are all read from here. A family of
//! `zoo` builds the nodes; `model` gives them weights and runs them.

mod builder;
mod context;
mod cost;
mod cut;
mod fusion;
pub mod initial;
mod layout;
mod node;
pub mod op;
mod parameter;
mod path;
mod pieces;
mod role;
mod shape;
mod summary;
mod way_back;

pub use builder::{Builder, Value};
pub use context::{Context, Mode, Slot, Tensors};
pub use cost::{Cost, scratch};
pub use cut::{Cut, Stage, Statistics};
pub use fusion::{absorbed, absorbed_on_gpu, banded, joined};
pub use initial::{Distribution, Fans, Initializer};
pub use layout::{from_file, to_file};
pub use node::{Graph, Module, Node};
pub use op::{Op, Primitive};
pub use parameter::Parameter;
pub use pieces::{NEAR, Piece, images_at_once, peak, pieces};
pub use role::Role;
pub use shape::Shape;
pub use summary::{Detail, summary};
pub use way_back::{Held, largest_value, most_held};
