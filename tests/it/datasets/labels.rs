//! Tables with a row per image: CSV, TSV and Parquet.

mod mistakes;
mod packed;

use std::fs;
use std::path::Path;

use polars::prelude::*;

use super::{PHOTOS, assert_checks, assert_refused, check, photos};
use crate::common::survival::read_table;
use crate::common::{runner, said, write};

/// [`PHOTOS`] by a table.
fn spec(more: &str) -> String {
    let table = format!("name = \"table\"\npath = \"labels.csv\"\n{more}");
    PHOTOS.replace("name = \"image_folder\"\npath = \"photos\"", &table)
}

/// Thirty photos, `photos/000.png` to `photos/029.png`, and a table with a row for each that begins with its name; `rest`
/// gives what follows.
fn table(root: &Path, header: &str, rest: impl Fn(usize) -> String) {
    photos(&root.join("photos"), 30);
    let row = |i: usize| format!("photos/{i:03}.png,{}\n", rest(i));
    let rows: String = (0..30).map(row).collect();
    write(root, "labels.csv", &format!("image,{header}\n{rows}"));
}

/// The class of a photo.
fn insect(i: usize) -> &'static str {
    ["bee", "ant", "wasp"][i % 3]
}

fn part(i: usize) -> &'static str {
    match i / 3 {
        0..=5 => "Train",
        6 | 7 => "val",
        _ => "TEST",
    }
}

/// A column of text of a table that a run has left.
fn column(root: &Path, file: &str, column: &str) -> Vec<String> {
    let table = read_table(&root.join("results/e").join(file));
    let column = table.column(column).unwrap().cast(&DataType::String);
    let text = |text: Option<&str>| text.unwrap_or("null").to_owned();
    column.unwrap().str().unwrap().iter().map(text).collect()
}

#[test]
fn a_table_says_labels_and_parts_and_everything_else_follows() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    table(root, "label,split", |i| {
        format!("{},{}", insect(i), part(i))
    });
    let spec = spec("split_column = \"split\"");
    let says = [
        "labels.csv: 30 rows, values set off by commas",
        "3 classes of column label (text): ant (6 training, 2 validation, 2 test), bee",
        "first rows of photos/000.png is bee, training; photos/001.png is ant, training; photos/002.png",
        "18 training, 6 validation, 6 test",
    ];
    assert_checks(root, &spec, &[], &says);
    runner(root).arg("e.toml").assert().success();
    let tested: Vec<String> = (24..30).map(|i| format!("photos/{i:03}.png")).collect();
    assert_eq!(column(root, "predictions.parquet", "file"), tested);
    let labels: Vec<&str> = (24..30).map(insect).collect();
    assert_eq!(column(root, "predictions.parquet", "label"), labels);
    let run = fs::read_dir(root.join("results/e/runs")).unwrap();
    let run = run.into_iter().next().unwrap().unwrap().path();
    for arguments in [
        &["evaluate", run.to_str().unwrap(), "--format", "json"][..],
        &["evaluate", run.to_str().unwrap(), "--part", "all"],
        &["predict", run.to_str().unwrap(), "photos/000.png"],
        &["compare", "results/e"],
    ] {
        runner(root).args(arguments).assert().success();
    }
    // Nothing is left to be done, wherever the images lie.
    fs::rename(root.join("photos"), root.join("elsewhere")).unwrap();
    fs::create_dir(root.join("in")).unwrap();
    fs::rename(root.join("elsewhere"), root.join("in/photos")).unwrap();
    let moved = spec.replace("path =", "images = \"in\"\npath =");
    write(root, "e.toml", &moved);
    let output = runner(root).arg("e.toml").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(column(root, "runs.parquet", "run").len(), 1);
}

#[test]
fn an_images_bytes_are_part_of_the_runs_name() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    table(root, "label", |i| insect(i).into());
    let id = || {
        let (status, text) = check(root, &spec(""), &[]);
        assert_eq!(status, 0, "{text}");
        let line = text.lines().skip_while(|line| *line != "runs").nth(1);
        line.unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let before = id();
    let other = image::RgbImage::from_pixel(9, 7, image::Rgb([1, 2, 3]));
    other.save(root.join("photos/004.png")).unwrap();
    let after = id();
    assert_ne!(before, after);
    fs::write(root.join("photos/unnamed.png"), "not in the table").unwrap();
    assert_eq!(id(), after);
}

#[test]
fn without_parts_the_rows_are_divided_as_folders_are() {
    let tmp = tempfile::tempdir().unwrap();
    table(tmp.path(), "label", |i| insect(i).into());
    let sets = ["dataset.test_split=0.2", "dataset.validation=stratified"];
    let says = ["18 training, 6 validation, 6 test"];
    assert_checks(tmp.path(), &spec(""), &sets, &says);
    let sets = [
        "dataset.train_limit=12",
        "dataset.classes=[\"bee\", \"ant\"]",
    ];
    let says = ["9 training, 3 validation", "2 classes (bee, ant)"];
    assert_checks(tmp.path(), &spec(""), &sets, &says);
    assert_checks(
        tmp.path(),
        &spec(""),
        &[],
        &["no test images; dataset.test_split = 0.15 would hold some out"],
    );
}

#[test]
fn every_way_to_write_a_table_as_text_is_read() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    table(root, "label", |i| insect(i).into());
    let text = fs::read_to_string(root.join("labels.csv")).unwrap();
    let semicolons = text.replace(',', ";");
    let quoted: String = text
        .lines()
        .map(|line| format!("\"{}\"\r\n", line.replace(',', "\",\"")))
        .collect();
    for (name, text, says) in [
        ("a.csv", format!("\u{feff}{text}"), "set off by commas"),
        ("b.csv", quoted, "set off by commas"),
        ("c.csv", semicolons, "set off by semicolons"),
        ("d.tsv", text.replace(',', "\t"), "set off by tabs"),
        ("e.txt", text.replace(',', "|"), "set off by bars"),
        (
            "f.csv",
            text.replace(',', " , "),
            "spaces around values are left out",
        ),
        ("g.csv", text.replace('\n', "\n\n"), "30 rows"),
        (
            "h.csv",
            text.replace("photos/", "photos\\"),
            "is taken as /",
        ),
    ] {
        write(root, name, &text);
        let set = format!("dataset.path={name}");
        let classes = "3 classes of column label (text): ant (10), bee (10), wasp (10)";
        assert_checks(root, &spec(""), &[&set], &[says, classes]);
    }
}

#[test]
fn numbers_are_in_their_order_and_text_in_its_own() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    for (labels, says) in [
        (
            ["10", "9", "-1"],
            "(whole numbers): -1 (10), 9 (10), 10 (10)",
        ),
        (["10", "9", "x"], "(text): 10 (10), 9 (10), x (10)"),
        (["01", "1", "2"], "(text): 01 (10), 1 (10), 2 (10)"),
        (
            ["1.0", "0.0", "2.0"],
            "decimals that are all whole, taken as whole numbers",
        ),
        (["Ant", "ant", "bee"], "\"Ant\" and \"ant\" are two classes"),
    ] {
        table(root, "label", |i| labels[i % 3].into());
        assert_checks(root, &spec(""), &[], &[says]);
    }
}

#[test]
fn names_without_endings_are_found_where_it_is_clear_which() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    photos(&root.join("photos"), 30);
    let rows: String = (0..30).map(|i| format!("{i:03},{}\n", insect(i))).collect();
    write(root, "labels.csv", &format!("id,breed\n{rows}"));
    let spec = spec("images = \"photos\"\nimage_column = \"id\"\nlabel_column = \"breed\"");
    let says = [
        "column id: names without an ending, found as .png (30)",
        "3 classes of column breed",
    ];
    assert_checks(root, &spec, &[], &says);
    fs::write(root.join("photos/007.jpg"), "").unwrap();
    let says = ["line 9: \"007\" may be 007.jpg and 007.png"];
    assert_refused(root, &spec, &[], &says);
}

#[test]
fn what_is_missing_can_be_skipped_as_what_does_not_decode() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    table(root, "label", |i| insect(i).into());
    fs::remove_file(root.join("photos/003.png")).unwrap();
    fs::write(root.join("photos/004.png"), "no image").unwrap();
    let sets = ["dataset.on_bad_image=skip"];
    assert_checks(
        root,
        &spec(""),
        &sets,
        &["1 image is not in", "and skipped: labels.csv line 5"],
    );
    let mut command = runner(root);
    command.args(["e.toml", "--set", sets[0]]);
    command.assert().success();
    assert_eq!(column(root, "runs.parquet", "skipped_images"), ["2"]);
}

#[test]
fn a_group_is_on_one_side_of_every_split() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    // Fifteen patients with two photos each, of one class.
    table(root, "label,patient", |i| {
        format!("{},p{}", insect(i / 2), i / 2)
    });
    let spec = spec("group_column = \"patient\"\ntest_split = 0.2");
    let sets = ["dataset.validation=group"];
    let says = ["15 groups by column patient; each is held out as a whole"];
    assert_checks(root, &spec, &sets, &says);
    let sides = |seed: &str| {
        let _ = fs::remove_dir_all(root.join("results"));
        let mut command = runner(root);
        command.args(["e.toml", "--set", sets[0], "--set", seed]);
        command.assert().success();
        let run = fs::read_dir(root.join("results/e/runs")).unwrap();
        let run = run.into_iter().next().unwrap().unwrap().file_name();
        let splits = format!("runs/{}/splits.parquet", run.to_string_lossy());
        let (parts, files) = (column(root, &splits, "part"), column(root, &splits, "file"));
        let mut sides: Vec<(String, String)> = files.into_iter().zip(parts).collect();
        sides.sort();
        assert_eq!(sides.len(), 30);
        for pair in sides.chunks(2) {
            assert_eq!(pair[0].1, pair[1].1, "{pair:?}");
        }
        sides
    };
    let of = |sides: &[(String, String)], part: &str| sides.iter().filter(|s| s.1 == part).count();
    let (one, other) = (sides("seed=1"), sides("seed=2"));
    for sides in [&one, &other] {
        assert_eq!(
            (of(sides, "test"), of(sides, "validation")),
            (6, 6),
            "{sides:?}"
        );
    }
    assert_ne!(one, other);
    let tested = |sides: &[(String, String)]| {
        let tested = sides.iter().filter(|side| side.1 == "test");
        tested.map(|side| side.0.clone()).collect::<Vec<_>>()
    };
    assert_eq!(tested(&one), tested(&other));
    let says = [
        "images of the same patient may be held out and trained on",
        "\"group\" keeps them together",
    ];
    assert_checks(root, &spec, &[], &says);
}

#[test]
fn folds_hold_out_each_image_once_and_are_averaged() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    table(root, "label", |i| insect(i).into());
    let sweep = "\n[sweep.axes]\n\"dataset.fold\" = [0, 1, 2]\n";
    let spec = spec("folds = 3\nvalidation = \"stratified\"") + sweep;
    assert_checks(root, &spec, &[], &["20 training, 10 validation"]);
    runner(root).arg("e.toml").assert().success();
    let mut held_out = Vec::new();
    for run in fs::read_dir(root.join("results/e/runs")).unwrap() {
        let run = run.unwrap().file_name();
        let splits = format!("runs/{}/splits.parquet", run.to_string_lossy());
        let (parts, files) = (column(root, &splits, "part"), column(root, &splits, "file"));
        let all = files.into_iter().zip(parts);
        held_out.extend(
            all.filter(|(_, part)| part == "validation")
                .map(|(file, _)| file),
        );
    }
    held_out.sort();
    let all: Vec<String> = (0..30).map(|i| format!("photos/{i:03}.png")).collect();
    assert_eq!(held_out, all);
    let compared = runner(root)
        .args(["compare", "results/e", "--format", "csv"])
        .output();
    let compared = said(&compared.unwrap());
    let rows: Vec<&str> = compared.lines().filter(|line| line.contains(',')).collect();
    assert_eq!(rows.len(), 2, "{compared}");
    for (change, says) in [
        ("dataset.fold=3", "folds are counted from 0 to 2"),
        (
            "dataset.folds=31",
            "`dataset.folds = 31`, but there are 30 training images",
        ),
        ("dataset.folds=1", "`dataset.folds` must be"),
    ] {
        let spec = spec.replace(sweep, "");
        assert_refused(root, &spec, &[change], &[says]);
    }
    let without = spec.replace("folds = 3\n", "");
    assert_refused(root, &without, &[], &["needs `dataset.folds`"]);
}
