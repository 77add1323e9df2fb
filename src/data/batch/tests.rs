use super::*;
use crate::data::{Images, Part};
use crate::spec::{Normalization, NormalizationScheme};

fn part(data: Vec<u8>, (height, width, channels): (usize, usize, usize)) -> View {
    let count = data.len() / (height * width * channels);
    Part {
        images: Images {
            data,
            count,
            ..Images::empty(height, width, channels)
        },
        labels: (0..count as u32).map(|i| i + 10).collect(),
        files: None,
        originals: None,
        label_sets: None,
    }
    .into()
}

fn normalizer(scheme: NormalizationScheme) -> Normalizer {
    let spec = Normalization {
        scheme,
        ..Normalization::default()
    };
    Normalizer::new(&spec, &View::default())
}

fn values(batch: &Tensor) -> Vec<f32> {
    batch.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn images_come_in_the_order_of_the_indices_with_their_labels() {
    let part = part(vec![0, 51, 102, 153, 204, 255, 255, 0, 0], (1, 1, 3));
    let unit = normalizer(NormalizationScheme::Unit);
    let batches = Batches::new(&part, &unit, Resizing::squash(1), None, &Device::Cpu);
    let (images, labels) = batches.batch(&[1, 0, 1], 1).unwrap();
    assert_eq!(images.dims(), [3, 1, 1, 3]);
    assert_eq!(
        values(&images),
        [0.6, 0.8, 1.0, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    );
    assert_eq!(labels, [11, 10, 11]);
    let error = batches.batch(&[3], 1).unwrap_err().to_string();
    assert!(error.contains("no image 3 among 3"), "{error}");
}

#[test]
fn caffe_gives_bgr_with_and_without_resizing() {
    let part = part(vec![10, 128, 250], (1, 1, 3));
    let caffe = normalizer(NormalizationScheme::Caffe);
    for size in [1, 2] {
        let batches = Batches::new(&part, &caffe, Resizing::squash(size), None, &Device::Cpu);
        let (images, _) = batches.batch(&[0], 1).unwrap();
        for (value, expected) in values(&images)
            .iter()
            .zip([146.061, 11.221, -113.68].iter().cycle())
        {
            assert!((value - expected).abs() < 1e-4, "{value} {expected}");
        }
    }
}

#[test]
fn grey_images_get_three_equal_channels() {
    let part = part(vec![0, 255, 255, 0], (2, 2, 1));
    let unit = normalizer(NormalizationScheme::Unit);
    let images = |size| {
        let batches = Batches::new(&part, &unit, Resizing::squash(size), None, &Device::Cpu);
        values(&batches.batch(&[0], 1).unwrap().0)
    };
    assert_eq!(images(2), [0., 0., 0., 1., 1., 1., 1., 1., 1., 0., 0., 0.]);
    assert_eq!(images(1), [0.5; 3]);
    assert!(images(4).chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]));
}

#[test]
fn augmented_batches_do_not_depend_on_how_images_are_grouped() {
    let part = part(
        (0..64 * 48).map(|i| (i * 7 % 256) as u8).collect(),
        (4, 4, 3),
    );
    let spec = Augmentation {
        horizontal_flip: true,
        random_crop_padding: 1,
        random_erasing: 0.5,
        trivial_augment: true,
        ..Augmentation::default()
    };
    let unit = normalizer(NormalizationScheme::Unit);
    let batches = Batches::new(
        &part,
        &unit,
        Resizing::squash(5),
        Some((&spec, 3)),
        &Device::Cpu,
    );
    let all: Vec<u32> = (0..64).collect();
    let together = values(&batches.batch(&all, 2).unwrap().0);
    let apart: Vec<f32> = all
        .chunks(5)
        .flat_map(|some| values(&batches.batch(some, 2).unwrap().0))
        .collect();
    assert_eq!(together, apart);
    assert_ne!(together, values(&batches.batch(&all, 3).unwrap().0));
}

#[test]
fn random_parts_are_taken_of_the_photo_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("white.png");
    image::RgbImage::from_pixel(30, 20, image::Rgb([255; 3]))
        .save(&path)
        .unwrap();
    let stored = part(vec![0; 4 * 4 * 3], (4, 4, 3));
    let photo = Part {
        originals: Some(vec![path.clone()]),
        label_sets: None,
        ..Part::clone(stored.part())
    };
    let photo = View::from(photo);
    let unit = normalizer(NormalizationScheme::Unit);
    let crops = Augmentation {
        random_resized_crop: Some(Default::default()),
        ..Augmentation::default()
    };
    let image = |augmentation| {
        let squash = Resizing::squash(4);
        let batches = Batches::new(&photo, &unit, squash, augmentation, &Device::Cpu);
        batches.batch(&[0], 1).map(|(images, _)| values(&images))
    };
    assert_eq!(image(None).unwrap(), [0.0; 48]);
    assert_eq!(image(Some((&crops, 0))).unwrap(), [1.0; 48]);
    std::fs::remove_file(&path).unwrap();
    let error = image(Some((&crops, 0))).unwrap_err().to_string();
    assert!(error.contains("white.png"), "{error}");
}

#[test]
fn an_empty_part_makes_empty_batches() {
    let (part, unit) = (View::default(), normalizer(NormalizationScheme::Unit));
    let batches = Batches::new(&part, &unit, Resizing::squash(4), None, &Device::Cpu);
    let (images, labels) = batches.batch(&[], 1).unwrap();
    assert_eq!((images.dims(), labels), (&[0, 4, 4, 3][..], vec![]));
    assert!(batches.batch(&[0], 1).is_err());
}
