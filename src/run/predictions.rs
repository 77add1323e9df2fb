//! What a finished run predicted for the images that it did not learn from.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::probabilities::Probabilities;
use crate::data::{Data, View, thumbnail};
use crate::features::Split;
use crate::label_sets::LabelSets;
use crate::spec::Activation;
use crate::train::{Prediction, probabilities};

/// How many of the most confidently wrong images are kept as pictures.
const PICTURES: usize = 24;

/// What a network answers for the images of a part, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    pub each: Vec<Prediction>,
    pub probabilities: Probabilities,
    /// The classes of each label, where images have several, and the probability above which one is predicted.
    pub several: Option<(Arc<LabelSets>, f64)>,
}

impl Answers {
    /// None yet, of a part of so many images.
    pub fn new(images: usize, classes: usize) -> Self {
        Answers {
            each: Vec::with_capacity(images),
            probabilities: Probabilities::new(images, classes),
            several: None,
        }
    }

    /// Adds the next image's, from its logits, a value per class.
    pub fn add(&mut self, logits: &[f32], label: u32, output: Activation) {
        let probabilities = probabilities(logits, output);
        self.probabilities.add(self.each.len(), &probabilities);
        self.each.push(match &self.several {
            Some((sets, threshold)) => {
                Prediction::of_several(&probabilities, sets.classes(label), *threshold)
            }
            None => Prediction::new(&probabilities, label),
        });
    }

    /// Of images with several labels, where there are sets, above a threshold.
    pub fn of_sets(self, sets: Option<Arc<LabelSets>>, threshold: f64) -> Self {
        Answers {
            several: sets.map(|sets| (sets, threshold)),
            ..self
        }
    }

    /// Whether images have several labels.
    pub fn is_multi_label(&self) -> bool {
        self.several.is_some()
    }
}

/// Predictions for the images of one part, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct PartPredictions {
    pub part: Split,
    pub answers: Answers,
    /// The file of each image, relative to the dataset's folder (of folders and tables of images).
    pub files: Option<Vec<String>>,
    /// The most confidently wrong images by their index, as PNG files.
    pub pictures: BTreeMap<usize, Vec<u8>>,
}

/// The part that predictions are kept of: the test part, and where there is none, the validation part.
pub fn predicted_part(data: &Data) -> Split {
    match data.test.is_empty() && !data.validation.is_empty() {
        true => Split::Validation,
        false => Split::Test,
    }
}

impl PartPredictions {
    /// The predictions for the images of `view`, whose files lie in `folder`.
    pub fn new(split: Split, answers: Answers, view: &View, folder: Option<&Path>) -> Self {
        let picture = |i: usize| Some((i, picture(view, i, folder)?));
        // Of several labels, no single one is the mistake.
        let wrong = match answers.is_multi_label() {
            true => Vec::new(),
            false => most_wrong(&answers.each),
        };
        PartPredictions {
            part: split,
            pictures: wrong.into_iter().filter_map(picture).collect(),
            files: view.files(),
            answers,
        }
    }
}

/// An image as the bytes of a PNG file: in its own shape where it has a file, else as it was learned from.
fn picture(view: &View, i: usize, folder: Option<&Path>) -> Option<Vec<u8>> {
    let images = &view.part().images;
    let longest = images.width.max(images.height);
    let in_shape = view
        .file(i)
        .zip(folder)
        .and_then(|(file, folder)| thumbnail(&folder.join(file), longest));
    in_shape.or_else(|| view.png(i))
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
    use crate::data::{Images, Part};

    #[test]
    fn a_picture_of_a_photo_keeps_the_photos_shape() {
        let folder = tempfile::tempdir().unwrap();
        let photo = image::RgbImage::from_pixel(60, 20, image::Rgb([9, 8, 7]));
        photo.save(folder.path().join("wide.png")).unwrap();
        let part = Part {
            images: Images {
                data: vec![7; 2 * 12 * 12 * 3],
                count: 2,
                ..Images::empty(12, 12, 3)
            },
            labels: vec![1, 1],
            files: Some(vec!["wide.png".into(), "removed.png".into()]),
            originals: None,
            label_sets: None,
        };
        let view = View::from(part);
        let size = |i| {
            let png = picture(&view, i, Some(folder.path())).unwrap();
            let image = image::load_from_memory(&png).unwrap();
            (image.width(), image.height())
        };
        assert_eq!((size(0), size(1)), ((12, 4), (12, 12)));
    }

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
            originals: None,
            label_sets: None,
        };
        let view = View::from(part);
        // Class 0 ever surer from image 10 on, class 1 before.
        let prediction = |i: usize| Prediction {
            label: 1,
            label_probability: 0.0,
            top: vec![(u32::from(i < 10), i as f32 / 40.0)],
            several: None,
        };
        let answers = Answers {
            each: (0..n).map(prediction).collect(),
            probabilities: Probabilities::new(0, 2),
            several: None,
        };
        let kept = PartPredictions::new(Split::Test, answers, &view, None).pictures;
        assert_eq!(
            kept.keys().copied().collect::<Vec<_>>(),
            (16..40).collect::<Vec<_>>()
        );
        assert!(kept.values().all(|png| png.starts_with(b"\x89PNG")));
    }
}
