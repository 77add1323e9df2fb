//! A row of `probe.parquet`.

/// What a probe says of a boundary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The backbone with what tells it from others of the sweep, as `backbone.arch` has it.
    pub backbone: String,
    /// As `freeze.through` takes it.
    pub boundary: String,
    /// How many nodes are before it.
    pub layers: usize,
    /// `ridge`, `logistic` or `knn`.
    pub probe: &'static str,
    /// Whether it is linear in the features, as a head of one layer is.
    pub is_linear: bool,
    /// Pooled features of an image.
    pub dimensions: usize,
    /// Share of the validation images.
    pub val_accuracy: f64,
    /// The standard error that the number of validation images leaves it, with two more on either side: A. Agresti, B.
    /// Coull, "Approximate is better than exact for interval estimation of binomial proportions" (1998). None is certain.
    pub val_std: f64,
    /// Share of the test images; none where there are none.
    pub test_accuracy: Option<f64>,
    /// Wall time of fitting and choosing.
    pub seconds: f64,
    /// How many classes there are.
    pub classes: usize,
    /// Whether the backbone's weights were trained on other images.
    pub is_pretrained: bool,
    /// Multiply-accumulates of a training step, an image, where the backbone is frozen up to here.
    pub training_operations: u64,
}
