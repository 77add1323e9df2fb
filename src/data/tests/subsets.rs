//! Classes, limits and splits, on the built-in digits.

use super::*;
use crate::spec::Choice;

fn digits() -> Dataset {
    spec(DatasetName::of(&datasets::DIGITS), None)
}

fn lengths(data: &Read) -> [usize; 3] {
    [data.train.len(), data.validation.len(), data.test.len()]
}

#[test]
fn digits_are_built_in() {
    let mut spec = digits();
    spec.validation_split = 0.1;
    let data = load_with(&spec, 32).unwrap();
    assert_eq!(lengths(&data), [1293, 144, 360]);
    assert_eq!(
        data.classes,
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    );
    assert_eq!(data.train.labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // The first image's first two rows: 0 0 5 13 9 1 0 0, 0 0 13 15 10 15 5 0; scaled by 255/16 and rounded.
    let rows = [
        0, 0, 80, 207, 143, 16, 0, 0, 0, 0, 207, 239, 159, 239, 80, 0,
    ];
    assert_eq!(data.train.images.image(0).unwrap()[..16], rows);
    let Images {
        height,
        width,
        channels,
        ..
    } = data.train.images;
    assert_eq!((height, width, channels), (8, 8, 1));
}

#[test]
fn the_tail_is_the_last_part_of_what_would_be_trained_on() {
    let whole = load_with(&digits(), 32).unwrap().train;
    let mut spec = digits();
    (spec.train_limit, spec.validation_split) = (Some(100), 0.29);
    let data = load_with(&spec, 32).unwrap();
    assert_eq!(lengths(&data), [71, 29, 360]);
    assert_eq!(data.train.labels, whole.labels[..71]);
    assert_eq!(data.validation.labels, whole.labels[71..100]);
    assert_eq!(
        data.validation.images.data,
        whole.images.data[71 * 64..100 * 64]
    );
}

#[test]
fn chosen_classes_are_renumbered_before_the_limits() {
    let whole = load_with(&digits(), 32).unwrap();
    let mut spec = digits();
    spec.classes = Some(vec![Choice::Index(7), Choice::Name("2".into())]);
    (spec.train_limit, spec.test_limit) = (Some(50), Some(9));
    let data = load_with(&spec, 32).unwrap();
    assert_eq!(
        (data.classes.join(" "), lengths(&data)),
        ("7 2".to_owned(), [50, 0, 9])
    );
    let chosen: Vec<usize> = (0..1437)
        .filter(|&i| [7, 2].contains(&whole.train.labels[i]))
        .take(50)
        .collect();
    for (new, &old) in chosen.iter().enumerate() {
        let expected = u32::from(whole.train.labels[old] == 2);
        assert_eq!(data.train.labels[new], expected);
        assert_eq!(data.train.images.image(new), whole.train.images.image(old));
    }
}

#[test]
fn classes_are_known_before_loading() {
    let names = |name| classes(&spec(name, None)).unwrap();
    assert_eq!(names(DatasetName::of(&datasets::CIFAR10))[9], "truck");
    assert_eq!(names(DatasetName::of(&datasets::CIFAR100)).len(), 100);
    assert_eq!(
        names(DatasetName::of(&datasets::FASHION_MNIST))[0],
        "T-shirt/top"
    );
    let mut subset = spec(DatasetName::of(&datasets::CIFAR10), None);
    subset.classes = Some(vec![Choice::Name("dog".into()), Choice::Index(0)]);
    assert_eq!(classes(&subset).unwrap(), ["dog", "airplane"]);
}

/// The key and the text of the problem with this choice among CIFAR-10's classes.
fn problem(choices: Vec<Choice>) -> (String, String) {
    let mut spec = spec(DatasetName::of(&datasets::CIFAR10), None);
    spec.classes = Some(choices);
    match classes(&spec) {
        Err(Error::Spec(problem)) => (problem.key.clone(), problem.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_choices_lead_to_their_key() {
    let name = |name: &str| Choice::Name(name.into());
    let (key, text) = problem(vec![name("cat"), name("Dgo")]);
    assert_eq!(key, "dataset.classes.1");
    assert_says(&text, &["no class \"Dgo\"", "did you mean \"dog\"?"]);
    let (_, text) = problem(vec![name("xyzzy")]);
    assert_says(&text, &["the classes are airplane, automobile"]);
    let (key, text) = problem(vec![Choice::Index(10)]);
    assert_eq!(key, "dataset.classes.0");
    assert_says(&text, &["no class 10", "from 0 to 9"]);
    let (key, text) = problem(vec![name("cat"), name("dog"), Choice::Index(3)]);
    assert_eq!(key, "dataset.classes.2");
    assert_says(&text, &["\"cat\" is chosen twice"]);
    assert_eq!(problem(vec![]).0, "dataset.classes");
}

#[test]
fn an_empty_training_part_is_refused() {
    let mut spec = digits();
    spec.train_limit = Some(0);
    assert_says(
        &load_with(&spec, 32).unwrap_err().to_string(),
        &["no training image"],
    );
    (spec.train_limit, spec.validation_split) = (Some(5), 0.9);
    let message = load_with(&spec, 32).unwrap_err().to_string();
    assert_says(
        &message,
        &["dataset.validation_split", "all 5 training images"],
    );
}
