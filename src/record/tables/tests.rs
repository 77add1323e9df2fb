use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use polars::prelude::*;

use super::file::{FORMAT_KEY, read};
use super::*;
use crate::record::Status;
use crate::spec::AxisValue;
use crate::train::{Epoch, Metrics};

fn text(value: &str) -> AxisValue {
    AxisValue::Text(value.into())
}

fn axes() -> Vec<Axis> {
    let axis = |key: &str, values: Vec<AxisValue>| Axis {
        key: key.into(),
        values,
    };
    vec![
        axis("freeze.through", vec![text("none"), text("all")]),
        axis("seed", vec![AxisValue::Integer(0), AxisValue::Integer(1)]),
    ]
}

fn point(through: &str, seed: i64) -> Vec<(String, AxisValue)> {
    vec![
        ("freeze.through".into(), text(through)),
        ("seed".into(), AxisValue::Integer(seed)),
    ]
}

fn order() -> Vec<String> {
    vec!["none-0".into(), "all-1".into()]
}

fn epoch(run: &str, point: Vec<(String, AxisValue)>, number: usize) -> EpochRow {
    EpochRow {
        run: run.into(),
        point,
        epoch: Epoch {
            epoch: number,
            training: Metrics {
                loss: 1.0 / number as f64,
                accuracy: Some(0.5),
                top5_accuracy: None,
                per_class: Some(vec![0.25, f64::INFINITY]),
            },
            validation: (number > 1).then(|| Metrics {
                loss: 0.75,
                accuracy: Some(0.625),
                ..Metrics::default()
            }),
            learning_rate: 1e-3,
            seconds: 2.5,
            images_per_second: 400.0,
            peak_memory_mib: 512.25,
        },
    }
}

fn run(run: &str, point: Vec<(String, AxisValue)>, started: SystemTime) -> RunRow {
    RunRow {
        run: run.into(),
        point,
        status: Status::Finished,
        error: None,
        epochs: 2,
        best_epoch: Some(2),
        validation: Some(Metrics {
            loss: 0.25,
            accuracy: Some(0.5),
            ..Metrics::default()
        }),
        test: Some(Metrics {
            loss: 0.5,
            accuracy: Some(0.75),
            top5_accuracy: Some(1.0),
            per_class: Some(vec![0.5, 1.0]),
        }),
        skipped_images: Some(3),
        parameters: Some(14_848_586),
        trainable_parameters: Some(134_410),
        seconds: 5.25,
        device: "cpu".into(),
        spec: "{\"training\":{\"epochs\":2}}".into(),
        contents: Some([("dataset.path".to_owned(), "0a".to_owned())].into()),
        version: "0.1.0".into(),
        started,
    }
}

fn failed(id: &str, point: Vec<(String, AxisValue)>) -> RunRow {
    RunRow {
        status: Status::Failed,
        error: Some("the loss is NaN\nin epoch 1".into()),
        epochs: 0,
        best_epoch: None,
        validation: None,
        test: None,
        skipped_images: None,
        parameters: None,
        trainable_parameters: None,
        ..run(
            id,
            point,
            UNIX_EPOCH + Duration::from_micros(1_798_761_599_000_001),
        )
    }
}

fn filled(folder: &Path) -> Tables {
    let mut tables = Tables::open(folder, &axes(), &order()).unwrap();
    tables.add_epoch(epoch("all-1", point("all", 1), 1));
    tables.add_epoch(epoch("none-0", point("none", 0), 2));
    tables.add_epoch(epoch("none-0", point("none", 0), 1));
    tables.set_run(failed("all-1", point("all", 1)));
    tables.set_run(run("none-0", point("none", 0), UNIX_EPOCH));
    tables.write().unwrap();
    tables
}

fn frame(folder: &Path, file: &str) -> DataFrame {
    let file = fs::File::open(folder.join(file)).unwrap();
    ParquetReader::new(file).finish().unwrap()
}

fn dtypes(frame: &DataFrame) -> Vec<(String, String)> {
    let columns = frame.columns().iter();
    columns
        .map(|c| (c.name().to_string(), c.dtype().to_string()))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn rows_come_back_as_they_were_in_the_order_of_the_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let written = filled(folder.path());
    let read = Tables::open(folder.path(), &axes(), &order()).unwrap();
    assert_eq!(read.runs(), written.runs());
    assert_eq!(read.epochs(), written.epochs());
    let runs: Vec<&str> = read.runs().iter().map(|r| r.run.as_str()).collect();
    assert_eq!(runs, ["none-0", "all-1"]);
    let epochs: Vec<_> = read
        .epochs()
        .iter()
        .map(|r| (r.run.as_str(), r.epoch.epoch))
        .collect();
    assert_eq!(epochs, [("none-0", 1), ("none-0", 2), ("all-1", 1)]);
}

#[test]
fn columns_have_the_documented_order_and_types() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let metrics = [
        ("run", "str"),
        ("freeze.through", "str"),
        ("seed", "i64"),
        ("epoch", "i32"),
        ("loss", "f64"),
        ("accuracy", "f64"),
        ("val_loss", "f64"),
        ("val_accuracy", "f64"),
        ("top5_accuracy", "f64"),
        ("val_top5_accuracy", "f64"),
        ("per_class", "list[f64]"),
        ("val_per_class", "list[f64]"),
        ("learning_rate", "f64"),
        ("seconds", "f64"),
        ("images_per_second", "f64"),
        ("peak_memory_mib", "f64"),
    ];
    assert_eq!(dtypes(&frame(folder.path(), METRICS_FILE)), pairs(&metrics));
    let runs = [
        ("run", "str"),
        ("freeze.through", "str"),
        ("seed", "i64"),
        ("status", "str"),
        ("error", "str"),
        ("epochs", "i32"),
        ("best_epoch", "i32"),
        ("val_loss", "f64"),
        ("val_accuracy", "f64"),
        ("val_top5_accuracy", "f64"),
        ("val_per_class", "list[f64]"),
        ("test_loss", "f64"),
        ("test_accuracy", "f64"),
        ("test_top5_accuracy", "f64"),
        ("test_per_class", "list[f64]"),
        ("skipped_images", "i32"),
        ("parameters", "i64"),
        ("trainable_parameters", "i64"),
        ("seconds", "f64"),
        ("device", "str"),
        ("spec", "str"),
        ("contents", "str"),
        ("version", "str"),
        ("started", "datetime[μs, UTC]"),
    ];
    assert_eq!(dtypes(&frame(folder.path(), RUNS_FILE)), pairs(&runs));
}

#[test]
fn tables_without_rows_or_values_have_the_same_columns_and_types() {
    let (full, empty, null) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    filled(full.path());
    Tables::open(empty.path(), &axes(), &order())
        .unwrap()
        .write()
        .unwrap();
    let mut tables = Tables::open(null.path(), &axes(), &order()).unwrap();
    tables.set_run(failed("all-1", Vec::new()));
    tables.write().unwrap();
    for file in [METRICS_FILE, RUNS_FILE] {
        let expected = dtypes(&frame(full.path(), file));
        assert_eq!(dtypes(&frame(empty.path(), file)), expected);
        assert_eq!(dtypes(&frame(null.path(), file)), expected);
    }
    let runs = frame(null.path(), RUNS_FILE);
    for column in [
        "seed",
        "best_epoch",
        "test_loss",
        "test_per_class",
        "skipped_images",
        "parameters",
    ] {
        assert_eq!(runs.column(column).unwrap().null_count(), 1, "{column}");
    }
}

#[test]
fn an_axis_has_the_type_all_its_values_fit_in() {
    use AxisValue::{Bool, Float, Integer};
    let cases = [
        (vec![Integer(1), Integer(2)], "i64"),
        (vec![Integer(1), Float(0.5)], "f64"),
        (vec![Bool(true), Bool(false)], "bool"),
        (vec![Integer(15), text("all")], "str"),
        (vec![Bool(true), Integer(1)], "str"),
        (vec![], "str"),
    ];
    for (values, dtype) in cases {
        let folder = tempfile::tempdir().unwrap();
        let axes = [Axis {
            key: "k".into(),
            values: values.clone(),
        }];
        let mut tables = Tables::open(folder.path(), &axes, &[]).unwrap();
        for (i, value) in values.iter().enumerate() {
            let point = vec![("k".into(), value.clone())];
            tables.add_epoch(epoch(&i.to_string(), point.clone(), 1));
            tables.set_run(run(&i.to_string(), point, UNIX_EPOCH));
        }
        tables.write().unwrap();
        for file in [METRICS_FILE, RUNS_FILE] {
            let frame = frame(folder.path(), file);
            assert_eq!(frame.column("k").unwrap().dtype().to_string(), dtype);
        }
        let read = Tables::open(folder.path(), &axes, &[]).unwrap();
        assert_eq!(read.runs(), tables.runs(), "{values:?}");
        assert_eq!(read.epochs(), tables.epochs(), "{values:?}");
    }
}

#[test]
fn an_axis_named_as_another_column_gets_a_column_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let axes = [Axis {
        key: "epoch".into(),
        values: vec![text("x")],
    }];
    let mut tables = Tables::open(folder.path(), &axes, &[]).unwrap();
    tables.add_epoch(epoch("a", vec![("epoch".into(), text("x"))], 7));
    tables.write().unwrap();
    let frame = frame(folder.path(), METRICS_FILE);
    assert_eq!(
        frame.column("epoch").unwrap().i32().unwrap().get(0),
        Some(7)
    );
    assert_eq!(
        frame.column("spec.epoch").unwrap().str().unwrap().get(0),
        Some("x")
    );
    let read = Tables::open(folder.path(), &axes, &[]).unwrap();
    assert_eq!(read.epochs(), tables.epochs());
}

#[test]
fn a_run_done_again_replaces_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = filled(folder.path());
    let mut again = epoch("none-0", point("none", 0), 2);
    again.epoch.seconds = 9.0;
    tables.add_epoch(again.clone());
    let again_run = run("all-1", point("all", 1), UNIX_EPOCH);
    tables.set_run(again_run.clone());
    assert_eq!(tables.epochs()[1], again);
    assert_eq!(tables.runs()[1], again_run);
    assert_eq!((tables.epochs().len(), tables.runs().len()), (3, 2));

    tables.remove_epochs_after("none-0", 1);
    assert_eq!(tables.epochs().len(), 2);
    tables.remove_run("none-0");
    assert_eq!((tables.epochs().len(), tables.runs().len()), (1, 1));
}

#[test]
fn runs_of_an_earlier_sweep_keep_their_axes_and_stand_last() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let axes = [Axis {
        key: "optimizer.name".into(),
        values: vec![text("sgd")],
    }];
    let order = ["sgd-0".to_owned()];
    let mut tables = Tables::open(folder.path(), &axes, &order).unwrap();
    let sgd = vec![("optimizer.name".into(), text("sgd"))];
    tables.set_run(run("sgd-0", sgd, UNIX_EPOCH));
    tables.write().unwrap();
    let read = Tables::open(folder.path(), &axes, &order).unwrap();
    let runs: Vec<&str> = read.runs().iter().map(|r| r.run.as_str()).collect();
    assert_eq!(runs, ["sgd-0", "none-0", "all-1"]);
    assert_eq!(read.runs()[1].point, point("none", 0));
    let current = read.results("x").runs;
    assert_eq!(current.len(), 1);
    assert_eq!(
        frame(folder.path(), RUNS_FILE)
            .column("seed")
            .unwrap()
            .null_count(),
        1
    );
}

#[test]
fn a_run_that_was_not_swept_on_a_key_has_the_value_of_its_spec() {
    let folder = tempfile::tempdir().unwrap();
    let axes = [Axis {
        key: "training.epochs".into(),
        values: vec![AxisValue::Integer(5)],
    }];
    let mut tables = Tables::open(folder.path(), &axes, &[]).unwrap();
    tables.set_run(run("plain", Vec::new(), UNIX_EPOCH));
    tables.add_epoch(epoch("plain", Vec::new(), 1));
    tables.write().unwrap();
    for file in [METRICS_FILE, RUNS_FILE] {
        let frame = frame(folder.path(), file);
        let column = frame.column("training.epochs").unwrap();
        assert_eq!(column.i64().unwrap().get(0), Some(2), "{file}");
    }
}

#[test]
fn columns_of_a_kind_it_does_not_know_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let written = filled(folder.path());
    let mut runs = frame(folder.path(), RUNS_FILE);
    runs.with_column(Column::new("later".into(), [1i32, 2]))
        .unwrap();
    let runs = &mut runs.drop("version").unwrap();
    let file = fs::File::create(folder.path().join(RUNS_FILE)).unwrap();
    let format = vec![(FORMAT_KEY.to_owned(), FORMAT.to_owned())];
    ParquetWriter::new(file)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(format)))
        .finish(runs)
        .unwrap();
    let read = Tables::open(folder.path(), &axes(), &order()).unwrap();
    assert_eq!(read.runs()[0].point, written.runs()[0].point);
    assert_eq!(read.runs()[0].version, "");
}

#[test]
fn a_foreign_table_is_refused_by_name_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let path = folder.path().join(RUNS_FILE);
    let mut other = Vec::new();
    let mut foreign = DataFrame::new(1, vec![Column::new("run".into(), [1.5])]).unwrap();
    ParquetWriter::new(&mut other).finish(&mut foreign).unwrap();
    let mut lacking = Vec::new();
    let mut no_run = DataFrame::new(1, vec![Column::new("a".into(), ["x"])]).unwrap();
    ParquetWriter::new(&mut lacking)
        .finish(&mut no_run)
        .unwrap();
    let bad = [
        (other, "column `run` is f64, not str"),
        (lacking, "it has no column `run`"),
    ];
    for (bytes, why) in bad {
        fs::write(&path, &bytes).unwrap();
        let error = Tables::open(folder.path(), &axes(), &order()).unwrap_err();
        assert!(matches!(error, TableError::Foreign { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains("runs.parquet") && message.contains(why),
            "{message}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn tables_of_another_format_are_refused_with_a_word_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let path = folder.path().join(RUNS_FILE);
    let mut runs = frame(folder.path(), RUNS_FILE);
    for (format, found) in [(None, "format 1,"), (Some("3"), "format 3,")] {
        let pairs = format.map(|format| vec![(FORMAT_KEY.to_owned(), format.to_owned())]);
        ParquetWriter::new(fs::File::create(&path).unwrap())
            .with_key_value_metadata(pairs.map(KeyValueMetadata::from_static))
            .finish(&mut runs)
            .unwrap();
        let bytes = fs::read(&path).unwrap();
        let error = Tables::open(folder.path(), &axes(), &order()).unwrap_err();
        let message = error.to_string();
        for part in ["runs.parquet", found, "--results"] {
            assert!(message.contains(part), "{part} is not in {message}");
        }
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

/// Gives every run that has a row in the tables rows in a folder of its own.
fn record(folder: &Path, tables: &Tables) {
    for row in tables.runs() {
        let own = folder.join("runs").join(&row.run);
        fs::create_dir_all(&own).unwrap();
        let token = Token::unclaimed();
        own::write_epochs(&own, &axes(), &tables.epochs_of(&row.run), &token).unwrap();
        own::write_row(&own, &axes(), row, None, &token).unwrap();
    }
}

#[test]
fn a_damaged_table_is_rebuilt_from_the_runs_folders() {
    let folder = tempfile::tempdir().unwrap();
    let written = filled(folder.path());
    record(folder.path(), &written);
    let files = [RUNS_FILE, METRICS_FILE].map(|file| folder.path().join(file));
    for path in &files {
        let whole = fs::read(path).unwrap();
        for (bytes, is_ours) in [
            (b"run,seed\na,1\n".to_vec(), false),
            (Vec::new(), true),
            (whole[..whole.len() / 2].to_vec(), true),
        ] {
            fs::write(path, &bytes).unwrap();
            let mut tables = Tables::open(folder.path(), &axes(), &order()).unwrap();
            assert_eq!(tables.runs(), written.runs());
            assert_eq!(tables.epochs(), written.epochs());
            let [trouble] = &tables.take_trouble()[..] else {
                panic!("one file is damaged");
            };
            let name = path.to_str().unwrap();
            let text = trouble.to_string();
            assert!(
                text.contains(name) && text.ends_with("from the runs' folders"),
                "{text}"
            );
            trouble.set_aside().unwrap();
            assert_eq!(
                path.exists(),
                is_ours,
                "what is not ours is kept under another name"
            );
            tables.write().unwrap();
            assert!(fs::read(path).unwrap() == whole);
        }
        fs::remove_file(path).unwrap();
        let mut tables = Tables::open(folder.path(), &axes(), &order()).unwrap();
        assert!(tables.take_trouble().is_empty());
        tables.write().unwrap();
        assert!(fs::read(path).unwrap() == whole);
    }
}

#[test]
fn a_table_that_is_older_than_the_runs_folders_says_nothing_about_these() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = filled(folder.path());
    let old = fs::read(folder.path().join(RUNS_FILE)).unwrap();
    tables.set_run(run("all-1", point("all", 1), UNIX_EPOCH));
    record(folder.path(), &tables);
    // As a process that slept writes it.
    fs::write(folder.path().join(RUNS_FILE), old).unwrap();
    let read = Tables::open(folder.path(), &axes(), &order()).unwrap();
    assert_eq!(read.runs(), tables.runs());
    assert_eq!(read_runs(folder.path()).unwrap(), tables.runs());
}

#[test]
fn without_rows_of_their_own_runs_keep_those_of_the_tables_and_the_loss_of_these_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let written = filled(folder.path());
    fs::create_dir_all(folder.path().join("runs/none-0")).unwrap();
    let read = Tables::open(folder.path(), &axes(), &order()).unwrap();
    assert_eq!(read.unrecorded().count(), written.runs().len());
    let path = folder.path().join(RUNS_FILE);
    fs::write(&path, "PAR1").unwrap();
    let mut tables = Tables::open(folder.path(), &axes(), &order()).unwrap();
    let trouble = tables.take_trouble().remove(0);
    assert!(
        trouble.to_string().contains("no rows of none-0"),
        "{trouble}"
    );
    trouble.set_aside().unwrap();
    assert_eq!(
        fs::read(folder.path().join("runs.parquet.damaged")).unwrap(),
        b"PAR1"
    );
}

#[test]
fn what_other_processes_write_into_runs_folders_is_taken_and_what_they_delete_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = filled(folder.path());
    record(folder.path(), &tables);
    let mut other = Tables::open(folder.path(), &axes(), &order()).unwrap();
    tables.set_run(run("all-1", point("all", 1), UNIX_EPOCH));
    record(folder.path(), &tables);
    other.refresh().unwrap();
    assert_eq!(other.runs(), tables.runs());
    // The tables are deleted under it, and with them a run.
    fs::remove_file(folder.path().join(METRICS_FILE)).unwrap();
    fs::remove_file(folder.path().join(RUNS_FILE)).unwrap();
    fs::remove_dir_all(folder.path().join("runs/none-0")).unwrap();
    other.refresh().unwrap();
    let ids: Vec<&str> = other.runs().iter().map(|row| row.run.as_str()).collect();
    assert_eq!(ids, ["all-1"]);
    assert_eq!(other.epochs().len(), 1);
    other.write().unwrap();
    assert_eq!(frame(folder.path(), RUNS_FILE).height(), 1);
}

#[test]
fn rows_in_the_folder_of_another_run_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let tables = filled(folder.path());
    record(folder.path(), &tables);
    let copy = folder.path().join("runs/copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(
        folder.path().join("runs/all-1").join(RUNS_FILE),
        copy.join(RUNS_FILE),
    )
    .unwrap();
    let read = Tables::open(folder.path(), &axes(), &order()).unwrap();
    assert_eq!(read.runs(), tables.runs());
}

#[test]
fn damage_anywhere_in_a_file_is_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let path = folder.path().join(RUNS_FILE);
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    for at in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        fs::write(&path, &bytes).unwrap();
        // Damage to a value itself cannot be told from a value.
        let opened = Tables::open(folder.path(), &axes(), &order());
        found += usize::from(opened.map_or(true, |mut tables| !tables.take_trouble().is_empty()));
    }
    assert!(found > whole.len() / 6, "{found} of {}", whole.len() / 3);
}

#[test]
fn writing_leaves_the_two_files_only_and_the_same_bytes_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = filled(folder.path());
    let first = fs::read(folder.path().join(METRICS_FILE)).unwrap();
    tables.write().unwrap();
    assert_eq!(fs::read(folder.path().join(METRICS_FILE)).unwrap(), first);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = Tables::open(&folder.path().join("none"), &axes(), &order()).unwrap();
    let message = tables.write().unwrap_err().to_string();
    assert!(
        message.starts_with("cannot write") && message.contains("metrics.parquet"),
        "{message}"
    );
}

#[test]
fn a_table_is_written_again_only_when_it_has_changed_or_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = filled(folder.path());
    let [metrics, runs] = [METRICS_FILE, RUNS_FILE].map(|file| folder.path().join(file));
    tables.write().unwrap();
    // Whoever writes the files again replaces these.
    fs::write(&metrics, "same").unwrap();
    fs::write(&runs, "same").unwrap();
    let row = tables.runs()[0].clone();
    tables.set_run(RunRow {
        seconds: row.seconds + 1.0,
        ..row
    });
    tables.write().unwrap();
    assert_eq!(fs::read(&metrics).unwrap(), b"same");
    assert_ne!(fs::read(&runs).unwrap(), b"same");
    fs::remove_file(&metrics).unwrap();
    tables.write().unwrap();
    assert!(read(&metrics).unwrap().is_some());
}
