//! What a forward pass on a GPU did, for the way back. Candle's own graph adds every gradient to a new tensor of zeros,
//! two kernels and five times the bytes; here gradients are handed on as they are.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, TensorId, bail};

use super::sum::sum_of_two;

thread_local! {
    static TAPE: RefCell<Option<Tape>> = const { RefCell::new(None) };
}

/// From the gradient of an operation's output to those of its inputs, absent where none is wanted.
type Backward = Box<dyn FnOnce(Tensor) -> Result<Vec<Option<Tensor>>>>;

#[derive(Default)]
struct Tape {
    entries: Vec<Entry>,
    /// Outputs that gradients go through.
    tracked: HashSet<TensorId>,
}

struct Entry {
    inputs: Vec<TensorId>,
    output: TensorId,
    backward: Backward,
}

/// While it lives, this thread's operations on a GPU are recorded.
pub struct Recording(());

impl Recording {
    /// Starts with an empty tape.
    pub fn start() -> Self {
        TAPE.replace(Some(Tape::default()));
        Recording(())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        TAPE.take();
    }
}

/// Whether a gradient of the tensor is wanted.
pub fn is_wanted(tensor: &Tensor) -> bool {
    TAPE.with_borrow(|tape| {
        tape.as_ref()
            .is_some_and(|tape| tensor.is_variable() || tape.tracked.contains(&tensor.id()))
    })
}

/// Notes how the gradients of `inputs` follow from that of `output`, where one is wanted.
pub fn record(
    inputs: &[&Tensor],
    output: &Tensor,
    backward: impl FnOnce(Tensor) -> Result<Vec<Option<Tensor>>> + 'static,
) {
    if !inputs.iter().any(|input| is_wanted(input)) {
        return;
    }
    TAPE.with_borrow_mut(|tape| {
        if let Some(tape) = tape {
            tape.tracked.insert(output.id());
            tape.entries.push(Entry {
                inputs: inputs.iter().map(|input| input.id()).collect(),
                output: output.id(),
                backward: Box::new(backward),
            });
        }
    });
}

/// The gradients of `loss` by what was recorded; the tape is empty then.
///
/// # Errors
/// A loss that was not recorded, or what the GPU reports.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    let tape = TAPE.with_borrow_mut(|tape| tape.as_mut().map(std::mem::take));
    let Some(tape) = tape.filter(|tape| tape.tracked.contains(&loss.id())) else {
        bail!("the gradients of a loss on a GPU need the recording of its operations");
    };
    let mut gradients = HashMap::from([(loss.id(), loss.ones_like()?)]);
    for entry in tape.entries.into_iter().rev() {
        let Some(dy) = gradients.remove(&entry.output) else {
            continue;
        };
        for (input, gradient) in entry.inputs.into_iter().zip((entry.backward)(dy)?) {
            let Some(gradient) = gradient else { continue };
            let sum = match gradients.remove(&input) {
                Some(other) => sum_of_two(&other, &gradient)?,
                None => gradient,
            };
            gradients.insert(input, sum);
        }
    }
    // Candle has no other way to an empty store.
    let mut store = Tensor::zeros((), candle_core::DType::F32, &Device::Cpu)?.backward()?;
    for (id, gradient) in gradients {
        store.insert_id(id, gradient);
    }
    Ok(store)
}
