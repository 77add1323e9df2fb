//! Where images come from, splits, normalization, augmentation and batches.
mod tmp;
