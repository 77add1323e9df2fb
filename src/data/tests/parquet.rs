mod real;

use std::fs::{self, File};
use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use polars::prelude::{
    DataFrame, IntoColumn, IntoSeries, NamedFrom, ParquetWriter, Series, StructChunked,
};
use tempfile::TempDir;

use super::*;

fn png(pixels: Vec<u8>, size: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = RgbImage::from_raw(size, size, pixels).unwrap();
    image
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .unwrap();
    bytes
}

fn pngs(count: usize) -> Vec<Option<Vec<u8>>> {
    (0..count).map(|i| Some(png(picture(i, 32), 32))).collect()
}

/// A file as on the hub: a struct of bytes and path under `image`, int64 under `label`; a row group a row.
fn write(
    path: PathBuf,
    image: &str,
    images: Vec<Option<Vec<u8>>>,
    label: &str,
    labels: &[Option<i64>],
) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let rows = images.len();
    let bytes = Series::new("bytes".into(), images);
    let paths = Series::new("path".into(), vec![None::<String>; rows]);
    let column = StructChunked::from_series(image.into(), rows, [&bytes, &paths].into_iter());
    let labels = Series::new(label.into(), labels);
    let columns = vec![
        column.unwrap().into_series().into_column(),
        labels.into_column(),
    ];
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    let writer = ParquetWriter::new(File::create(path).unwrap());
    writer
        .with_row_group_size(Some(1))
        .finish(&mut frame)
        .unwrap();
}

/// Five training images in two files and one test image, in the layout of the hub's `uoft-cs/cifar10`.
fn write_cifar10(folder: &Path) {
    let at = |name: &str| folder.join("plain_text").join(name);
    let images = pngs(5);
    write(
        at("train-00000-of-00002.parquet"),
        "img",
        images[..3].to_vec(),
        "label",
        &[Some(9), Some(0), Some(3)],
    );
    write(
        at("train-00001-of-00002.parquet"),
        "img",
        images[3..].to_vec(),
        "label",
        &[Some(3), Some(1)],
    );
    write(
        at("test-00000-of-00001.parquet"),
        "img",
        pngs(1),
        "label",
        &[Some(5)],
    );
}

#[test]
fn the_hubs_files_are_read_in_their_order() {
    let tmp = TempDir::new().unwrap();
    write_cifar10(tmp.path());
    let data = load_with(
        &spec(DatasetName::of(&datasets::CIFAR10), Some(tmp.path())),
        32,
    )
    .unwrap();
    assert_eq!(
        (data.train.labels, data.test.labels),
        (vec![9, 0, 3, 3, 1], vec![5])
    );
    let expected: Vec<u8> = (0..5).flat_map(|i| picture(i, 32)).collect();
    assert!(data.train.images.data == expected);
}

#[test]
fn a_downloaded_folder_is_read_like_a_given_one() {
    let tmp = TempDir::new().unwrap();
    write_cifar10(tmp.path());
    let source = Downloaded(tmp.path().to_owned());
    let spec = spec(DatasetName::of(&datasets::CIFAR10), None);
    assert_eq!(
        load(&spec, 32, 0, &source, &Count::default())
            .unwrap()
            .train
            .len(),
        5
    );
    let error = load_with(&spec, 32).unwrap_err().to_string();
    assert_says(&error, &["cifar10", "the network is off"]);
}

#[test]
fn cifar100_takes_the_fine_label_and_the_image_column() {
    let tmp = TempDir::new().unwrap();
    let at = |name: &str| tmp.path().join(name);
    write(
        at("train.parquet"),
        "image",
        pngs(1),
        "fine_label",
        &[Some(99)],
    );
    write(
        at("test.parquet"),
        "image",
        pngs(1),
        "fine_label",
        &[Some(0)],
    );
    let data = load_with(
        &spec(DatasetName::of(&datasets::CIFAR100), Some(tmp.path())),
        32,
    )
    .unwrap();
    assert_eq!((data.train.labels, data.test.labels), (vec![99], vec![0]));
}

#[test]
fn only_chosen_images_are_decoded() {
    let tmp = TempDir::new().unwrap();
    write_cifar10(tmp.path());
    // Row 1 of the first file does not decode; its class, 0, is not chosen.
    let path = tmp.path().join("plain_text/train-00000-of-00002.parquet");
    let mut images = pngs(3);
    images[1] = Some(b"nothing".to_vec());
    write(path, "img", images, "label", &[Some(9), Some(0), Some(3)]);
    let message = error(DatasetName::of(&datasets::CIFAR10), tmp.path());
    assert_says(
        &message,
        &[
            "train-00000-of-00002.parquet: row 1",
            "no image of a format that is read",
        ],
    );

    let mut spec = spec(DatasetName::of(&datasets::CIFAR10), Some(tmp.path()));
    spec.classes = Some([3, 9].map(crate::spec::Choice::Index).to_vec());
    spec.train_limit = Some(2);
    let count = Count::default();
    let data = load(&spec, 32, 0, &Offline, &count).unwrap();
    assert_eq!((data.train.labels, data.test.labels), (vec![1, 0], vec![]));
    assert!(data.train.images.data == [picture(0, 32), picture(2, 32)].concat());
    assert_eq!((count.done.into_inner(), count.open.into_inner()), (2, 0));
}

#[test]
fn rows_that_do_not_decode_are_skipped_and_counted_where_the_spec_says_so() {
    let tmp = TempDir::new().unwrap();
    write_cifar10(tmp.path());
    let path = |name: &str| tmp.path().join("plain_text").join(name);
    let mut images = pngs(3);
    (images[0], images[2]) = (None, Some(b"nothing".to_vec()));
    let labels = [Some(9), Some(0), Some(3)];
    write(
        path("train-00000-of-00002.parquet"),
        "img",
        images,
        "label",
        &labels,
    );
    let second = vec![Some(png(picture(3, 32), 32)), Some(png(picture(4, 31), 31))];
    let labels = [Some(3), Some(0)];
    write(
        path("train-00001-of-00002.parquet"),
        "img",
        second,
        "label",
        &labels,
    );

    let message = error(DatasetName::of(&datasets::CIFAR10), tmp.path());
    assert_says(
        &message,
        &[
            "00000-of-00002.parquet: row 0: the image is null",
            "on_bad_image",
        ],
    );
    let mut spec = spec(DatasetName::of(&datasets::CIFAR10), Some(tmp.path()));
    spec.on_bad_image = OnBadImage::Skip;
    // 9 has no image left.
    let message = load_with(&spec, 32).unwrap_err().to_string();
    assert_says(&message, &["none of a class's 1 images decodes", "row 0"]);
    spec.classes = Some([0, 3, 5].map(crate::spec::Choice::Index).to_vec());
    let data = load_with(&spec, 32).unwrap();
    assert_eq!((data.skipped, data.train.labels), (2, vec![0, 1]));
    assert!(data.train.images.data == [picture(1, 32), picture(3, 32)].concat());
}

/// Replaces the test file and checks what reading it says.
fn assert_refused(write: impl Fn(PathBuf), says: &[&str]) {
    let tmp = TempDir::new().unwrap();
    write_cifar10(tmp.path());
    write(tmp.path().join("plain_text/test-00000-of-00001.parquet"));
    let message = error(DatasetName::of(&datasets::CIFAR10), tmp.path());
    assert_says(&message, says);
    assert_says(&message, &["test-00000-of-00001.parquet"]);
}

#[test]
fn wrong_columns_are_refused() {
    let two = &[Some(1), Some(2)];
    assert_refused(
        |path| write(path, "picture", pngs(2), "label", two),
        &["no column \"img\" or \"image\"", "picture, label"],
    );
    assert_refused(
        |path| write(path, "img", pngs(2), "class", two),
        &["no column \"label\"", "img, class"],
    );
    assert_refused(
        |path| {
            let texts = ["1", "2"];
            let columns = vec![
                Series::new("img".into(), texts).into_column(),
                Series::new("label".into(), texts).into_column(),
            ];
            let mut frame = DataFrame::new_infer_height(columns).unwrap();
            ParquetWriter::new(File::create(path).unwrap())
                .finish(&mut frame)
                .unwrap();
        },
        &["\"label\" holds text (string), expected whole numbers (int64)"],
    );
    assert_refused(
        |path| {
            let columns = vec![
                Series::new("img".into(), ["1", "2"]).into_column(),
                Series::new("label".into(), [1i64, 2]).into_column(),
            ];
            let mut frame = DataFrame::new_infer_height(columns).unwrap();
            ParquetWriter::new(File::create(path).unwrap())
                .finish(&mut frame)
                .unwrap();
        },
        &["\"img\" holds text (string), expected structs"],
    );
}

#[test]
fn wrong_rows_are_refused() {
    let of = |images: Vec<Option<Vec<u8>>>, labels: [Option<i64>; 3]| {
        move |path| write(path, "img", images.clone(), "label", &labels)
    };
    let good = [Some(0), Some(1), Some(2)];
    assert_refused(
        of(pngs(3), [Some(0), Some(10), None]),
        &["row 1", "label 10, expected 0 to 9"],
    );
    assert_refused(
        of(pngs(3), [Some(0), Some(1), Some(-1)]),
        &["row 2", "label -1"],
    );
    assert_refused(
        of(pngs(3), [Some(0), Some(1), None]),
        &["row 2", "\"label\" is null"],
    );
    let with = |bytes: Option<Vec<u8>>| {
        let mut images = pngs(3);
        images[2] = bytes;
        images
    };
    assert_refused(of(with(None), good), &["row 2", "the image is null"]);
    let large = png(picture(0, 33), 33);
    assert_refused(
        of(with(Some(large)), good),
        &["row 2", "33×33 pixels, expected 32×32"],
    );
    let whole = png(picture(0, 32), 32);
    let cut_off = whole[..whole.len() / 2].to_vec();
    assert_refused(of(with(Some(cut_off)), good), &["row 2"]);
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    assert_refused(of(with(Some(altered)), good), &["row 2"]);
}

#[test]
fn cut_off_and_foreign_files_are_refused() {
    assert_refused(
        |path| fs::write(path, "PAR1").unwrap(),
        &["this Parquet file is cut off"],
    );
    let cut_off = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    };
    assert_refused(cut_off, &["this Parquet file is cut off"]);
}

#[test]
fn more_rows_than_a_file_can_hold_are_refused() {
    // Runs of equal labels: a hundred thousand rows in a few hundred bytes.
    let many = |path: PathBuf| {
        let rows = 100_000;
        let columns = vec![
            Series::new("img".into(), vec![None::<&str>; rows]).into_column(),
            Series::new("label".into(), vec![1i64; rows]).into_column(),
        ];
        let mut frame = DataFrame::new_infer_height(columns).unwrap();
        ParquetWriter::new(File::create(path).unwrap())
            .finish(&mut frame)
            .unwrap();
    };
    assert_refused(many, &["promises 100000 rows of images in"]);
}

#[test]
fn damage_anywhere_gives_an_error_and_no_panic_if_it_is_noticed() {
    let tmp = TempDir::new().unwrap();
    write_cifar10(tmp.path());
    let path = tmp.path().join("plain_text/test-00000-of-00001.parquet");
    let good = fs::read(&path).unwrap();
    let mut refused = 0;
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, &bad).unwrap();
        refused += usize::from(
            load_with(
                &spec(DatasetName::of(&datasets::CIFAR10), Some(tmp.path())),
                32,
            )
            .is_err(),
        );
    }
    assert!(refused > good.len() / 3, "{refused} of {}", good.len());
}

#[test]
fn missing_shards_and_two_editions_are_refused() {
    let tmp = TempDir::new().unwrap();
    write_cifar10(tmp.path());
    fs::create_dir(tmp.path().join("other")).unwrap();
    let test = "test-00000-of-00001.parquet";
    let from = tmp.path().join("plain_text").join(test);
    fs::copy(&from, tmp.path().join("other").join(test)).unwrap();
    assert_says(
        &error(DatasetName::of(&datasets::CIFAR10), tmp.path()),
        &["another test*.parquet", "dataset.path"],
    );
    fs::remove_dir_all(tmp.path().join("other")).unwrap();
    fs::remove_file(tmp.path().join("plain_text/train-00001-of-00002.parquet")).unwrap();
    let message = error(DatasetName::of(&datasets::CIFAR10), tmp.path());
    assert_says(&message, &["2 files belong together, 1 of them"]);
    fs::remove_file(from).unwrap();
    assert_says(
        &error(DatasetName::of(&datasets::CIFAR10), tmp.path()),
        &["2 files belong together"],
    );
}
