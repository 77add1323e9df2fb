//! What to do about a folder that is refused.

use std::path::Path;

use super::{PHOTOS, assert_checks, assert_refused, classes, parts};

/// What is advised leads to a dataset that is taken.
#[test]
fn advice_on_folders_is_taken_when_it_is_followed() {
    type Makes = fn(&Path);
    type Case = (
        Makes,
        &'static [&'static str],
        Makes,
        &'static [&'static str],
    );
    fn rename(root: &Path, from: &str, to: &str) {
        let photos = root.join("photos");
        std::fs::rename(photos.join(from), photos.join(to)).unwrap();
    }
    fn remove(root: &Path, folder: &str) {
        std::fs::remove_dir_all(root.join("photos").join(folder)).unwrap();
    }
    let cases: [Case; 13] = [
        (
            |root| parts(root, &["test"]),
            &[
                "has test/ but no train/",
                "set dataset.path to",
                "photos/test",
            ],
            |_| (),
            &["dataset.path=photos/test", "dataset.test_split=0.15"],
        ),
        (
            |root| parts(root, &["test"]),
            &["put the images to train on into train/, a folder for each class"],
            |root| parts(root, &["train"]),
            &[],
        ),
        (
            |root| parts(root, &["train/2020", "val/2020"]),
            &["train/cat/ instead of train/2020/cat/, and so in val/"],
            |root| {
                for part in ["train", "val"] {
                    for class in ["cat", "dog"] {
                        rename(
                            root,
                            &format!("{part}/2020/{class}"),
                            &format!("{part}/{class}"),
                        );
                    }
                    remove(root, &format!("{part}/2020"));
                }
            },
            &[],
        ),
        (
            |root| parts(root, &["2020"]),
            &["only one class, \"2020\"", "set dataset.path to"],
            |_| (),
            &["dataset.path=photos/2020"],
        ),
        (
            |root| {
                parts(root, &["train"]);
                classes(root, &["val/Cat", "val/dog"]);
            },
            &[
                "no folder \"cat\"",
                "upper and lower case differ in \"Cat\": rename",
            ],
            |root| rename(root, "val/Cat", "val/cat"),
            &[],
        ),
        (
            |root| {
                parts(root, &["train"]);
                classes(root, &["val/cat"]);
            },
            &["no folder \"dog\"", "an empty one where it has no image"],
            |root| std::fs::create_dir(root.join("photos/val/dog")).unwrap(),
            &[],
        ),
        (
            |root| {
                parts(root, &["train"]);
                std::fs::create_dir(root.join("photos/test")).unwrap();
            },
            &[
                "photos/test: is empty",
                "remove it, or give it the folders",
                "cat/, dog/",
            ],
            |root| remove(root, "test"),
            &[],
        ),
        // Tiny ImageNet.
        (
            |root| {
                parts(root, &["train"]);
                classes(root, &["val/images"]);
                let rows = "000.png\tcat\t0\t0\t9\t9\n001.png\tdog\t0\t0\t9\t9\n";
                std::fs::write(root.join("photos/val/val_annotations.txt"), rows).unwrap();
            },
            &[
                "photos/val: has the layout of Tiny ImageNet",
                "in Python: import os, shutil",
            ],
            |root| {
                for class in ["cat", "dog"] {
                    std::fs::create_dir(root.join("photos/val").join(class)).unwrap();
                }
                rename(root, "val/images/000.png", "val/cat/000.png");
                rename(root, "val/images/001.png", "val/dog/001.png");
                remove(root, "val/images");
            },
            &[],
        ),
        (
            |root| {
                parts(root, &["train"]);
                classes(root, &["test/images"]);
            },
            &[
                "photos/test: has its images in images/",
                "move it elsewhere",
            ],
            |root| remove(root, "test"),
            &[],
        ),
        // Segmentation.
        (
            |root| classes(root, &["images", "masks"]),
            &[
                "images/ beside masks/",
                "dataset.classes = [\"images\", \"masks\"]",
            ],
            |_| (),
            &["dataset.classes=[\"images\", \"masks\"]"],
        ),
        (
            |root| classes(root, &["traincat", "traindog", "testcat", "testdog"]),
            &[
                "have a word for a part of the dataset",
                "test/cat/ instead of testcat/",
            ],
            |root| {
                for part in ["train", "test"] {
                    std::fs::create_dir(root.join("photos").join(part)).unwrap();
                    for class in ["cat", "dog"] {
                        rename(root, &format!("{part}{class}"), &format!("{part}/{class}"));
                    }
                }
            },
            &[],
        ),
        (
            |root| classes(root, &["beaker", "flask", "test tube/a"]),
            &["put the folders of the classes into train/"],
            |_| (),
            &["dataset.classes=[\"beaker\", \"flask\", \"test tube\"]"],
        ),
        (
            |root| classes(root, &["trainer", "tester", "cab"]),
            &[],
            |_| (),
            &["dataset.classes=[\"cab\", \"trainer\"]"],
        ),
    ];
    for (make, says, follow, sets) in cases {
        let tmp = tempfile::tempdir().unwrap();
        make(tmp.path());
        if !says.is_empty() {
            assert_refused(tmp.path(), PHOTOS, &[], says);
        }
        follow(tmp.path());
        assert_checks(tmp.path(), PHOTOS, sets, &["classes ("]);
    }
}
