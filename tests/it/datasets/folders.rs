//! What lies in the folders of classes, and beside them.

use std::fs;

use super::{PHOTOS, assert_checks, assert_refused, check, classes, parts, photos};
use crate::common::{runner, said};

#[test]
fn images_beside_the_folders_of_classes_are_counted_or_refused() {
    let tmp = tempfile::tempdir().unwrap();
    parts(tmp.path(), &["train", "test"]);
    photos(&tmp.path().join("photos/train"), 2);
    photos(&tmp.path().join("photos/test"), 1);
    let says = ["photos: 3 images beside the folders of the classes, e.g. train/000.png"];
    assert_checks(tmp.path(), PHOTOS, &[], &says);
    let output = runner(tmp.path()).arg("e.toml").output().unwrap();
    assert!(said(&output).contains(says[0]), "{}", said(&output));
    photos(&tmp.path().join("photos/train"), 20);
    let says = [
        "photos has 21 images beside the folders of the classes, e.g. train/000.png, and 16 in them",
        "e.toml:4:8",
    ];
    assert_refused(tmp.path(), PHOTOS, &[], &says);
    let tmp = tempfile::tempdir().unwrap();
    classes(tmp.path(), &["cat", "dog"]);
    photos(&tmp.path().join("photos"), 9);
    let says = ["photos has 9 images beside the folders of the classes"];
    assert_refused(tmp.path(), PHOTOS, &[], &says);
}

#[test]
fn what_is_not_used_is_named_and_what_systems_leave_is_not() {
    let tmp = tempfile::tempdir().unwrap();
    parts(tmp.path(), &["train", "test", "extra", "__MACOSX/train"]);
    let at = |name: &str| tmp.path().join("photos").join(name);
    fs::write(at("train/cat/a.avif"), "\0\0\0\x18ftypavif").unwrap();
    fs::write(at("train/cat/b.heic"), "\0\0\0\x18ftypheic").unwrap();
    fs::write(at("train/dog/notes.txt"), "notes").unwrap();
    for name in [
        ".DS_Store",
        "train/Thumbs.db",
        "train/dog/._1.png",
        "test/desktop.ini",
    ] {
        fs::write(at(name), "left by a system").unwrap();
    }
    photos(&at("train/dog/2023"), 2);
    fs::remove_dir_all(at("test/dog")).unwrap();
    fs::create_dir(at("test/dog")).unwrap();
    let (status, text) = check(tmp.path(), PHOTOS, &[]);
    assert_eq!(status, 0, "{text}");
    for part in [
        "7 training, 3 validation, 4 test",
        "extra/ beside train/",
        "3 files (",
        "1 AVIF",
        "1 HEIC",
        "1 .txt",
        "e.g. in train/dog/2023/",
        "no image in test/dog/",
    ] {
        assert!(text.contains(part), "\"{part}\" is missing in:\n{text}");
    }
    assert!(
        !text.contains("MACOSX") && !text.contains("Thumbs"),
        "{text}"
    );
    // Each is said once at the start of a run, not for every run.
    let mut run = runner(tmp.path());
    run.args(["e.toml", "--set", "sweep.axes.seed=[0, 1]"]);
    let said = said(&run.output().unwrap());
    assert_eq!(said.matches("extra/ beside train/").count(), 1, "{said}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_once() {
    use std::os::unix::fs::symlink;
    let tmp = tempfile::tempdir().unwrap();
    parts(tmp.path(), &["train"]);
    let at = |name: &str| tmp.path().join("photos").join(name);
    photos(&tmp.path().join("elsewhere"), 2);
    symlink(tmp.path().join("elsewhere"), at("train/cat/more")).unwrap();
    symlink(tmp.path().join("elsewhere"), at("train/cat/again")).unwrap();
    symlink(at("train"), at("train/cat/circle")).unwrap();
    symlink(at("train/dog"), at("train/cat/dogs")).unwrap();
    symlink("/", at("train/dog/everything")).unwrap();
    let says = [
        "7 training, 3 validation, no test",
        "4 links lead",
        "not followed",
    ];
    assert_checks(tmp.path(), PHOTOS, &[], &says);
    symlink(at("train/cat"), at("train/kitty")).unwrap();
    let says = ["cat/ and kitty/ are the same folder"];
    assert_refused(tmp.path(), PHOTOS, &[], &says);
    fs::remove_file(at("train/kitty")).unwrap();
    symlink(at("train"), at("test")).unwrap();
    let says = ["test/ and train/ are the same folder"];
    assert_refused(tmp.path(), PHOTOS, &[], &says);
}

#[test]
fn class_names_are_compared_in_composed_form() {
    let tmp = tempfile::tempdir().unwrap();
    for (part, class) in [("train", "caf\u{e9}"), ("test", "cafe\u{301}")] {
        photos(&tmp.path().join("photos").join(part).join(class), 4);
        photos(&tmp.path().join("photos").join(part).join("bar"), 4);
    }
    let says = ["2 classes (bar, caf\u{e9})", "8 test"];
    assert_checks(tmp.path(), PHOTOS, &[], &says);
}

#[test]
fn classes_named_by_numbers_are_never_taken_for_others() {
    let tmp = tempfile::tempdir().unwrap();
    for class in ["0", "1", "2", "10"] {
        photos(&tmp.path().join("photos").join(class), 4);
    }
    let says = ["4 classes (0, 1, 10, 2)", "label 2 is class \"10\""];
    assert_checks(tmp.path(), PHOTOS, &[], &says);
    let by_name = ["dataset.classes=[\"2\", \"10\"]"];
    assert_checks(tmp.path(), PHOTOS, &by_name, &["2 classes (2, 10)"]);
    let by_index = ["dataset.classes=[0, 2]"];
    let says = ["2 is the index of class \"10\"", "\"10\" or \"2\""];
    assert_refused(tmp.path(), PHOTOS, &by_index, &says);
    let twice = ["dataset.classes=[0, 1, \"0\"]"];
    assert_refused(tmp.path(), PHOTOS, &twice, &["\"0\" is chosen twice"]);
}

#[test]
fn a_class_without_images_is_found_before_anything_starts() {
    let tmp = tempfile::tempdir().unwrap();
    parts(tmp.path(), &["train"]);
    fs::create_dir(tmp.path().join("photos/train/emu")).unwrap();
    let says = ["train/emu: has no image that is read"];
    assert_refused(tmp.path(), PHOTOS, &[], &says);
    fs::write(
        tmp.path().join("photos/train/emu/a.heic"),
        "\0\0\0\x18ftypheic",
    )
    .unwrap();
    let says = ["train/emu: has no image that is read", "1 HEIC"];
    assert_refused(tmp.path(), PHOTOS, &[], &says);
    let others = ["dataset.classes=[\"cat\", \"dog\"]"];
    assert_checks(tmp.path(), PHOTOS, &others, &["2 classes"]);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_no_images() {
    let tmp = tempfile::tempdir().unwrap();
    parts(tmp.path(), &["train"]);
    let path = tmp.path().join("photos/train/cat/a.png");
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert_refused(tmp.path(), PHOTOS, &[], &["a.png", "is a device"]);
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(tmp.path().join("nowhere"), &path).unwrap();
    assert_refused(tmp.path(), PHOTOS, &[], &["a.png", "a link to a file"]);
}
