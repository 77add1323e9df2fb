//! The integration tests: one program, so that the library and what it stands on are linked once.
//!
//! All tests share a process. What must not be shared (the count of allocations, the panic hook) is done in a process of
//! its own, see [`common::done_alone`]; limits, signals and environments are for processes that the tests start.

mod answers;
mod any_input;
mod applying;
mod architecture;
mod augmentation;
mod bad_input;
mod cli;
mod command_line;
mod common;
mod compare;
mod datasets;
mod device;
mod download;
mod explaining;
mod exporting;
mod extremes;
mod features;
mod freezing;
mod golden;
mod head_advice;
mod hub_weights;
mod identity;
mod imbalance;
mod kept_models;
mod keras_weights;
mod larger_than_memory;
mod measuring;
mod memory;
mod multi_label;
mod one_bad_run;
mod only;
mod paused;
mod pillow;
mod printing;
mod probe;
mod published;
mod resizing;
mod resume;
mod saved_models;
mod schema;
mod searching;
mod side_by_side;
mod snapshots;
mod spec_mistakes;
mod stages;
mod steps;
mod stopping;
mod submit;
mod submit_to_ray;
mod tracking;
mod watching;
mod weight_files;
mod zoo;
