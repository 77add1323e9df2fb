//! Which runs are to be done, in what order.
