//! What a finished run predicted for the test images.

use std::collections::BTreeMap;

use crate::data::Part;
use crate::train::Prediction;

/// How many of the most confidently wrong images are kept as pictures.
const PICTURES: usize = 24;

/// Predictions for the test images, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestPredictions {
    pub each: Vec<Prediction>,
    /// The file of each image, relative to the dataset's folder (`image_folder` only).
    pub files: Option<Vec<String>>,
    /// The most confidently wrong images by their index, as PNG files.
    pub pictures: BTreeMap<usize, Vec<u8>>,
}

impl TestPredictions {
    /// The predictions for the images of `part`.
    pub fn new(each: Vec<Prediction>, part: &Part) -> Self {
        let picture = |i: usize| Some((i, part.png(i)?));
        TestPredictions {
            pictures: most_wrong(&each).into_iter().filter_map(picture).collect(),
            files: part.files.clone(),
            each,
        }
    }
}

/// The indices of the wrong predictions with the highest probabilities.
fn most_wrong(each: &[Prediction]) -> Vec<usize> {
    let probability = |i: &usize| each[*i].first().map_or(0.0, |(_, probability)| probability);
    let mut wrong: Vec<usize> = (0..each.len()).filter(|&i| each[i].is_wrong()).collect();
    wrong.sort_by(|a, b| probability(b).total_cmp(&probability(a)));
    wrong.truncate(PICTURES);
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;

    #[test]
    fn the_most_confidently_wrong_images_are_kept_as_pictures() {
        let n = 40;
        let part = Part {
            images: Images {
                data: vec![7; n],
                count: n,
                ..Images::empty(1, 1, 1)
            },
            labels: vec![1; n],
            files: None,
        };
        // Class 0 ever surer from image 10 on, class 1 before.
        let prediction = |i: usize| Prediction {
            label: 1,
            label_probability: 0.0,
            top: vec![(u32::from(i < 10), i as f32 / 40.0)],
        };
        let kept = TestPredictions::new((0..n).map(prediction).collect(), &part).pictures;
        assert_eq!(
            kept.keys().copied().collect::<Vec<_>>(),
            (16..40).collect::<Vec<_>>()
        );
        assert!(kept.values().all(|png| png.starts_with(b"\x89PNG")));
    }
}
