//! Which folders are classes, and which are parts.

mod advice;

use std::path::Path;

use super::{PHOTOS, assert_checks, assert_refused, check, classes, parts, photos};

#[test]
fn folders_for_parts_are_known_by_hugging_faces_words() {
    for (names, counts) in [
        (
            &["training", "testing"][..],
            "6 training, 2 validation, 8 test",
        ),
        (&["Train", "Test"], "6 training, 2 validation, 8 test"),
        (
            &["training_set", "dev", "test2"],
            "8 training, 8 validation, 8 test",
        ),
        (
            &["TRAIN", "Validation", "eval"],
            "8 training, 8 validation, 8 test",
        ),
        (
            &["seg_train", "seg_test"],
            "6 training, 2 validation, 8 test",
        ),
        (
            &["trainset", "valset", "__MACOSX"],
            "8 training, 8 validation, no test",
        ),
    ] {
        let tmp = tempfile::tempdir().unwrap();
        parts(tmp.path(), names);
        assert_checks(tmp.path(), PHOTOS, &[], &["2 classes (cat, dog)", counts]);
    }
}

#[test]
fn layouts_that_could_mean_two_things_are_refused_with_how_to_say_it() {
    type Makes = fn(&Path);
    let cases: [(Makes, &[&str]); 29] = [
        // Given by its parent, once and twice.
        (
            |root| parts(root, &["photos"]),
            &["only one class, \"photos\"", "photos/photos"],
        ),
        (
            |root| parts(root, &["archive/train", "archive/test"]),
            &[
                "holds the dataset's folder only, archive/",
                "photos/archive",
            ],
        ),
        (
            |root| {
                for class in ["bus", "car", "train"] {
                    photos(&root.join("photos").join(class), 3);
                }
            },
            &[
                "train/ beside bus/, car/",
                "dataset.classes = [\"bus\", \"car\", \"train\"]",
            ],
        ),
        (
            |root| {
                for class in ["bus", "car", "train/2023", "train/2024"] {
                    photos(&root.join("photos").join(class), 3);
                }
            },
            &["train/ beside bus/, car/"],
        ),
        (
            |root| parts(root, &["train", "val", "valid"]),
            &["val/ and valid/ both name the validation part"],
        ),
        (
            |root| parts(root, &["train_2023", "train_2024"]),
            &["both name the training part"],
        ),
        (
            |root| {
                photos(&root.join("photos/train"), 3);
                photos(&root.join("photos/test"), 3);
            },
            &["train/ has images, but no folders", "[\"test\", \"train\"]"],
        ),
        (
            |root| {
                parts(root, &["train"]);
                photos(&root.join("photos/test"), 3);
            },
            &["photos/test: has images, but no folders"],
        ),
        (
            |root| {
                for class in ["cat", "dog"] {
                    for part in ["train", "test"] {
                        photos(&root.join("photos").join(class).join(part), 3);
                    }
                }
            },
            &["cat/ has parts of a dataset inside"],
        ),
        (
            |root| parts(root, &["2023", "2024"]),
            &["which are the classes?", "cat, dog"],
        ),
        (|root| parts(root, &["test"]), &["has test/ but no train/"]),
        (
            |root| parts(root, &["train_val", "test"]),
            &["train_val/ names several parts"],
        ),
        // Parts and classes in one name.
        (
            |root| classes(root, &["train_cat", "train_dog", "test_cat", "test_dog"]),
            &[
                "have a word for a part of the dataset in their names",
                "test/cat/ instead of test_cat/",
            ],
        ),
        (
            |root| {
                classes(
                    root,
                    &["cat_train", "cat_test", "dog_train", "dog_test", "emu"],
                )
            },
            &["have a word for a part", "test/cat/ instead of cat_test/"],
        ),
        (
            |root| classes(root, &["train-cat", "test-dog"]),
            &[
                "have a word for a part",
                "dataset.classes = [\"test-dog\", \"train-cat\"]",
            ],
        ),
        (
            |root| parts(root, &["train/train_a", "train/train_b"]),
            &["photos/train: train_a/, train_b/ have a word for a part"],
        ),
        // Places and folds outside, classes inside.
        (
            |root| parts(root, &["A/train", "B/train"]),
            &[
                "A/ and others have parts of a dataset inside, train/",
                "photos/A",
            ],
        ),
        (
            |root| parts(root, &["site_a", "site_b"]),
            &[
                "site_a/, site_b/ hold the same kind of folders (cat, dog): which are the classes?",
                "dataset.classes = [\"site_a\", \"site_b\"]",
            ],
        ),
        (
            |root| classes(root, &["siteA/cat", "siteA/dog", "siteB/cat", "siteB/bird"]),
            &["siteA/, siteB/ hold the same kind of folders (bird, cat, dog)"],
        ),
        (
            |root| parts(root, &["hospA/patient1", "hospB/patient2"]),
            &["hospA/, hospB/ hold the same kind of folders (cat, dog)"],
        ),
        (
            |root| parts(root, &["2020/01", "2021/01", "2021/02"]),
            &["2020/, 2021/ hold the same kind of folders (cat, dog)"],
        ),
        (
            |root| classes(root, &["trainA", "trainB", "testA", "testB"]),
            &["have a word for a part of the dataset in their names"],
        ),
        (
            |root| parts(root, &["fold1", "fold2", "fold3"]),
            &["fold1/, fold2/, fold3/ hold the same kind of folders"],
        ),
        (
            |root| {
                parts(
                    root,
                    &["train/site_a", "train/site_b", "test/site_a", "test/site_b"],
                )
            },
            &["photos/train: site_a/, site_b/ hold the same kind of folders"],
        ),
        (
            |root| parts(root, &["train", "train/val"]),
            &["val/ is named as a part of a dataset and has folders of images inside"],
        ),
        // A folder too many, or one above.
        (
            |root| {
                parts(root, &["data/train", "data/test"]);
                classes(root, &["other"]);
            },
            &[
                "data/ has parts of a dataset inside",
                "set dataset.path to",
                "photos/data",
            ],
        ),
        (
            |root| parts(root, &["train/images", "test/images"]),
            &[
                "only one class, \"images\"",
                "train/cat/ instead of train/images/cat/, and so in test/",
            ],
        ),
        (
            |root| parts(root, &["train/images"]),
            &[
                "only one class, \"images\"",
                "set dataset.path to",
                "photos/train/images",
            ],
        ),
        (
            |root| parts(root, &["train/train", "test/test"]),
            &["train/ is named as a part", "cat/ instead of train/cat/"],
        ),
    ];
    for (make, says) in cases {
        let tmp = tempfile::tempdir().unwrap();
        make(tmp.path());
        assert_refused(tmp.path(), PHOTOS, &[], says);
        let (_, text) = check(tmp.path(), PHOTOS, &[]);
        for set in advised(&text) {
            assert_checks(tmp.path(), PHOTOS, &[&set], &["classes ("]);
        }
    }
}

/// The settings that a message advises, as flags.
fn advised(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let classes = text.split("dataset.classes = ").skip(1);
    let classes = classes.filter_map(|rest| Some(rest.split_once(']')?.0));
    let paths = text.split("set dataset.path to /").skip(1);
    let paths = paths.filter_map(|rest| rest.split([' ', ';', ',']).next());
    let classes = classes.map(|list| format!("dataset.classes={list}]"));
    classes
        .chain(paths.map(|path| format!("dataset.path=/{path}")))
        .collect()
}

#[test]
fn folders_that_are_classes_are_taken_for_them_whatever_they_are_called() {
    type Makes = fn(&Path);
    let cases: [(Makes, &[&str], &str); 9] = [
        (
            |root| classes(root, &["train station", "airport", "harbour"]),
            &[],
            "3 classes (airport, harbour, train station)",
        ),
        (
            |root| classes(root, &["test tube", "train station", "beaker", "flask"]),
            &[],
            "4 classes",
        ),
        (
            |root| classes(root, &["bus", "car", "train"]),
            &["dataset.classes=[\"bus\", \"car\", \"train\"]"],
            "3 classes (bus, car, train)",
        ),
        // Kinds inside, of each class its own but for one.
        (
            |root| {
                classes(root, &["dog/husky", "dog/collie", "dog/white"]);
                classes(root, &["cat/siamese", "cat/manx", "cat/white"]);
            },
            &[],
            "2 classes (cat, dog)",
        ),
        (
            |root| classes(root, &["cat/2023", "cat/2024", "dog/2023", "dog/2024"]),
            &[],
            "2 classes (cat, dog)",
        ),
        (
            |root| classes(root, &["cat/images", "dog/images"]),
            &[],
            "2 classes (cat, dog)",
        ),
        (
            |root| {
                classes(
                    root,
                    &[
                        "cat",
                        "cat/indoor",
                        "cat/outdoor",
                        "dog",
                        "dog/indoor",
                        "dog/outdoor",
                    ],
                )
            },
            &[],
            "2 classes (cat, dog)",
        ),
        (
            |root| parts(root, &["site_a", "site_b"]),
            &["dataset.classes=[\"site_a\", \"site_b\"]"],
            "2 classes (site_a, site_b)",
        ),
        (
            |root| {
                let inside = ["bus", "car", "train"]
                    .map(|class| ["train", "test"].map(|part| format!("{part}/{class}")));
                classes(
                    root,
                    &inside
                        .as_flattened()
                        .iter()
                        .map(String::as_str)
                        .collect::<Vec<_>>(),
                );
            },
            &[],
            "3 classes (bus, car, train)",
        ),
    ];
    for (make, sets, says) in cases {
        let tmp = tempfile::tempdir().unwrap();
        make(tmp.path());
        assert_checks(tmp.path(), PHOTOS, sets, &[says]);
    }
}

#[test]
fn classes_that_are_named_decide_what_folders_are() {
    let tmp = tempfile::tempdir().unwrap();
    for class in ["bus", "car", "train"] {
        photos(&tmp.path().join("photos").join(class), 4);
    }
    let named = ["dataset.classes=[\"bus\", \"car\", \"train\"]"];
    let says = ["3 classes (bus, car, train)", "9 training, 3 validation"];
    assert_checks(tmp.path(), PHOTOS, &named, &says);
    // Words among others are classes where they hold images, and that is said.
    let tmp = tempfile::tempdir().unwrap();
    for class in ["bus_station", "test tube", "train_station"] {
        photos(&tmp.path().join("photos").join(class), 4);
    }
    let says = [
        "3 classes",
        "test tube/, train_station/ in ",
        "taken for classes",
    ];
    assert_checks(tmp.path(), PHOTOS, &[], &says);
    let tmp = tempfile::tempdir().unwrap();
    classes(tmp.path(), &["beaker", "test tube"]);
    let says = ["test tube/ in ", " taken for a class"];
    assert_checks(tmp.path(), PHOTOS, &[], &says);
}

#[test]
fn a_class_of_another_name_is_not_taken_for_a_slip() {
    let tmp = tempfile::tempdir().unwrap();
    classes(tmp.path(), &["cab", "dog", "horse"]);
    for (classes, says) in [
        ("[\"cat\", \"dog\"]", "the classes are cab, dog, horse"),
        ("[\"Dog\", \"cab\"]", "did you mean \"dog\"?"),
        ("[\"hrose\", \"cab\"]", "did you mean \"horse\"?"),
    ] {
        let set = format!("dataset.classes={classes}");
        assert_refused(tmp.path(), PHOTOS, &[&set], &["there is no class", says]);
    }
}
