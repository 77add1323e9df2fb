//! A pass over nodes of the graph, some of them fused, and their values dropped when nothing needs them any more.

use candle_core::{DType, Result, Tensor, bail};

use super::network::Network;
use crate::graph::op::{Activation, Function};
use crate::graph::{Context, Mode, Node, Op};
use crate::ops;

/// The values of a pass.
pub(super) struct Values {
    values: Vec<Option<Tensor>>,
    /// How often each is still needed.
    uses: Vec<usize>,
}

impl Values {
    pub fn get(&self, node: usize) -> Result<&Tensor> {
        match self.values.get(node) {
            Some(Some(value)) => Ok(value),
            _ => bail!("node {node} has no value"),
        }
    }

    /// Whether a value that is not there yet is taken once only.
    pub fn is_last_use(&self, node: usize) -> bool {
        self.uses.get(node) == Some(&1)
    }

    fn set(&mut self, node: usize, value: Tensor) {
        if let Some(place) = self.values.get_mut(node) {
            *place = Some(value);
        }
    }

    /// Notes that a node has taken the value.
    fn used(&mut self, node: usize) {
        let Some(left) = self.uses.get_mut(node) else {
            return;
        };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.values[node] = None;
        }
    }
}

/// How some nodes are computed as one, and how many they are.
enum Way {
    /// The first, with a function behind it.
    Fused(usize),
    /// A convolution or a dense layer with what follows it.
    Finished(usize),
    /// Such a convolution, and band by band a depthwise one behind it.
    Banded(usize, usize),
    /// Such a convolution, and another with what joins the two.
    Beside(usize, usize),
}

impl Way {
    fn nodes(&self) -> usize {
        match *self {
            Way::Fused(nodes) | Way::Finished(nodes) => nodes,
            Way::Banded(first, second) | Way::Beside(first, second) => first + second,
        }
    }
}

impl Network {
    /// The values of the nodes `wanted`, computed by the nodes `nodes` (in the graph's order) from the values of the
    /// nodes `given`.
    pub(super) fn pass(
        &self,
        nodes: &[usize],
        given: &[usize],
        values: &[Tensor],
        wanted: &[usize],
        mode: Mode,
    ) -> Result<Vec<Tensor>> {
        if given.len() != values.len() {
            bail!("{} values for {} nodes", values.len(), given.len());
        }
        let dtype = self.prepare();
        let mut pass = self.begin(nodes, wanted);
        for (node, value) in given.iter().zip(values) {
            pass.set(*node, as_type(value, dtype)?);
        }
        let mut rest = nodes;
        while let Some(&first) = rest.first() {
            let way = self.way(rest, &pass, mode);
            let (now, later) = rest.split_at(way.nodes());
            rest = later;
            let mut value = match way {
                Way::Fused(_) => self.compute(now, &pass, mode)?,
                Way::Finished(_) => self.finish(now, &pass, mode)?,
                Way::Banded(first, _) => self.finish_both(now.split_at(first), &pass, mode)?,
                Way::Beside(first, _) => self.finish_beside(now.split_at(first), &pass, mode)?,
            };
            if mode == Mode::Evaluate {
                // Nothing holds the values before then.
                value = value.detach();
            }
            for &node in now {
                for &input in &self.node(node)?.inputs {
                    if !now.contains(&input) {
                        pass.used(input);
                    }
                }
            }
            pass.set(now.last().copied().unwrap_or(first), value);
        }
        let result = |node: &usize| as_type(pass.get(*node)?, DType::F32);
        wanted.iter().map(result).collect()
    }

    /// How the first of some nodes are computed.
    fn way(&self, nodes: &[usize], pass: &Values, mode: Mode) -> Way {
        let (fused, finished) = (self.fused(nodes, pass), self.finished(nodes, pass, mode));
        if finished == 0 {
            return Way::Fused(fused);
        }
        let beside = self.beside(nodes, finished, pass, mode);
        if beside > 0 {
            return Way::Beside(finished, beside);
        }
        if finished <= fused {
            return Way::Fused(fused);
        }
        match self.banded(nodes, finished, pass, mode) {
            0 => Way::Finished(finished),
            banded => Way::Banded(finished, banded),
        }
    }

    fn begin(&self, nodes: &[usize], wanted: &[usize]) -> Values {
        let all = self.blueprint.graph.nodes();
        let mut uses = vec![0; all.len()];
        let inputs = nodes
            .iter()
            .filter_map(|i| all.get(*i))
            .flat_map(|node| &node.inputs);
        for node in inputs.chain(wanted) {
            uses[*node] += 1;
        }
        Values {
            values: vec![None; all.len()],
            uses,
        }
    }

    pub(super) fn node(&self, i: usize) -> Result<&Node> {
        match self.blueprint.graph.nodes().get(i) {
            Some(node) => Ok(node),
            None => bail!("there is no node {i}"),
        }
    }

    /// How many of the nodes, from the first on, run as one operation: a function may be applied by the node before it.
    fn fused(&self, nodes: &[usize], pass: &Values) -> usize {
        let &[before, node, ..] = nodes else { return 1 };
        let graph = self.blueprint.graph.nodes();
        let alone = graph.get(node).is_some_and(|n| n.inputs == [before]);
        let is_absorbed = self.absorbed.get(node) == Some(&true);
        1 + usize::from(alone && is_absorbed && pass.is_last_use(before))
    }

    /// The value of the last of some fused nodes.
    fn compute(&self, nodes: &[usize], pass: &Values, mode: Mode) -> Result<Tensor> {
        match *nodes {
            [node] => self.single(node, None, pass, mode),
            [node, function] => match self.node(function)?.op {
                Op::Activation(Activation {
                    function: Function::Of(function),
                }) => self.single(node, Some(function), pass, mode),
                _ => bail!("node {function} is no function of single values"),
            },
            _ => bail!("{} nodes are to be computed as one", nodes.len()),
        }
    }

    /// The value of a node, with the function behind it, where there is one.
    fn single(
        &self,
        i: usize,
        then: Option<ops::Function>,
        pass: &Values,
        mode: Mode,
    ) -> Result<Tensor> {
        let node = self.node(i)?;
        let inputs = node.inputs.iter().map(|input| pass.get(*input));
        let inputs: Vec<&Tensor> = inputs.collect::<Result<_>>()?;
        let context = self.context(i, node, mode);
        let relu = then == Some(ops::Function::Relu);
        let value = match (&node.op, inputs.as_slice()) {
            (Op::Convolution(op), [x]) => op.apply(x, &context, relu),
            (Op::Dense(op), [x]) => op.apply(x, &context, relu),
            (Op::BatchNorm(op), [x]) => op.apply(x, &context, then),
            (Op::Add(_), [a, b]) => ops::add(a, b, relu),
            (op, inputs) => op.forward(inputs, &context),
        };
        value.map_err(in_layer(node))
    }

    pub(super) fn context<'a>(&'a self, i: usize, node: &'a Node, mode: Mode) -> Context<'a> {
        let follows_batches = self.blueprint.cut.follows_batches(i);
        Context::new(&node.name, &self.tensors, mode, follows_batches).by(self.products())
    }
}

/// The tensor itself where it is of that type.
fn as_type(value: &Tensor, dtype: DType) -> Result<Tensor> {
    match value.dtype() == dtype {
        true => Ok(value.clone()),
        false => ops::to_dtype(value, dtype),
    }
}

/// Names the layer in an error.
pub(super) fn in_layer(node: &Node) -> impl Fn(candle_core::Error) -> candle_core::Error {
    move |error| error.context(format!("in layer {}", node.name))
}
