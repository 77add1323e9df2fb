//! What a forward pass did, for the way back. Candle's own graph adds every gradient to a new tensor of zeros, and keeps all
//! values until the loss is gone; here gradients are handed on as they are, and values dropped when they have been used.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, TensorId, bail};

use super::cpu::sum_of_two;
#[cfg(feature = "cuda")]
use super::cuda;

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
    /// Those of which a gradient is wanted.
    inputs: Vec<Option<TensorId>>,
    output: TensorId,
    backward: Backward,
}

/// While it lives, this thread's operations on a CPU or an NVIDIA GPU are recorded, so that [`backward`] can go back
/// through them; those on other devices are candle's, which always can.
///
/// A thread that waits for others' part of an operation may meanwhile begin another work that is queued, with a recording of
/// its own: the one before goes on behind it.
pub struct Recording {
    before: Option<Tape>,
}

impl Recording {
    /// Starts anew, with nothing recorded.
    pub fn start() -> Self {
        Recording {
            before: TAPE.replace(Some(Tape::default())),
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        TAPE.set(self.before.take());
    }
}

/// Whether a gradient of the tensor is wanted: it is recorded, and the tensor is a variable or made from one.
pub fn is_wanted(tensor: &Tensor) -> bool {
    TAPE.with_borrow(|tape| {
        tape.as_ref()
            .is_some_and(|tape| tensor.is_variable() || tape.tracked.contains(&tensor.id()))
    })
}

/// Notes how the gradients of `inputs` follow from that of `output`, where one is wanted. What `backward` gives for an input
/// of which none is wanted is dropped. On other devices candle has noted it.
pub(super) fn record(
    inputs: &[&Tensor],
    output: &Tensor,
    backward: impl FnOnce(Tensor) -> Result<Vec<Option<Tensor>>> + 'static,
) {
    if output.device().is_metal() {
        return;
    }
    let wanted = |input: &&Tensor| is_wanted(input).then(|| input.id());
    let inputs: Vec<Option<TensorId>> = inputs.iter().map(wanted).collect();
    if inputs.iter().all(Option::is_none) {
        return;
    }
    TAPE.with_borrow_mut(|tape| {
        if let Some(tape) = tape {
            tape.tracked.insert(output.id());
            tape.entries.push(Entry {
                inputs,
                output: output.id(),
                backward: Box::new(backward),
            });
        }
    });
}

/// The gradients of a scalar `loss`, by what was recorded; the tape is empty then.
///
/// # Errors
/// A loss that was not recorded, or what the device reports.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    backward_from(loss, loss.ones_like()?)
}

/// As [`backward`], of an `output` of any shape whose own gradient is `dy`.
///
/// # Errors
/// As [`backward`]; a gradient of another shape.
pub fn backward_from(output: &Tensor, dy: Tensor) -> Result<GradStore> {
    if output.shape() != dy.shape() {
        bail!(
            "a gradient of shape {:?} of values {:?}",
            dy.shape(),
            output.shape()
        );
    }
    let tape = TAPE.with_borrow_mut(|tape| tape.as_mut().map(std::mem::take));
    let Some(tape) = tape.filter(|tape| tape.tracked.contains(&output.id())) else {
        if output.track_op() {
            return (output * dy)?.sum_all()?.backward();
        }
        bail!("gradients need the recording of the operations");
    };
    let mut gradients = HashMap::from([(output.id(), dy)]);
    for entry in tape.entries.into_iter().rev() {
        let Some(dy) = gradients.remove(&entry.output) else {
            continue;
        };
        for (input, gradient) in entry.inputs.into_iter().zip((entry.backward)(dy)?) {
            let (Some(input), Some(gradient)) = (input, gradient) else {
                continue;
            };
            let sum = match gradients.remove(&input) {
                Some(other) => sum(&other, &gradient)?,
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

/// The sum of two gradients of a tensor.
fn sum(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if a.device().is_cuda() {
        return cuda::sum_of_two(a, b);
    }
    sum_of_two(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_close, random};
    use crate::ops::{Products, add, dense};
    use candle_core::Var;

    /// `x` goes on along two ways, one of which uses the weight a second time.
    fn output(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let y = dense(x, weight, Some(bias), true, Products::F32)?;
        add(&y, &dense(&y, weight, None, false, Products::F32)?, false)
    }

    #[test]
    fn gradients_of_what_is_used_twice_are_added() {
        let [x, weight, bias] = [[3, 5], [5, 5], [1, 5]].map(|dims| {
            let values = random(&dims, dims[0] as u64);
            Var::from_tensor(&values).unwrap()
        });
        let bias = Var::from_tensor(&bias.flatten_all().unwrap()).unwrap();
        let _recording = Recording::start();
        let y = output(&x, &weight, &bias).unwrap();
        let dy = random(y.dims(), 7);
        let ours = backward_from(&y, dy.clone()).unwrap();
        let before = x.matmul(&weight).unwrap().broadcast_add(&bias).unwrap();
        let relu = before.relu().unwrap();
        let candles = (&relu + relu.matmul(&weight).unwrap()).unwrap();
        assert_close(&y, &candles, 1e-6);
        let candles = (candles * dy).unwrap().sum_all().unwrap();
        let candles = candles.backward().unwrap();
        for var in [&x, &weight, &bias] {
            assert_close(ours.get(var).unwrap(), candles.get(var).unwrap(), 1e-6);
        }
    }

    #[test]
    fn a_recording_goes_on_behind_another_that_began_meanwhile() {
        let (x, weight) = (random(&[2, 3], 1), random(&[3, 4], 2));
        let trained = Var::from_tensor(&weight).unwrap();
        let product = || dense(&x, &trained, None, false, Products::F32).unwrap();
        let _recording = Recording::start();
        let y = product();
        let other = Recording::start();
        assert!(!is_wanted(&y));
        backward_from(&product(), random(&[2, 4], 3)).unwrap();
        drop(other);
        assert!(is_wanted(&y));
        let gradients = backward_from(&y, random(&[2, 4], 3)).unwrap();
        assert!(gradients.get(&trained).is_some());
    }

    #[test]
    fn nothing_is_recorded_of_what_is_constant_and_nothing_without_a_recording() {
        let (x, weight) = (random(&[2, 3], 1), random(&[3, 4], 2));
        let trained = Var::from_tensor(&weight).unwrap();
        let unrecorded = dense(&x, &trained, None, false, Products::F32).unwrap();
        let message = backward(&unrecorded.sum_all().unwrap()).unwrap_err();
        assert!(message.to_string().contains("recording"), "{message}");
        let _recording = Recording::start();
        assert!(!is_wanted(
            &dense(&x, &weight, None, false, Products::F32).unwrap()
        ));
        let y = dense(&x, &trained, None, false, Products::F32).unwrap();
        assert!(is_wanted(&y));
        let wrong = backward_from(&y, random(&[3], 1)).unwrap_err();
        assert!(wrong.to_string().contains("[3]"), "{wrong}");
        // What was recorded is used up.
        backward_from(&y, y.ones_like().unwrap()).unwrap();
        assert!(backward_from(&y, y.ones_like().unwrap()).is_err());
    }
}
