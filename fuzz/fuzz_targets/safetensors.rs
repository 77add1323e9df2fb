#![no_main]
//! A file of weights: safetensors, PyTorch's or Keras's.

use libfuzzer_sys::fuzz_target;
use runner::model::weights;
use runner_fuzz::put;

fuzz_target!(|bytes: &[u8]| {
    let path = put("file.safetensors", bytes);
    if let Ok(file) = weights::read(&path) {
        for tensor in file.tensors.values() {
            assert_eq!(tensor.data.len(), tensor.shape.iter().product::<usize>());
        }
    }
});
