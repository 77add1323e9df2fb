//! Settings that no other one beats in everything: a Pareto front.

use super::comparison::Group;
use super::measure::Measure;

/// Finds the groups, measured on the same images, of which no other one is at least as good in what is reported and in
/// every cost, and better in one of them.
pub(super) fn find(groups: &mut [Group], measures: &[Measure], reported: usize) {
    let costs = || measures.iter().enumerate().filter(|(_, m)| m.is_cost());
    let point = |group: &Group| -> Option<Vec<f64>> {
        let value = |at: usize| Some(group.samples.get(at)?.as_ref()?.mean);
        let sign = if measures.get(reported)?.rises {
            -1.0
        } else {
            1.0
        };
        let first = sign * value(reported)?;
        let rest = costs()
            .map(|(at, _)| value(at))
            .collect::<Option<Vec<f64>>>()?;
        Some([vec![first], rest].concat())
    };
    let points: Vec<Option<Vec<f64>>> = groups.iter().map(point).collect();
    let beats = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).all(|(a, b)| a <= b) && a.iter().zip(b).any(|(a, b)| a < b)
    };
    for (group, own) in groups.iter_mut().zip(&points) {
        let is_beaten = |own: &Vec<f64>| points.iter().flatten().any(|other| beats(other, own));
        group.is_on_front = own.as_ref().is_some_and(|own| !is_beaten(own));
    }
}
