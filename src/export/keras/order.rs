//! The order in which Keras has a model's layers, which is that of its files' weights.

use std::collections::{BTreeSet, HashMap};

/// The numbers of layers in Keras's order, from the layers whose values each takes; the last layer gives the result.
///
/// `map_graph` of `keras/src/ops/function.py`: those that are further from the result come first, and of equally far ones
/// those that a search backwards from the result meets first.
pub fn order(inputs: &[Vec<usize>]) -> Vec<usize> {
    let Some(last) = inputs.len().checked_sub(1) else {
        return Vec::new();
    };
    // Layers when they are met, and when all before them is done.
    let (mut met, mut done) = (HashMap::new(), Vec::new());
    let mut finished = BTreeSet::new();
    let mut stack = vec![(last, 0)];
    while let Some((layer, next)) = stack.pop() {
        if next == 0 {
            if finished.contains(&layer) {
                continue;
            }
            let count = met.len();
            met.entry(layer).or_insert(count);
        }
        match inputs.get(layer).and_then(|all| all.get(next)) {
            Some(&before) => {
                stack.push((layer, next + 1));
                stack.push((before, 0));
            }
            None => {
                if finished.insert(layer) {
                    done.push(layer);
                }
            }
        }
    }
    let mut depths: HashMap<usize, usize> = HashMap::new();
    for &layer in done.iter().rev() {
        let depth = *depths.entry(layer).or_insert(0);
        for before in inputs.get(layer).into_iter().flatten() {
            let known = depths.entry(*before).or_insert(0);
            *known = (depth + 1).max(*known);
        }
    }
    let place = |layer: &usize| {
        let depth = depths.get(layer).copied().unwrap_or(0);
        (std::cmp::Reverse(depth), met.get(layer).copied())
    };
    done.sort_by_key(place);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    // keras 3.15.1:
    //   i = Input((4,)); a = Dense(4, name="a")(i); b = Dense(4, name="b")(a); c = Dense(4, name="c")(i)
    //   m = Model(i, Add(name="s")([c, b])); [l.name for l in m.layers]  → ['i', 'a', 'c', 'b', 's']
    #[test]
    fn branches_are_ordered_as_keras_has_them() {
        let [i, a, b, c, s] = [0, 1, 2, 3, 4];
        let inputs = [vec![], vec![i], vec![a], vec![i], vec![c, b]];
        assert_eq!(order(&inputs), [i, a, c, b, s]);
    }
}
