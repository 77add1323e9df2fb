//! What a network sees of its training images, to be looked at before it is trained.

use super::error::Error;
use super::executor::Executor;
use super::planned::PlannedRun;
use super::start;
use crate::data::{Batches, Images, Normalizer, Part, Resizing, View};
use crate::spec::Spec;

/// A training image.
#[derive(Debug)]
pub struct Picture {
    pub class: String,
    /// Its file, where it is one.
    pub file: Option<String>,
    /// What the network sees of it, epoch by epoch, each the bytes of a PNG file.
    pub epochs: Vec<Vec<u8>>,
}

impl Executor<'_> {
    /// What a run's network sees of `count` training images in the first `epochs` epochs, of every class in turn.
    ///
    /// # Errors
    /// Images that cannot be read.
    pub fn pictures(
        &self,
        planned: &PlannedRun,
        count: usize,
        epochs: usize,
    ) -> Result<Vec<Picture>, Error> {
        let spec = &planned.run.spec;
        let preparation = start::preparation(spec, &planned.run.id, &self.upstream)?;
        let resizing = preparation.resizing;
        let data = self.prepare(|shared| self.data(shared, planned, resizing))?;
        let normalizer = preparation.normalizer(spec, &data.train)?;
        let chosen = of_each_class(&data.train, count);
        let batches = Batches::new(
            &data.train,
            &normalizer,
            resizing,
            Some((&spec.augmentation, spec.seed)),
            &planned.device.device,
        );
        let mut pictures: Vec<Picture> = chosen
            .iter()
            .map(|&i| Picture {
                class: class(&data.classes, &data.train.classes_of(i as usize)),
                file: data.train.file(i as usize).map(str::to_owned),
                epochs: Vec::new(),
            })
            .collect();
        for epoch in 1..=epochs {
            let (input, _) = batches.batch(&chosen, epoch as u64)?;
            let input = input.flatten_from(1)?.to_vec2::<f32>()?;
            for (picture, input) in pictures.iter_mut().zip(input) {
                picture.epochs.extend(png(&input, &normalizer, resizing));
            }
        }
        Ok(pictures)
    }
}

/// In how many epochs images differ, of the first `most`.
pub fn different_epochs(spec: &Spec, most: usize) -> usize {
    spec.augmentation.fixed_views().unwrap_or(most).min(most)
}

/// The names of an image's classes.
fn class(classes: &[String], of_image: &[u32]) -> String {
    let names = of_image
        .iter()
        .filter_map(|class| classes.get(*class as usize));
    names.cloned().collect::<Vec<_>>().join(", ")
}

/// The first images of the classes, one of each in turn, until there are `count`.
fn of_each_class(view: &View, count: usize) -> Vec<u32> {
    let mut seen: Vec<usize> = Vec::new();
    let mut turns: Vec<(usize, u32, u32)> = Vec::new();
    for (i, label) in view.labels().enumerate() {
        let at = label as usize;
        seen.resize(seen.len().max(at + 1), 0);
        turns.push((seen[at], label, i as u32));
        seen[at] += 1;
    }
    turns.sort_unstable();
    let mut chosen: Vec<(u32, u32)> = turns
        .into_iter()
        .take(count)
        .map(|(_, label, i)| (label, i))
        .collect();
    chosen.sort_unstable();
    chosen.into_iter().map(|(_, i)| i).collect()
}

fn png(input: &[f32], normalizer: &Normalizer, resizing: Resizing) -> Option<Vec<u8>> {
    let size = resizing.size;
    let part = Part {
        images: Images {
            data: normalizer.pixels(input),
            count: 1,
            ..Images::empty(size.height, size.width, 3)
        },
        ..Part::default()
    };
    part.png(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_of_every_class_in_turn() {
        let labels = vec![1, 1, 1, 0, 2, 0];
        let part = Part {
            images: Images {
                data: vec![0; 6],
                count: 6,
                ..Images::empty(1, 1, 1)
            },
            labels,
            ..Part::default()
        };
        let view = View::from(part);
        assert_eq!(of_each_class(&view, 3), [3, 0, 4]);
        assert_eq!(of_each_class(&view, 5), [3, 5, 0, 1, 4]);
        assert_eq!(of_each_class(&view, 99).len(), 6);
    }
}
