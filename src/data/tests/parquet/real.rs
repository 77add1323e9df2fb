//! CIFAR-10 as the hub has it.

use super::*;

#[test]
#[cfg_attr(not(shared), ignore = "needs the real images, which are not there")]
fn real_cifar10_is_decoded_as_far_as_the_limits_go() {
    let path = shared("data/cifar10");
    let mut spec = spec(DatasetName::of(&datasets::CIFAR10), Some(&path));
    (spec.train_limit, spec.test_limit, spec.validation_split) = (Some(2000), Some(100), 0.1);
    let count = Count::default();
    let data = load(&spec, 32, 0, &Offline, &count).unwrap();
    let lengths = [&data.train, &data.validation, &data.test].map(Part::len);
    assert_eq!(lengths, [1800, 200, 100]);
    assert_eq!(
        (count.promised.into_inner(), count.done.into_inner()),
        (2100, 2100)
    );
    // pyarrow 26 and Pillow 13:
    //   t = pyarrow.parquet.ParquetFile("train.parquet").read_row_group(0).to_pylist()
    //   [r["label"] for r in t[:8]], [r["label"] for r in t[1800:1808]]
    //   x = [numpy.asarray(Image.open(io.BytesIO(r["img"]["bytes"]))) for r in t[:1800]]; numpy.mean(x, (0, 1, 2))
    assert_eq!(data.train.labels[..8], LABELS[..8]);
    assert_eq!(data.validation.labels[..8], LABELS[8..]);
    for (c, expected) in MEANS.iter().enumerate() {
        let channel = data.train.images.data.iter().skip(c).step_by(3);
        let mean = channel.map(|&v| f64::from(v)).sum::<f64>() / (1800.0 * 1024.0);
        assert!((mean - expected).abs() < 1e-4, "{c} {mean} {expected}");
    }
}

const LABELS: [u32; 16] = [3, 7, 7, 5, 1, 3, 1, 9, 7, 0, 8, 0, 5, 1, 0, 1];
const MEANS: [f64; 3] = [125.2917, 122.6156, 114.1676];

#[test]
#[cfg_attr(not(shared), ignore = "needs the real images, which are not there")]
fn real_cifar10_is_read_whole_from_all_row_groups() {
    let path = shared("data/cifar10");
    let train = load_with(&spec(DatasetName::of(&datasets::CIFAR10), Some(&path)), 32)
        .unwrap()
        .train;
    for class in 0..10 {
        assert_eq!(
            train.labels.iter().filter(|&&label| label == class).count(),
            5000
        );
    }
    // As above: r["label"] and the mean of x, for the rows at the edges of the row groups and between.
    for (row, label, expected) in [
        (0, 3, 70.2712),
        (9_999, 0, 127.0225),
        (10_000, 6, 91.1816),
        (30_001, 1, 102.6139),
        (49_999, 2, 151.2272),
    ] {
        let image = train.images.image(row).unwrap();
        let mean = image.iter().map(|&v| f64::from(v)).sum::<f64>() / image.len() as f64;
        assert_eq!(train.labels[row], label);
        assert!((mean - expected).abs() < 1e-4, "{row} {mean} {expected}");
    }
}

#[test]
#[cfg_attr(not(shared), ignore = "needs the real images, which are not there")]
fn real_cifar10_is_the_same_with_any_number_of_threads() {
    let path = shared("data/cifar10");
    let mut spec = spec(DatasetName::of(&datasets::CIFAR10), Some(&path));
    (spec.train_limit, spec.test_limit) = (Some(500), Some(10));
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| load_with(&spec, 32).unwrap())
    };
    assert!(with(1) == with(3));
}
