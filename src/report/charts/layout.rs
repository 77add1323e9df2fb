//! How settings that differ in several axes are told apart: by colour, by plot, or not at all.

use std::collections::BTreeMap;

use super::axis::Swept;
use crate::report::experiment::Ranked;
use crate::store::text;

/// More values of other axes than this cannot be told apart by colour.
const MOST_SERIES: usize = 6;
/// More plots than this are not looked at.
const MOST_PLOTS: usize = 12;

/// An axis with its place in the comparison.
pub type OtherAxis<'a> = (usize, &'a Swept);

/// Which plot and which colour each setting has.
pub struct Layout {
    pub plots: Vec<String>,
    pub series: Vec<String>,
    /// The plot and the series of each setting.
    pub of: Vec<(usize, usize)>,
    /// Whether settings that differ in other axes share a colour.
    pub strip: bool,
}

impl Layout {
    pub fn of(settings: &[Ranked<'_>], others: &[OtherAxis<'_>]) -> Self {
        let series = Split::new(settings, others);
        if series.names.len() <= MOST_SERIES {
            return Layout::new(Split::new(settings, &[]), series, false);
        }
        // The axis with the most values that colours can tell apart, so that the fewest plots are needed.
        let colored = others
            .iter()
            .filter(|(_, swept)| swept.values.len() <= MOST_SERIES);
        if let Some((axis, _)) = colored.max_by_key(|(_, swept)| swept.values.len()) {
            let (one, rest): (Vec<_>, Vec<_>) = others.iter().partition(|(other, _)| other == axis);
            let plots = Split::new(settings, &rest);
            if plots.names.len() <= MOST_PLOTS {
                return Layout::new(plots, Split::new(settings, &one), false);
            }
        }
        let none = Split::new(settings, &[]);
        Layout::new(none.clone(), none, true)
    }

    fn new(plots: Split, series: Split, strip: bool) -> Self {
        Layout {
            of: plots.of.into_iter().zip(series.of).collect(),
            plots: plots.names,
            series: series.names,
            strip,
        }
    }
}

/// Settings told apart by some axes.
#[derive(Clone)]
struct Split {
    names: Vec<String>,
    of: Vec<usize>,
}

impl Split {
    /// In the order of the axes' values.
    fn new(settings: &[Ranked<'_>], axes: &[OtherAxis<'_>]) -> Self {
        let place = |setting: &Ranked<'_>| -> Vec<Option<usize>> {
            let positions = axes.iter().map(|(axis, swept)| {
                let value = setting.group.point.get(*axis)?.as_ref()?;
                swept.position(value)
            });
            positions.collect()
        };
        let name = |setting: &Ranked<'_>| {
            let pairs = axes.iter().filter_map(|(axis, swept)| {
                let value = setting.group.point.get(*axis)?.clone()?;
                Some((swept.key.clone(), value))
            });
            text::point(&pairs.collect::<Vec<_>>(), ", ")
        };
        let mut found: BTreeMap<Vec<Option<usize>>, String> = BTreeMap::new();
        for setting in settings {
            found.entry(place(setting)).or_insert_with(|| name(setting));
        }
        let order: BTreeMap<&Vec<Option<usize>>, usize> = found.keys().zip(0..).collect();
        let of = settings
            .iter()
            .map(|setting| order[&place(setting)])
            .collect();
        Split {
            of,
            names: found.into_values().collect(),
        }
    }
}
