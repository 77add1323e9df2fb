//! A convolution or a dense layer together with what follows it, as one pass over its result.

use candle_core::{Result, Tensor, bail};

use super::network::Network;
use super::pass::{Values, in_layer};
use crate::graph::op::{Activation, Function};
use crate::graph::{Mode, Node, Op, Slot};
use crate::ops::{self, Epilogue, Finished};

impl Network {
    /// How many of the nodes, from the first on, are computed as one: to the same bits as one by one, so that it does
    /// not matter where a pass begins or ends. Where gradients are wanted none are.
    pub(super) fn finished(&self, nodes: &[usize], pass: &Values, mode: Mode) -> usize {
        self.finished_behind(None, nodes, pass, mode)
    }

    /// As [`Self::finished`], where the value of the node `there` will be there too.
    fn finished_behind(
        &self,
        there: Option<usize>,
        nodes: &[usize],
        pass: &Values,
        mode: Mode,
    ) -> usize {
        if !self.device.is_cpu() {
            return 0;
        }
        let graph = &self.blueprint.graph;
        let mut before: Option<usize> = None;
        let follows = |&&i: &&usize| {
            let Some(node) = graph.nodes().get(i) else {
                return false;
            };
            let fits = match before {
                None => matches!(node.op, Op::Convolution(_) | Op::Dense(_)),
                Some(before) => {
                    let is_joined = self.joined.get(i) == Some(&true);
                    i == before + 1 && is_joined && pass.is_last_use(before)
                }
            };
            let is_there = |input: &usize| {
                before == Some(*input) || there == Some(*input) || pass.get(*input).is_ok()
            };
            let fits = fits && node.inputs.iter().all(is_there);
            before = Some(i);
            fits && self.is_fixed(i, node, pass, mode)
        };
        nodes.iter().take_while(follows).count()
    }

    /// Whether a node gives the same for every pass and wants no gradients.
    fn is_fixed(&self, i: usize, node: &Node, pass: &Values, mode: Mode) -> bool {
        if mode == Mode::Evaluate {
            return true;
        }
        let is_tracked = |input: &usize| pass.get(*input).is_ok_and(ops::is_wanted);
        let tensors = node.parameters.iter();
        let mut slots = tensors.map(|parameter| self.tensors.get(&parameter.name));
        let follows_batches =
            matches!(node.op, Op::BatchNorm(_)) && self.blueprint.cut.follows_batches(i);
        !follows_batches
            && !node.op.is_random()
            && !node.inputs.iter().any(is_tracked)
            && slots.all(|slot| matches!(slot, Some(Slot::Frozen(_))))
    }

    /// How many of the nodes behind the first `finished` belong to a depthwise convolution that is computed band by band with
    /// them, which are a convolution of single pixels and what follows it.
    pub(super) fn banded(
        &self,
        nodes: &[usize],
        finished: usize,
        pass: &Values,
        mode: Mode,
    ) -> usize {
        let (now, later) = nodes.split_at(finished);
        let (Some(&last), Some(&next)) = (now.last(), later.first()) else {
            return 0;
        };
        let begins = now
            .first()
            .is_some_and(|first| self.joined.get(*first) == Some(&false));
        let is_banded = next == last + 1 && self.banded.get(next) == Some(&true);
        match begins && is_banded && pass.is_last_use(last) {
            true => self.finished_behind(Some(last), later, pass, mode),
            false => 0,
        }
    }

    /// How many of the nodes behind the first `finished`, a convolution and what follows it, belong to another of the same
    /// input and to where the two are joined.
    pub(super) fn beside(
        &self,
        nodes: &[usize],
        finished: usize,
        pass: &Values,
        mode: Mode,
    ) -> usize {
        let (first, later) = nodes.split_at(finished);
        let of_second = self.finished(later, pass, mode);
        let (second, later) = later.split_at(of_second);
        let (Some(&a), Some(&b), Some(&join)) = (first.last(), second.last(), later.first()) else {
            return 0;
        };
        let is_join = self
            .node(join)
            .is_ok_and(|node| matches!(node.op, Op::Concatenate(_)) && node.inputs == [a, b]);
        if !is_join || !pass.is_last_use(a) || !pass.is_last_use(b) {
            return 0;
        }
        let inputs = [first, second].map(|nodes| self.convolution(nodes).map(|(_, input)| input));
        match inputs {
            [Ok(one), Ok(other)] if one == other => of_second + 1,
            _ => 0,
        }
    }

    /// The value of the last of nodes that [`Self::finished`] and [`Self::beside`] have counted.
    pub(super) fn finish_beside(
        &self,
        (first, later): (&[usize], &[usize]),
        pass: &Values,
        mode: Mode,
    ) -> Result<Tensor> {
        let second = later.split_last().map_or(later, |(_, second)| second);
        let (node, input) = self.convolution(first)?;
        let both = [
            &self.finished_convolution(first, pass, mode)?,
            &self.finished_convolution(second, pass, mode)?,
        ];
        ops::conv2d_beside(pass.get(input)?, both).map_err(in_layer(node))
    }

    /// The value of the last of nodes that [`Self::finished`] and [`Self::banded`] have counted.
    pub(super) fn finish_both(
        &self,
        (first, second): (&[usize], &[usize]),
        pass: &Values,
        mode: Mode,
    ) -> Result<Tensor> {
        let ((_, input), (depthwise, _)) = (self.convolution(first)?, self.convolution(second)?);
        let value = ops::conv2d_banded(
            pass.get(input)?,
            &self.finished_convolution(first, pass, mode)?,
            &self.finished_convolution(second, pass, mode)?,
        );
        value.map_err(in_layer(depthwise))
    }

    /// The first of some nodes, a convolution, and what it takes.
    fn convolution(&self, nodes: &[usize]) -> Result<(&Node, usize)> {
        let node = self.node(nodes.first().copied().unwrap_or(0))?;
        match (&node.op, node.inputs.as_slice()) {
            (Op::Convolution(_), &[input]) => Ok((node, input)),
            _ => bail!("{} is no convolution", node.name),
        }
    }

    /// The first of some nodes, a convolution, and what follows it.
    fn finished_convolution(
        &self,
        nodes: &[usize],
        pass: &Values,
        mode: Mode,
    ) -> Result<Finished<'_>> {
        let first = nodes.first().copied().unwrap_or(0);
        let node = self.node(first)?;
        let Op::Convolution(op) = &node.op else {
            bail!("{} is no convolution", node.name);
        };
        op.finished(
            &self.context(first, node, mode),
            self.epilogue(nodes, pass, mode)?,
        )
    }

    /// The value of the last of nodes that [`Self::finished`] has counted.
    pub(super) fn finish(&self, nodes: &[usize], pass: &Values, mode: Mode) -> Result<Tensor> {
        let Some(&first) = nodes.first() else {
            bail!("no node is to be computed");
        };
        let epilogue = self.epilogue(nodes, pass, mode)?;
        let node = self.node(first)?;
        let &[input] = node.inputs.as_slice() else {
            bail!("{} has {} inputs", node.name, node.inputs.len());
        };
        let (x, context) = (pass.get(input)?, self.context(first, node, mode));
        let value = match &node.op {
            Op::Convolution(op) => op.finish(x, &context, epilogue),
            Op::Dense(op) => op.finish(x, &context, epilogue),
            _ => bail!("{} is no product", node.name),
        };
        value.map_err(in_layer(node))
    }

    /// What follows the first of the nodes, all but its bias.
    fn epilogue(&self, nodes: &[usize], pass: &Values, mode: Mode) -> Result<Epilogue> {
        let Some((&first, rest)) = nodes.split_first() else {
            return Ok(Epilogue::default());
        };
        let mut epilogue = Epilogue::default();
        let mut before = first;
        for &i in rest {
            let node = self.node(i)?;
            let context = self.context(i, node, mode);
            match &node.op {
                Op::BatchNorm(op) => {
                    let of = |name| context.tensor(name);
                    let (gamma, beta) = (of("weight")?, of("bias")?);
                    let (mean, variance) = (of("running_mean")?, of("running_var")?);
                    let (scale, shift) =
                        ops::scale_and_shift(gamma, beta, mean, variance, op.epsilon)
                            .map_err(in_layer(node))?;
                    (epilogue.scale, epilogue.shift) = (Some(scale), Some(shift));
                }
                Op::LayerScale(_) => epilogue.scale = Some(context.tensor("gamma")?.clone()),
                Op::Add(_) => {
                    let other = node.inputs.iter().find(|input| **input != before);
                    let Some(other) = other else {
                        bail!("{} adds nothing else", node.name);
                    };
                    epilogue.add = Some(pass.get(*other)?.clone());
                }
                Op::Activation(Activation {
                    function: Function::Of(function),
                }) => epilogue.function = Some(*function),
                _ => {}
            }
            before = i;
        }
        Ok(epilogue)
    }
}
