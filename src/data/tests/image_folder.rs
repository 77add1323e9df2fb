use std::fs;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageBuffer, ImageEncoder, Luma, RgbImage, RgbaImage};
use tempfile::TempDir;

use super::*;

/// An image of one colour that tells images apart.
fn plain(image: usize, width: u32, height: u32) -> RgbImage {
    RgbImage::from_pixel(width, height, image::Rgb([pixel(image, 0, 0), 10, 200]))
}

fn save(image: impl Into<DynamicImage>, path: PathBuf) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.into().save(path).unwrap();
}

/// `count` images of every class below `folder`.
fn save_classes(folder: &Path, classes: &[&str], count: usize) {
    for (c, class) in classes.iter().enumerate() {
        for i in 0..count {
            save(
                plain(c * count + i, 8, 8),
                folder.join(class).join(format!("{i:02}.png")),
            );
        }
    }
}

fn load_folder(path: &Path, size: usize) -> Result<Read, Error> {
    load_with(
        &spec(DatasetName::of(&datasets::IMAGE_FOLDER), Some(path)),
        size,
    )
}

/// The only image of a folder with one class and this one image.
fn load_one(name: &str, save: impl Fn(&Path), size: usize) -> Vec<u8> {
    let tmp = TempDir::new().unwrap();
    fs::create_dir(tmp.path().join("class")).unwrap();
    save(&tmp.path().join("class").join(name));
    load_folder(tmp.path(), size).unwrap().train.images.data
}

#[test]
fn class_folders_are_split_by_the_spec() {
    let tmp = TempDir::new().unwrap();
    save_classes(tmp.path(), &["dog", "ant", "cat"], 10);
    let mut spec = spec(DatasetName::of(&datasets::IMAGE_FOLDER), Some(tmp.path()));
    (spec.validation, spec.validation_split) = (Validation::Stratified, 0.2);
    let data = load_with(&spec, 8).unwrap();
    assert_eq!(data.classes, ["ant", "cat", "dog"]);
    assert_eq!(
        [data.train.len(), data.validation.len(), data.test.len()],
        [24, 6, 0]
    );
    for class in 0..3 {
        let of = |part: &Part| part.labels.iter().filter(|&&label| label == class).count();
        assert_eq!((of(&data.train), of(&data.validation)), (8, 2));
    }
}

#[test]
fn every_image_keeps_its_label_and_file() {
    let tmp = TempDir::new().unwrap();
    save_classes(tmp.path(), &["a", "b"], 9);
    let data = load_folder(tmp.path(), 8).unwrap();
    let files = data.train.files.as_ref().unwrap();
    for (i, file) in files.iter().enumerate() {
        let (class, number) = file.trim_end_matches(".png").split_once('/').unwrap();
        let label = usize::from(class == "b");
        assert_eq!(data.train.labels[i] as usize, label);
        let image = label * 9 + number.parse::<usize>().unwrap();
        assert!(data.train.images.image(i).unwrap() == plain(image, 8, 8).as_raw().as_slice());
    }
    let mut sorted = files.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 18);
}

#[test]
fn training_images_are_mixed_by_the_seed_alone() {
    let tmp = TempDir::new().unwrap();
    save_classes(tmp.path(), &["a", "b"], 20);
    let spec = spec(DatasetName::of(&datasets::IMAGE_FOLDER), Some(tmp.path()));
    let labels = |seed| {
        load(&spec, 8, seed, &Offline, &Count::default())
            .unwrap()
            .train
            .labels
    };
    assert_eq!(labels(1), labels(1));
    assert_ne!(labels(1), labels(2));
    // The first ten, as a limit takes them, have both classes.
    assert!((1..10).contains(&labels(1)[..10].iter().sum::<u32>()));
}

#[test]
fn train_val_and_test_folders_are_used_as_they_are() {
    for validation in ["val", "valid", "validation"] {
        let tmp = TempDir::new().unwrap();
        for (part, count) in [("train", 4), (validation, 2), ("test", 3)] {
            save_classes(&tmp.path().join(part), &["a", "b"], count);
        }
        let mut spec = spec(DatasetName::of(&datasets::IMAGE_FOLDER), Some(tmp.path()));
        (spec.validation_split, spec.test_limit) = (0.5, Some(5));
        let data = load_with(&spec, 8).unwrap();
        assert_eq!(
            [data.train.len(), data.validation.len(), data.test.len()],
            [8, 4, 5]
        );
        assert_eq!(data.validation.labels, [0, 0, 1, 1]);
        assert_eq!(
            data.validation.files.unwrap()[3],
            format!("{validation}/b/01.png")
        );
    }
}

#[test]
fn a_train_folder_without_val_is_split() {
    let tmp = TempDir::new().unwrap();
    save_classes(&tmp.path().join("train"), &["a", "b"], 10);
    let mut spec = spec(DatasetName::of(&datasets::IMAGE_FOLDER), Some(tmp.path()));
    spec.validation_split = 0.25;
    let data = load_with(&spec, 8).unwrap();
    assert_eq!(
        [data.train.len(), data.validation.len(), data.test.len()],
        [15, 5, 0]
    );
}

#[test]
fn images_of_all_kinds_become_rgb() {
    let grey = GrayImage::from_pixel(4, 4, Luma([77]));
    assert_eq!(load_one("g.png", |p| grey.save(p).unwrap(), 4), [77; 48]);
    let transparent = RgbaImage::from_pixel(4, 4, image::Rgba([1, 2, 3, 0]));
    let expected = [1, 2, 3].repeat(16);
    assert_eq!(
        load_one("t.PNG", |p| transparent.save(p).unwrap(), 4),
        expected
    );
    let deep: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_pixel(4, 4, Luma([0x4d4d]));
    assert_eq!(load_one("d.png", |p| deep.save(p).unwrap(), 4), [0x4d; 48]);
    let jpeg = load_one("j.JPEG", |p| grey.save(p).unwrap(), 4);
    assert!(jpeg.iter().all(|v| v.abs_diff(77) <= 1), "{jpeg:?}");
}

#[test]
fn images_are_resized_to_the_input() {
    // Left half black, right half white; shrunk and enlarged.
    let image = RgbImage::from_fn(8, 6, |x, _| image::Rgb([if x < 4 { 0 } else { 255 }; 3]));
    let small = load_one("i.png", |p| image.save(p).unwrap(), 2);
    // tf.image.resize(x, (2, 2), antialias=True) gives 36.428574 and 218.57144 in every row.
    assert_eq!(
        small,
        [36, 36, 36, 219, 219, 219, 36, 36, 36, 219, 219, 219]
    );
    let tmp = TempDir::new().unwrap();
    save(image, tmp.path().join("class/i.png"));
    let images = load_folder(tmp.path(), 16).unwrap().train.images;
    assert_eq!((images.height, images.width, images.channels), (16, 16, 3));
    assert_eq!((images.data[0], images.data[47]), (0, 255));
}

#[test]
fn photos_are_turned_upright() {
    // Orientation 6: the top of the picture is on the right of what is stored; turn it clockwise.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let stored = RgbImage::from_fn(16, 16, |_, y| image::Rgb([if y < 8 { 0 } else { 255 }; 3]));
    let save = |path: &Path| {
        let mut encoder = JpegEncoder::new_with_quality(fs::File::create(path).unwrap(), 100);
        encoder.set_exif_metadata(exif.clone()).unwrap();
        encoder.encode_image(&stored).unwrap();
    };
    let upright = load_one("photo.jpg", save, 16);
    // What was the top is now on the right.
    assert!(
        upright[0] > 250 && upright[45] < 5,
        "{} {}",
        upright[0],
        upright[45]
    );
}

#[test]
fn other_files_are_ignored() {
    let tmp = TempDir::new().unwrap();
    save_classes(tmp.path(), &["a"], 2);
    save(plain(5, 8, 8), tmp.path().join("a/deeper/3.jpg"));
    for name in ["a/notes.txt", "a/.hidden.png", "readme.md", ".DS_Store"] {
        fs::write(tmp.path().join(name), "x").unwrap();
    }
    fs::create_dir(tmp.path().join(".git")).unwrap();
    let data = load_folder(tmp.path(), 8).unwrap();
    assert_eq!((data.classes, data.train.len()), (vec!["a".to_owned()], 3));
}

#[test]
fn classes_are_known_without_reading_images() {
    let tmp = TempDir::new().unwrap();
    for class in ["b", "a"] {
        fs::create_dir(tmp.path().join(class)).unwrap();
    }
    let mut spec = spec(DatasetName::of(&datasets::IMAGE_FOLDER), Some(tmp.path()));
    assert_eq!(classes(&spec).unwrap(), ["a", "b"]);
    spec.classes = Some(vec![crate::spec::Choice::Name("b".into())]);
    assert_eq!(classes(&spec).unwrap(), ["b"]);
}

#[test]
fn the_first_image_that_does_not_decode_is_named() {
    let tmp = TempDir::new().unwrap();
    save_classes(tmp.path(), &["a", "b"], 20);
    save(plain(3, 64, 64), tmp.path().join("a/03.jpg"));
    let jpeg = fs::read(tmp.path().join("a/03.jpg")).unwrap();
    fs::write(tmp.path().join("a/03.jpg"), &jpeg[..jpeg.len() / 2]).unwrap();
    let message = error(DatasetName::of(&datasets::IMAGE_FOLDER), tmp.path());
    assert_says(&message, &["a/03.jpg", "cut off"]);
    for name in ["a/05.png", "b/07.png", "b/19.png"] {
        fs::write(tmp.path().join(name), "<html>").unwrap();
    }
    let first = error(DatasetName::of(&datasets::IMAGE_FOLDER), tmp.path());
    assert!((0..20).all(|_| error(DatasetName::of(&datasets::IMAGE_FOLDER), tmp.path()) == first));
}

#[test]
fn images_that_do_not_decode_are_skipped_and_counted_where_the_spec_says_so() {
    let tmp = TempDir::new().unwrap();
    for (part, count) in [("train", 6), ("val", 2), ("test", 2)] {
        save_classes(&tmp.path().join(part), &["a", "b"], count);
    }
    let mut spec = spec(DatasetName::of(&datasets::IMAGE_FOLDER), Some(tmp.path()));
    spec.on_bad_image = OnBadImage::Skip;
    let whole = load_with(&spec, 8).unwrap();
    assert_eq!(whole.skipped, 0);
    let bad = ["train/a/03.png", "train/b/00.png", "val/b/01.png"];
    for name in bad {
        fs::write(tmp.path().join(name), "<html>").unwrap();
    }
    let count = Count::default();
    let data = load(&spec, 8, 0, &Offline, &count).unwrap();
    assert_eq!(data.skipped, 3);
    let lengths = [&data.train, &data.validation, &data.test].map(Part::len);
    assert_eq!(lengths, [10, 3, 4]);
    assert_eq!((count.done.into_inner(), count.open.into_inner()), (20, 0));
    // What is left is what it would be without them: file, label and pixels.
    let images = |part: &Part| -> Vec<_> {
        let files = part.files.clone().unwrap();
        let image = |i: usize| part.images.image(i).unwrap().to_vec();
        let all = files.into_iter().zip(&part.labels).enumerate();
        all.map(|(i, (file, label))| (file, *label, image(i)))
            .collect()
    };
    for (with, without) in [
        (&whole.train, &data.train),
        (&whole.validation, &data.validation),
        (&whole.test, &data.test),
    ] {
        let mut expected = images(with);
        expected.retain(|(file, ..)| !bad.contains(&file.as_str()));
        assert_eq!(images(without), expected);
        assert_eq!(without.images.data.len(), without.len() * 8 * 8 * 3);
    }
}

#[test]
fn a_class_of_which_no_image_decodes_is_refused() {
    let tmp = TempDir::new().unwrap();
    save_classes(tmp.path(), &["a", "b"], 2);
    for name in ["b/00.png", "b/01.png"] {
        fs::write(tmp.path().join(name), "").unwrap();
    }
    let mut spec = spec(DatasetName::of(&datasets::IMAGE_FOLDER), Some(tmp.path()));
    spec.on_bad_image = OnBadImage::Skip;
    let message = load_with(&spec, 8).unwrap_err().to_string();
    assert_says(&message, &["none of a class's 2 images decodes", "b/0"]);
}

#[test]
fn headers_that_promise_more_pixels_than_their_file_can_hold_are_refused() {
    let tmp = TempDir::new().unwrap();
    save_classes(tmp.path(), &["a"], 1);
    let path = tmp.path().join("a/00.png");
    let mut png = fs::read(&path).unwrap();
    // IHDR: width and height, 10,000 each, and the chunk's checksum.
    png[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    let checksum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    fs::write(&path, png).unwrap();
    let message = error(DatasetName::of(&datasets::IMAGE_FOLDER), tmp.path());
    assert_says(
        &message,
        &["a/00.png", "10000×10000", "its header is wrong"],
    );
}

/// CRC-32 as PNG has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn folders_that_do_not_fit_are_refused() {
    let tmp = TempDir::new().unwrap();
    let message = || error(DatasetName::of(&datasets::IMAGE_FOLDER), tmp.path());
    assert_says(&message(), &["has no folders, expected one for each class"]);
    save_classes(&tmp.path().join("test"), &["a", "b"], 1);
    assert_says(&message(), &["has test/ but no train/"]);
    save_classes(&tmp.path().join("train"), &["a"], 1);
    assert_says(
        &message(),
        &["test: has a folder \"b\"", "no class in", "train"],
    );
    save_classes(&tmp.path().join("train"), &["b", "c"], 1);
    assert_says(&message(), &["test: has no folder \"c\""]);
    fs::create_dir(tmp.path().join("test/c")).unwrap();
    fs::create_dir(tmp.path().join("train/d")).unwrap();
    fs::create_dir(tmp.path().join("test/d")).unwrap();
    assert_says(&message(), &["train/d: has no image that is read"]);

    let missing = error(
        DatasetName::of(&datasets::IMAGE_FOLDER),
        &tmp.path().join("nowhere"),
    );
    assert_says(&missing, &["nowhere", "No such file"]);
    let message = load_with(&spec(DatasetName::of(&datasets::IMAGE_FOLDER), None), 8).unwrap_err();
    assert_says(&message.to_string(), &["dataset", "needs a path"]);
}
