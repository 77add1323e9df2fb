//! Every point.

use super::strategy::{MOST_RUNS, Points, Strategy, count, point, too_many};
use crate::choice::{Choice, Mistake, Options};

pub static GRID: Strategy = Strategy {
    choice: Choice {
        name: "grid",
        options: &[],
    },
    points,
};

fn points(_: &Options, lengths: &[usize], _: u64) -> Points {
    match count(lengths) {
        Some(all) if all <= MOST_RUNS => Ok((0..all).map(|n| point(n, lengths)).collect()),
        all => {
            let count = all.map_or("too many".into(), |n| n.to_string());
            let help = "shorten the axes, or draw some points with `strategy = \"random\"`";
            Err(Mistake::new("axes", too_many(&count)).help(help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lengths: &[usize]) -> Points {
        points(&Options::default(), lengths, 0)
    }

    #[test]
    fn the_last_axis_varies_fastest() {
        let expected = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]];
        assert_eq!(all(&[2, 3]).unwrap(), expected);
        assert_eq!(all(&[]).unwrap(), [[0usize; 0]]);
    }

    #[test]
    fn too_many_points_are_refused() {
        for lengths in [[1000, 1000], [usize::MAX, 3]] {
            assert_eq!(all(&lengths).unwrap_err().key, "axes");
        }
    }
}
