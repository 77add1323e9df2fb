//! What the CPU kernels share: fixed ways of splitting work.
//!
//! The same bytes come out for any number of threads: work is split over output elements, or into chunks
//! whose size depends on shapes alone and whose results are combined in order.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr;

use candle_core::{DType, Result, Tensor, bail};
use rayon::prelude::*;

use super::read::made;
use super::simd::vectorized;

/// Rows summed by one task before the sums of all tasks are added, in order.
const ROWS_PER_SUM: usize = 1024;

/// Elements an elementwise kernel gives one task.
pub(super) const CHUNK: usize = 16 * 1024;

/// Chunks of [`CHUNK`] elements that are worth handing to another thread.
pub(super) const MIN_CHUNKS: usize = 4;

/// Multiplications that are worth handing to another thread: waking one takes as long as some millions.
pub const WORTH_A_THREAD: usize = 4_000_000;

/// Tasks that are worth handing to another thread, when all `tasks` do `multiplications` together.
pub(super) fn min_tasks(multiplications: usize, tasks: usize) -> usize {
    let each = multiplications / tasks.max(1);
    WORTH_A_THREAD.div_ceil(each.max(1))
}

/// Refuses tensors of another type than f32, or without elements.
pub(super) fn check(op: &str, tensors: &[(&str, &Tensor)]) -> Result<()> {
    for (name, tensor) in tensors {
        let known = match tensor.dtype() {
            DType::BF16 => tensor.device().is_cuda(),
            dtype => dtype == DType::F32,
        };
        if !known {
            bail!("{op}: {name} must be f32, got {:?}", tensor.dtype());
        }
        if tensor.elem_count() == 0 {
            bail!(
                "{op}: {name} has no elements, its shape is {:?}",
                tensor.dims()
            );
        }
    }
    Ok(())
}

/// Refuses a `tensor` of another shape than `wanted`, which `other` (its shape `other_dims`) calls for.
pub(super) fn check_dims(
    op: &str,
    (name, tensor): (&str, &Tensor),
    wanted: &[usize],
    (other, other_dims): (&str, &[usize]),
) -> Result<()> {
    if tensor.dims() != wanted {
        bail!(
            "{op}: {name} must have the shape {wanted:?} for {other} of shape {other_dims:?}, got {:?}",
            tensor.dims()
        );
    }
    Ok(())
}

/// An output that tasks fill in parallel, each its own elements.
pub(super) struct Shared<'a> {
    start: *mut f32,
    len: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: `slice` is the only access, and its callers keep the slices of different tasks apart.
unsafe impl Sync for Shared<'_> {}
// SAFETY: as above; f32 itself may go to any thread.
unsafe impl Send for Shared<'_> {}

impl<'a> Shared<'a> {
    pub fn new(values: &'a mut [f32]) -> Self {
        Shared {
            start: values.as_mut_ptr(),
            len: values.len(),
            life: PhantomData,
        }
    }

    /// Puts `values` at the elements from `at` on.
    ///
    /// # Safety
    /// No other task may touch these elements at the same time.
    pub unsafe fn write(&self, at: usize, values: &[f32]) {
        assert!(at <= self.len && values.len() <= self.len - at);
        // SAFETY: inside the exclusively borrowed memory; apart from others by this function's contract.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), self.start.add(at), values.len()) };
    }

    /// Puts a vector of f32 values at the elements from `at` on.
    ///
    /// # Safety
    /// No other task may touch these elements at the same time; `V` holds f32 values and nothing else.
    #[inline(always)]
    pub unsafe fn write_vector<V: Copy>(&self, at: usize, vector: V) {
        let lanes = size_of::<V>() / size_of::<f32>();
        assert!(at <= self.len && lanes <= self.len - at);
        // SAFETY: as in `write`; the place of a vector may be any f32's.
        unsafe { self.start.add(at).cast::<V>().write_unaligned(vector) };
    }

    /// The elements of `range`.
    ///
    /// # Safety
    /// No other slice that lives at the same time may overlap `range`.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn slice(&self, range: Range<usize>) -> &mut [f32] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: inside the exclusively borrowed slice; apart from others by this function's contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

/// `len` values, written by `fill` and not set to zero before.
///
/// # Safety
/// `fill` writes every one of them, by [`Shared::write`] or [`Shared::write_vector`], and reads none before.
pub(super) unsafe fn filled(len: usize, fill: impl FnOnce(&Shared<'_>)) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    fill(&Shared {
        start: values.as_mut_ptr(),
        len,
        life: PhantomData,
    });
    // SAFETY: the vector has room for them, and by this function's contract all are written.
    unsafe { values.set_len(len) };
    values
}

thread_local! {
    /// Memory that is not in use; more than one where tasks start tasks.
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` with `len` values of this thread's scratch memory, whatever they hold; they start at a cache line.
pub(super) fn with_scratch<T>(len: usize, f: impl FnOnce(&mut [f32]) -> T) -> T {
    /// Bytes of a cache line, and the values it holds.
    const LINE: usize = 64;
    const LINE_VALUES: usize = LINE / size_of::<f32>();

    let needed = len + LINE_VALUES;
    let idle = SCRATCH.with_borrow_mut(|idle| {
        // Kept in the order of length: the shortest that is long enough, else the longest.
        let fits = idle.partition_point(|scratch| scratch.len() < needed);
        (!idle.is_empty()).then(|| idle.remove(fits.min(idle.len() - 1)))
    });
    let mut scratch = idle.unwrap_or_default();
    if scratch.len() < needed {
        scratch = vec![0.0; needed];
    }
    let start = scratch.as_ptr().align_offset(LINE).min(LINE_VALUES);
    let result = f(&mut scratch[start..start + len]);
    SCRATCH.with_borrow_mut(|idle| {
        let place = idle.partition_point(|other| other.len() < scratch.len());
        idle.insert(place, scratch);
    });
    result
}

/// `len` values in rows of `c`: `f(start, chunk)` fills chunks of whole rows, compiled for vectors if it is inlined
/// (`#[inline(always)]`), in parallel.
pub(super) fn by_row_chunks(
    len: usize,
    c: usize,
    f: impl Fn(usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    let chunk = CHUNK.div_ceil(c) * c;
    let fill = |out: &Shared<'_>| {
        (0..len.div_ceil(chunk)).into_par_iter().for_each(|i| {
            let start = i * chunk;
            // SAFETY: each task has its own chunk.
            let out = unsafe { out.slice(start..len.min(start + chunk)) };
            vectorized(
                #[inline(always)]
                || f(start, out),
            );
        });
    };
    // SAFETY: the chunks cover the values, and `f` fills them.
    unsafe { filled(len, fill) }
}

/// Sums over rows: `add(rows, sums)` adds the rows `rows` to `sums` (`width` of them, zero at first); compiled for vectors if it
/// is inlined (`#[inline(always)]`).
pub(super) fn row_sums(
    rows: usize,
    width: usize,
    add: impl Fn(Range<usize>, &mut [f64]) + Sync,
) -> Vec<f64> {
    let parts: Vec<Vec<f64>> = (0..rows.div_ceil(ROWS_PER_SUM))
        .into_par_iter()
        .map(|part| {
            let mut sums = vec![0.0; width];
            let start = part * ROWS_PER_SUM;
            vectorized(
                #[inline(always)]
                || add(start..rows.min(start + ROWS_PER_SUM), &mut sums),
            );
            sums
        })
        .collect();
    let mut total = vec![0.0; width];
    for part in &parts {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
    }
    total
}

/// The sum of each of the `width` columns of `values`, whose rows lie one after another.
pub(super) fn column_sums(values: &[f32], width: usize) -> Vec<f32> {
    let sums = row_sums(
        values.len() / width,
        width,
        #[inline(always)]
        |rows, sums| {
            for row in values[rows.start * width..rows.end * width].chunks_exact(width) {
                sums.iter_mut()
                    .zip(row)
                    .for_each(|(s, v)| *s += f64::from(*v));
            }
        },
    );
    sums.into_iter().map(|s| s as f32).collect()
}

/// Adds all parts of `size` values to the first, in order, and keeps that.
pub(super) fn add_parts(sums: &mut Vec<f32>, size: usize) {
    let (first, others) = sums.split_at_mut(size);
    if !others.is_empty() {
        first
            .par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(i, totals)| {
                for part in others.chunks_exact(size) {
                    let part = &part[i * CHUNK..];
                    totals.iter_mut().zip(part).for_each(|(t, p)| *t += p);
                }
            });
    }
    sums.truncate(size);
}

/// `out[i] = f(a[i], b[i])`, in parallel.
pub(super) fn zip_map(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    let fill = |out: &Shared<'_>| {
        a.par_chunks(CHUNK)
            .zip(b.par_chunks(CHUNK))
            .enumerate()
            .with_min_len(MIN_CHUNKS)
            .for_each(|(i, (a, b))| {
                // SAFETY: each task has its own chunk.
                let out = unsafe { out.slice(i * CHUNK..i * CHUNK + a.len()) };
                vectorized(
                    #[inline(always)]
                    || {
                        out.iter_mut()
                            .zip(a.iter().zip(b))
                            .for_each(|(o, (a, b))| *o = f(*a, *b));
                    },
                );
            });
    };
    assert_eq!(a.len(), b.len());
    // SAFETY: the chunks cover the values.
    unsafe { filled(a.len(), fill) }
}

/// The sum of two tensors on the CPU, of the same shape, not recorded.
pub(super) fn sum_of_two(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    made([a, b], a.shape(), |[a, b]| zip_map(a, b, |a, b| a + b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_sums_have_the_same_bits_on_any_number_of_threads() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                row_sums(5000, 2, |rows, sums| {
                    for row in rows {
                        sums[0] += (row as f64).sin();
                        sums[1] += 1.0;
                    }
                })
            })
        };
        let one = on(1);
        assert_eq!(one[1], 5000.0);
        assert!([2, 3, 7].into_iter().all(|threads| on(threads) == one));
    }
}
