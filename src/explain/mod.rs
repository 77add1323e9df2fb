//! What a network's answer rests on, as pictures: a file a method. To add one is to add a file and a row to the list.

mod colours;
mod error;
mod explained;
mod grad_cam;
mod heat;
mod list;
mod method;
mod names;
mod picture;
mod roll_out;

pub use error::Error;
pub use explained::{Explained, Explainer, Explanation, Shown, explain};
pub use heat::Heat;
pub use list::method;
pub use method::Method;
