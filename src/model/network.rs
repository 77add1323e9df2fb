//! The network with its weights.

use candle_core::{DType, Device, Result, Tensor, Var, bail};

use super::blueprint::Blueprint;
use super::init;
use super::weights::{HostTensor, Weights};
use crate::graph::{
    Mode, Parameter, Piece, Slot, Tensors, absorbed, absorbed_on_gpu, banded, from_file,
    images_at_once, joined, pieces, to_file,
};
use crate::ops;
use crate::spec::Precision;

/// A network ready to run.
#[derive(Debug)]
pub struct Network {
    pub blueprint: Blueprint,
    pub(super) tensors: Tensors,
    /// [`absorbed`] of the graph, or [`absorbed_on_gpu`].
    pub(super) absorbed: Vec<bool>,
    /// [`joined`] of the graph.
    pub(super) joined: Vec<bool>,
    /// [`banded`] of the graph.
    pub(super) banded: Vec<bool>,
    pub(super) device: Device,
    precision: Precision,
}

impl Network {
    /// A network whose tensors come from `weights` where they are there, else from the initializers.
    ///
    /// # Errors
    /// A device that cannot hold them, or a tensor of another shape than its layer's.
    pub fn new(
        blueprint: Blueprint,
        weights: &Weights,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        Self::around(blueprint, (weights, seed), device, |_| None)
    }

    /// As [`Self::new`], but for the frozen tensors that are already there.
    pub(super) fn around(
        blueprint: Blueprint,
        (weights, seed): (&Weights, u64),
        device: &Device,
        there: impl Fn(&str) -> Option<Tensor>,
    ) -> Result<Self> {
        let mut tensors = Tensors::default();
        let cut = &blueprint.cut;
        for (node, parameter) in blueprint.graph.parameters() {
            let shape = parameter.shape();
            let values = || initial(parameter, weights.get(&parameter.name), seed);
            let slot = if cut.trains(parameter) {
                Slot::Trained(Var::from_vec(values()?, shape, device)?)
            } else if cut.moves(node, parameter) {
                Slot::Moving(Var::from_vec(values()?, shape, device)?)
            } else if let Some(tensor) = there(&parameter.name) {
                Slot::Frozen(tensor)
            } else {
                Slot::Frozen(Tensor::from_vec(values()?, shape, device)?)
            };
            tensors.insert(parameter.name.clone(), slot);
        }
        Ok(Network {
            absorbed: match device.is_cuda() {
                true => absorbed_on_gpu(&blueprint.graph),
                false => absorbed(&blueprint.graph),
            },
            joined: joined(&blueprint.graph),
            banded: banded(&blueprint.graph),
            blueprint,
            tensors,
            device: device.clone(),
            precision: Precision::F32,
        })
    }

    /// The same network, whose passes compute so: on a GPU with such values, on a CPU with such products. What goes in and
    /// comes out, weights and statistics stay f32.
    pub fn computing_in(self, precision: Precision) -> Self {
        Network { precision, ..self }
    }

    /// The values that its passes compute with.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Sets the arithmetic of this thread's operations to that of the network; gives the type of its values.
    pub(super) fn prepare(&self) -> DType {
        #[cfg(feature = "cuda")]
        ops::allow_tf32(self.precision == Precision::Tf32);
        match self.precision {
            Precision::Bf16 if !self.device.is_cpu() => DType::BF16,
            Precision::F32 | Precision::Tf32 | Precision::Bf16 => DType::F32,
        }
    }

    /// What its products are computed with on a CPU.
    pub(super) fn products(&self) -> ops::Products {
        match self.precision {
            Precision::Bf16 => ops::Products::Bf16,
            Precision::F32 | Precision::Tf32 => ops::Products::F32,
        }
    }

    /// Where the network runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the optimizer changes, by name.
    pub fn trained(&self) -> Vec<(String, Var)> {
        let trained = |(name, slot): (&str, &Slot)| match slot {
            Slot::Trained(var) => Some((name.to_owned(), var.clone())),
            _ => None,
        };
        self.tensors.iter().filter_map(trained).collect()
    }

    /// What training changes, by name: what the optimizer does, and moving statistics.
    pub fn changed(&self) -> Vec<(String, Var)> {
        let changed = |(name, slot): (&str, &Slot)| match slot {
            Slot::Trained(var) | Slot::Moving(var) => Some((name.to_owned(), var.clone())),
            Slot::Frozen(_) => None,
        };
        self.tensors.iter().filter_map(changed).collect()
    }

    /// What nothing may change, by name.
    pub fn frozen(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().filter_map(|(name, slot)| match slot {
            Slot::Frozen(tensor) => Some((name, tensor)),
            _ => None,
        })
    }

    /// The logits `[batch, classes]` for images `[batch, height, width, 3]`.
    ///
    /// # Errors
    /// Images of another shape, or what the device reports.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        self.forward_rest(&self.forward_constant(images)?, mode)
    }

    /// What the constant part gives for images at the cut's frontier, without gradients.
    ///
    /// # Errors
    /// Images of another shape, or what the device reports.
    pub fn forward_constant(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        self.forward_between(
            &[0],
            std::slice::from_ref(images),
            self.blueprint.cut.frontier(),
        )
    }

    /// What the constant nodes `wanted` give for the values of the constant nodes `given`, without gradients.
    ///
    /// # Errors
    /// Values of another shape, too few of them, or what the device reports.
    pub fn forward_between(
        &self,
        given: &[usize],
        values: &[Tensor],
        wanted: &[usize],
    ) -> Result<Vec<Tensor>> {
        let start = given.iter().max().copied().unwrap_or(0);
        let mut nodes = self.blueprint.cut.constant();
        nodes.retain(|node| *node > start);
        self.in_pieces(&nodes, given, values, wanted, Mode::Evaluate)
    }

    /// The logits for what [`Self::forward_constant`] gave.
    ///
    /// # Errors
    /// Values of another shape, or what the device reports.
    pub fn forward_rest(&self, values: &[Tensor], mode: Mode) -> Result<Tensor> {
        let (nodes, given) = (self.blueprint.cut.rest(), self.blueprint.cut.frontier());
        let logits = [self.blueprint.graph.nodes().len() - 1];
        let results = match mode {
            Mode::Evaluate => self.in_pieces(&nodes, given, values, &logits, mode),
            Mode::Look | Mode::Train { .. } => self.pass(&nodes, given, values, &logits, mode),
        };
        match results?.pop() {
            Some(logits) => Ok(logits),
            None => bail!("the network gives nothing"),
        }
    }

    /// What a node gives for images `[batch, height, width, 3]` where nothing trains, in the network's layout.
    ///
    /// # Errors
    /// Images of another shape, or what the device reports.
    pub fn value(&self, images: &Tensor, node: usize) -> Result<Tensor> {
        let nodes: Vec<usize> = (1..=node).collect();
        let images = std::slice::from_ref(images);
        match self
            .in_pieces(&nodes, &[0], images, &[node], Mode::Evaluate)?
            .pop()
        {
            Some(value) => Ok(value),
            None => bail!("node {node} gives nothing"),
        }
    }

    /// Carries images through some of the nodes: on a CPU, as many at once as are fastest. An image's values do not
    /// depend on the others.
    pub(super) fn in_pieces(
        &self,
        nodes: &[usize],
        given: &[usize],
        values: &[Tensor],
        wanted: &[usize],
        mode: Mode,
    ) -> Result<Vec<Tensor>> {
        if !self.device.is_cpu() {
            return self.pass(nodes, given, values, wanted, mode);
        }
        if rayon::current_thread_index().is_none() {
            // From outside, each operation would wake a thread and wait for it.
            return rayon::scope(|_| self.in_pieces(nodes, given, values, wanted, mode));
        }
        let images = values.first().map_or(Ok(0), |value| value.dim(0))?;
        if images <= images_at_once(&self.blueprint.graph, nodes) {
            return self.pass(nodes, given, values, wanted, mode);
        }
        let pieces = pieces(&self.blueprint.graph, nodes, wanted, images);
        self.through(&pieces, nodes, (given, values), wanted, mode)
    }

    /// Carries images through pieces of the nodes: those of the last one at a time through all before it.
    fn through(
        &self,
        pieces: &[Piece],
        nodes: &[usize],
        (given, values): (&[usize], &[Tensor]),
        wanted: &[usize],
        mode: Mode,
    ) -> Result<Vec<Tensor>> {
        let Some((piece, before)) = pieces.split_last() else {
            return self.pass(nodes, given, values, wanted, mode);
        };
        let images = values.first().map_or(Ok(0), |value| value.dim(0))?;
        let mut results: Vec<Vec<Tensor>> = vec![Vec::new(); wanted.len()];
        // About as many each time.
        let some = images.div_ceil(images.div_ceil(piece.images).max(1)).max(1);
        for start in (0..images).step_by(some) {
            let some = |value: &Tensor| value.narrow(0, start, some.min(images - start));
            let values: Vec<Tensor> = values.iter().map(some).collect::<Result<_>>()?;
            let own = &nodes[piece.nodes.clone()];
            let of_some = match before {
                [] => self.pass(own, given, &values, wanted, mode)?,
                before => {
                    let nodes = &nodes[..piece.nodes.start];
                    let given = (given, values.as_slice());
                    let values = self.through(before, nodes, given, &piece.taken, mode)?;
                    self.pass(own, &piece.taken, &values, wanted, mode)?
                }
            };
            for (results, result) in results.iter_mut().zip(of_some) {
                results.push(result);
            }
        }
        let whole = |results: Vec<Tensor>| match results.as_slice() {
            [only] => Ok(only.clone()),
            several => Tensor::cat(several, 0),
        };
        results.into_iter().map(whole).collect()
    }

    /// All tensors by name, in PyTorch's layouts.
    ///
    /// # Errors
    /// What the device reports.
    pub fn weights(&self) -> Result<Weights> {
        self.weights_of(|_| true)
    }

    /// Those that training changes, as [`Self::weights`].
    ///
    /// # Errors
    /// What the device reports.
    pub fn learned(&self) -> Result<Weights> {
        self.weights_of(|slot| !matches!(slot, Slot::Frozen(_)))
    }

    fn weights_of(&self, wanted: impl Fn(&Slot) -> bool) -> Result<Weights> {
        let mut weights = Weights::new();
        for (_, parameter) in self.blueprint.graph.parameters() {
            let slot = self.tensors.get(&parameter.name);
            if let Some(slot) = slot.filter(|slot| wanted(slot)) {
                let values = slot.tensor().flatten_all()?.to_vec1::<f32>()?;
                let data = to_file(parameter, &values);
                let tensor = HostTensor {
                    shape: parameter.file_shape(),
                    data,
                };
                weights.insert(parameter.name.clone(), tensor);
            }
        }
        Ok(weights)
    }

    /// Puts back tensors taken with [`Self::weights`] or [`Self::learned`]; frozen ones stay as they are.
    ///
    /// # Errors
    /// A tensor of another shape, or what the device reports.
    pub fn restore(&self, weights: &Weights) -> Result<()> {
        for (_, parameter) in self.blueprint.graph.parameters() {
            let slot = self.tensors.get(&parameter.name);
            if let (Some(Slot::Trained(var) | Slot::Moving(var)), Some(saved)) =
                (slot, weights.get(&parameter.name))
            {
                let values = initial(parameter, Some(saved), 0)?;
                var.set(&Tensor::from_vec(values, parameter.shape(), &self.device)?)?;
            }
        }
        Ok(())
    }
}

/// A parameter's first value: from a file where given, else by its initializer.
fn initial(parameter: &Parameter, given: Option<&HostTensor>, seed: u64) -> Result<Vec<f32>> {
    Ok(match given {
        Some(tensor) if tensor.shape != parameter.file_shape() => bail!(
            "tensor {} has shape {:?}, its layer needs {:?}",
            parameter.name,
            tensor.shape,
            parameter.file_shape()
        ),
        Some(tensor) => from_file(parameter, &tensor.data),
        None => init::values(parameter, seed),
    })
}
