//! What a training step holds: values kept on the way forward, gradients on the way back.

use std::collections::HashMap;

use super::cut::Cut;
use super::fusion::absorbed;
use super::node::{Graph, Node};
use super::op::{Kept, Op};

/// More than any machine has; sums of as many as a network's nodes fit a number.
const ENOUGH: u64 = 1 << 50;

/// Bytes of so many f32 values, as far as it matters.
fn bytes(values: usize) -> u64 {
    (values as u64).saturating_mul(4).min(ENOUGH)
}

/// What a step holds at a time, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Values kept for the way back, and those that the step begins with.
    pub kept: u64,
    /// Gradients of values and weights.
    pub gradients: u64,
}

impl Held {
    fn all(&self) -> u64 {
        self.kept.saturating_add(self.gradients)
    }
}

/// What a step with a batch of so many samples holds when it holds the most, on a CPU: values are dropped as soon as they have
/// been used, while gradients of weights become more.
pub fn most_held(graph: &Graph, cut: &Cut, batch: usize) -> Held {
    Walk::new(graph, cut, batch).most()
}

/// Bytes of the largest value of the part that trains, for so many samples.
pub fn largest_value(graph: &Graph, cut: &Cut, batch: usize) -> u64 {
    let rest = cut.rest().into_iter();
    let values = rest.filter_map(|node| graph.nodes().get(node));
    let largest = values.map(|node| node.output.elements()).max();
    bytes(largest.unwrap_or(0).saturating_mul(batch))
}

/// For each node whether its value has a gradient: a weight of it or of a node before it trains.
pub(super) fn have_gradients(graph: &Graph, cut: &Cut) -> Vec<bool> {
    let mut found: Vec<bool> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let learns = node.parameters.iter().any(|p| cut.trains(p));
        found.push(learns || node.inputs.iter().any(|input| found[*input]));
    }
    found
}

/// Nodes that are computed as one, and have a gradient.
struct Step {
    /// The value they give, and those they take that have gradients.
    output: usize,
    inputs: Vec<usize>,
    /// Values they keep.
    keeps: Vec<usize>,
    /// Whether the gradient before a ReLU is put beside that behind it.
    is_cut_off: bool,
    /// Bytes of the gradients of their weights.
    weights: u64,
}

struct Walk {
    steps: Vec<Step>,
    /// Bytes of each node's values; none of what is given.
    bytes: Vec<u64>,
    /// Bytes of the values that the step begins with.
    given: u64,
    /// The values that are computed, each by one step.
    values: Vec<usize>,
    /// Bytes of the largest trained tensor.
    largest: u64,
}

impl Walk {
    fn new(graph: &Graph, cut: &Cut, batch: usize) -> Self {
        let (nodes, absorbed) = (graph.nodes(), absorbed(graph));
        let has_gradient = have_gradients(graph, cut);
        let of_batch = |node: &Node| bytes(node.output.elements().saturating_mul(batch));
        let size = |(i, node): (usize, &Node)| match cut.is_constant(i) {
            true => 0,
            false => of_batch(node),
        };
        let of_values: Vec<u64> = nodes.iter().enumerate().map(size).collect();
        let given = cut.frontier().iter().filter_map(|i| nodes.get(*i));
        // Whose memory a node's values are.
        let mut memory: Vec<usize> = Vec::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            let own = match node.inputs.as_slice() {
                &[input] if node.op.is_view() => memory[input],
                _ => i,
            };
            memory.push(own);
        }
        let mut walk = Walk {
            steps: Vec::new(),
            bytes: of_values,
            given: given.map(of_batch).sum(),
            values: Vec::new(),
            largest: 0,
        };
        for (i, node) in nodes.iter().enumerate() {
            if cut.is_constant(i) || absorbed[i] {
                continue;
            }
            let has_function = absorbed.get(i + 1) == Some(&true) && nodes[i + 1].inputs == [i];
            let output = memory[i + usize::from(has_function)];
            walk.values.push(output);
            if !has_gradient[i] {
                continue;
            }
            let is_product = matches!(node.op, Op::Convolution(_) | Op::Dense(_));
            let shows_what_relu_left = has_function && !matches!(node.op, Op::BatchNorm(_));
            let Kept {
                inputs,
                output: of_output,
            } = node.op.keeps();
            let taken = node.inputs.iter().map(|input| memory[*input]);
            let mut keeps: Vec<usize> = taken.filter(|_| inputs).collect();
            if of_output || shows_what_relu_left {
                keeps.push(output);
            }
            let trained = node.parameters.iter().filter(|p| cut.trains(p));
            let trained = trained.map(|p| bytes(p.elements()));
            walk.largest = trained.clone().fold(walk.largest, u64::max);
            let with_gradients = node.inputs.iter().filter(|input| has_gradient[**input]);
            // A view has the gradient of what it shows.
            if !node.op.is_view() {
                walk.steps.push(Step {
                    output,
                    inputs: with_gradients.map(|input| memory[*input]).collect(),
                    keeps,
                    is_cut_off: is_product && has_function,
                    weights: trained.sum(),
                });
            }
        }
        walk
    }

    fn most(&self) -> Held {
        // Which step, going back, is the last to hold a value.
        let mut last: HashMap<usize, usize> = HashMap::new();
        for (at, step) in self.steps.iter().enumerate() {
            for value in &step.keeps {
                last.entry(*value).or_insert(at);
            }
        }
        let of = |value: &usize| self.bytes[*value];
        let mut kept = self.given + last.keys().map(of).sum::<u64>();
        // Of values that nothing keeps, one gives the next.
        let passing = self.values.iter().filter(|value| !last.contains_key(value));
        let passing = passing.map(of).max().unwrap_or(0);
        let mut most = Held {
            kept: kept.saturating_add(passing.saturating_mul(2)),
            gradients: 0,
        };
        let mut is_there = vec![false; self.bytes.len()];
        let (mut there, mut weights) = (0u64, 0u64);
        for (at, step) in self.steps.iter().enumerate().rev() {
            let dy = of(&step.output);
            if !std::mem::replace(&mut is_there[step.output], true) {
                there += dy;
            }
            let new: u64 = step.inputs.iter().map(of).sum();
            weights += step.weights;
            let mut see = |gradients: u64| {
                let held = Held { kept, gradients };
                if held.all() > most.all() {
                    most = held;
                }
            };
            if step.is_cut_off {
                see(there + dy + weights - step.weights);
            }
            see(there + new + weights);
            // Of those there already, the sum is made beside both.
            let more = step.inputs.iter().filter(|input| is_there[**input]);
            see(there - dy + new + weights + more.map(of).max().unwrap_or(0));
            there -= dy;
            is_there[step.output] = false;
            for input in &step.inputs {
                if !std::mem::replace(&mut is_there[*input], true) {
                    there += of(input);
                }
            }
            let dropped = step.keeps.iter().filter(|value| last[*value] == at);
            let mut dropped: Vec<usize> = dropped.copied().collect();
            dropped.dedup();
            kept -= dropped.iter().map(of).sum::<u64>();
        }
        let updated = Held {
            kept: 0,
            gradients: weights + self.largest,
        };
        match updated.all() > most.all() {
            true => updated,
            false => most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Blueprint;
    use crate::spec::Spec;

    fn network(through: &str) -> Blueprint {
        let text = format!(
            "name = 'test'\n[dataset]\nname = 'cifar10'\n[backbone]\narch = 'vgg11'\nweights = 'random'\n\
             [freeze]\nthrough = '{through}'\n[[head]]\nlayer = 'flatten'\n\
             [[head]]\nlayer = 'dense'\nunits = 'classes'\nactivation = 'softmax'\n"
        );
        Blueprint::new(&toml::from_str::<Spec>(&text).unwrap(), 10).unwrap()
    }

    fn held(through: &str, batch: usize) -> Held {
        let network = network(through);
        most_held(&network.graph, &network.cut, batch)
    }

    /// A head of 512 × 10 weights and 10 biases on features of 512 values.
    #[test]
    fn a_small_batch_holds_the_most_when_weights_are_updated_and_a_large_one_before_the_way_back() {
        let weights = 4 * (512 * 10 + 10);
        let updated = Held {
            kept: 0,
            gradients: weights + 4 * 512 * 10,
        };
        assert_eq!(held("all", 4), updated);
        let features_and_logits = Held {
            kept: 4 * 1024 * (512 + 2 * 10),
            gradients: 0,
        };
        assert_eq!(held("all", 1024), features_and_logits);
    }

    /// The last convolution is 2×2×512 → 512, with ReLU and a pooling behind it.
    #[test]
    fn values_are_held_until_their_last_use_while_gradients_of_weights_come() {
        let (map, pooled) = (4 * 2 * 2 * 512, 4 * 512);
        let network = network("block5_conv1");
        let walk = Walk::new(&network.graph, &network.cut, 1);
        // What the convolution gave, for ReLU and the pooling, which keeps its own result too; the input is given.
        let kept: u64 = map + pooled;
        let taken: std::collections::BTreeSet<usize> = walk
            .steps
            .iter()
            .flat_map(|step| &step.keeps)
            .copied()
            .collect();
        assert_eq!(taken.iter().map(|v| walk.bytes[*v]).sum::<u64>(), kept);
        assert_eq!(walk.given, map);
        let weights: u64 = walk.steps.iter().map(|step| step.weights).sum();
        assert_eq!(weights, 4 * (9 * 512 * 512 + 512 + 512 * 10 + 10));
        let most = walk.most();
        assert_eq!(
            (most.kept, most.gradients),
            (0, weights + 4 * 9 * 512 * 512)
        );
    }
}
