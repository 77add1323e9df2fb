//! Every point.

use super::space::Space;
use super::strategy::{Answers, Asked, Strategy};
use crate::choice::{Choice, Mistake, Options};

pub static GRID: Strategy = Strategy {
    choice: Choice {
        name: "grid",
        options: &[],
    },
    ask,
    metric: None,
};

fn ask(_: &Options, space: &Space, _: &Answers<'_>) -> Result<Asked, Mistake> {
    let points = space.all("draw some points with `strategy = \"random\"`")?;
    Ok(Asked::each(points))
}

#[cfg(test)]
mod tests {
    use super::super::range::{Range, Scale};
    use super::super::space::{Place, Point, Values, listed};
    use super::super::strategy::no_answers;
    use super::*;

    fn all(space: &Space) -> Result<Vec<Point>, Mistake> {
        let asked = ask(&Options::default(), space, &no_answers)?;
        let questions = asked.questions.into_iter();
        Ok(questions.flat_map(|question| question.points).collect())
    }

    #[test]
    fn the_last_axis_varies_fastest() {
        let expected = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]];
        let expected = expected.map(|point| point.map(Place::Listed).to_vec());
        assert_eq!(all(&listed(&[2, 3])).unwrap(), expected);
        assert_eq!(all(&listed(&[])).unwrap(), [Vec::new()]);
    }

    #[test]
    fn too_many_points_and_ranges_are_refused() {
        let mut range = listed(&[2]);
        range.axes[0].values = Values::Range(Range {
            min: 0.0,
            max: 1.0,
            scale: Scale::Linear,
            is_whole: false,
        });
        for space in [listed(&[1000, 1000]), listed(&[usize::MAX, 3]), range] {
            assert_eq!(all(&space).unwrap_err().key, "axes");
        }
    }
}
