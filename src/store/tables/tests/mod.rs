//! The tables of an experiment.

mod columns;
mod damage;

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use polars::prelude::*;

use super::file::read;
use super::format::{FORMAT, FORMAT_KEY};
use super::*;
use crate::metric::{ACCURACY, Metrics, PER_CLASS, TOP5_ACCURACY};
use crate::spec::AxisValue;
use crate::store::Status;
use crate::train::Epoch;

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
            stage: None,
            training: Metrics::of_loss(1.0 / number as f64)
                .with(&ACCURACY, 0.5)
                .with_each(&PER_CLASS, vec![0.25, f64::INFINITY]),
            validation: (number > 1).then(|| Metrics::of_loss(0.75).with(&ACCURACY, 0.625)),
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
        validation: Some(Metrics::of_loss(0.25).with(&ACCURACY, 0.5)),
        test: Some(
            Metrics::of_loss(0.5)
                .with(&ACCURACY, 0.75)
                .with(&TOP5_ACCURACY, 1.0)
                .with_each(&PER_CLASS, vec![0.5, 1.0]),
        ),
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
    let current = read.results().runs;
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

#[test]
fn whoever_reads_sees_the_sweeps_order_whichever_run_came_first() {
    let tmp = tempfile::tempdir().unwrap();
    fs::write(tmp.path().join("plan.txt"), order().join("\n")).unwrap();
    let write = |id: &str, point| {
        let folder = tmp.path().join("runs").join(id);
        fs::create_dir_all(&folder).unwrap();
        let row = run(id, point, UNIX_EPOCH);
        own::write_row(&folder, &axes(), &row, None, &Token::unclaimed()).unwrap();
    };
    let read = || -> Vec<String> {
        let rows = read_runs(tmp.path()).unwrap().into_iter();
        rows.map(|row| row.run).collect()
    };
    write("all-1", point("all", 1));
    assert_eq!(read(), ["all-1"]);
    write("none-0", point("none", 0));
    assert_eq!(read(), ["none-0", "all-1"]);
}

#[test]
fn lent_tables_are_those_that_are_read_and_come_back() {
    let tmp = tempfile::tempdir().unwrap();
    let mut tables = Tables::open(tmp.path(), &axes(), &[]).unwrap();
    tables.set_run(run("none-0", point("none", 0), UNIX_EPOCH));
    let read = || read_runs(tmp.path()).unwrap();
    assert!(read().is_empty());
    let lent = lent(&mut tables, read);
    assert_eq!(lent, tables.runs());
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        super::lent(&mut tables, || Vec::<u8>::new()[0])
    }));
    assert!(caught.is_err());
    assert_eq!(lent, tables.runs());
    assert!(read().is_empty());
    leave(tables);
    // What nobody holds any more is what stands on the disk.
    assert!(read().is_empty());
}
