//! What constant values tell before anything is trained: classifiers fitted in closed form, or nearly so, to the pooled
//! features at every boundary of a backbone. To add a probe is to add a file that implements [`Probe`], and its row in
//! [`PROBES`].

mod advice;
mod boundary;
mod knn;
mod list;
mod logistic;
mod matrix;
mod method;
mod pass;
mod ridge;
mod row;
mod softmax;
#[cfg(test)]
mod tests;
mod tridiagonal;

pub use advice::{Advice, advise, best_linear};
pub use boundary::{Boundary, boundaries};
pub use list::PROBES;
pub use method::{Parts, fit};
pub use pass::{Pooled, bytes, collect};
pub use row::Row;
