//! Tables of numbers and their products.

use candle_core::{Device, Result, Tensor, WithDType};
use rayon::prelude::*;

/// Numbers row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix<T> {
    pub rows: usize,
    pub columns: usize,
    pub values: Vec<T>,
}

impl<T: WithDType> Matrix<T> {
    pub fn new(rows: usize, columns: usize, values: Vec<T>) -> Self {
        Matrix {
            rows,
            columns,
            values,
        }
    }

    pub fn zeros(rows: usize, columns: usize) -> Self {
        Matrix::new(rows, columns, vec![T::zero(); rows * columns])
    }

    pub fn row(&self, row: usize) -> &[T] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// As a tensor, without a copy.
    pub fn into_tensor(self) -> Result<Tensor> {
        Tensor::from_vec(self.values, (self.rows, self.columns), &Device::Cpu)
    }

    /// A copy as a tensor.
    pub fn tensor(&self) -> Result<Tensor> {
        Tensor::from_slice(&self.values, (self.rows, self.columns), &Device::Cpu)
    }

    pub fn of(tensor: &Tensor) -> Result<Self> {
        let (rows, columns) = tensor.dims2()?;
        Ok(Matrix::new(rows, columns, tensor.flatten_all()?.to_vec1()?))
    }

    /// `self × other`.
    pub fn times(&self, other: &Self) -> Result<Self> {
        Self::of(&self.tensor()?.matmul(&other.tensor()?)?)
    }

    /// `selfᵀ × other`.
    pub fn transposed_times(&self, other: &Self) -> Result<Self> {
        Self::of(&self.tensor()?.t()?.matmul(&other.tensor()?)?)
    }

    /// `self × otherᵀ`.
    pub fn times_transposed(&self, other: &Self) -> Result<Self> {
        Self::of(&self.tensor()?.matmul(&other.tensor()?.t()?)?)
    }
}

impl Matrix<f32> {
    /// In double precision.
    pub fn exact(&self) -> Matrix<f64> {
        let values = self.values.par_iter().map(|value| f64::from(*value));
        Matrix::new(self.rows, self.columns, values.collect())
    }
}

impl Matrix<f64> {
    /// In single precision.
    pub fn rounded(&self) -> Matrix<f32> {
        let values = self.values.iter().map(|value| *value as f32);
        Matrix::new(self.rows, self.columns, values.collect())
    }
}
