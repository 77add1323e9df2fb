//! Their columns.

use super::*;

#[test]
fn columns_have_the_documented_order_and_types() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let metrics = [
        ("run", "str"),
        ("freeze.through", "str"),
        ("seed", "i64"),
        ("epoch", "i32"),
        ("stage", "str"),
        ("loss", "f64"),
        ("accuracy", "f64"),
        ("val_loss", "f64"),
        ("val_accuracy", "f64"),
        ("top5_accuracy", "f64"),
        ("val_top5_accuracy", "f64"),
        ("balanced_accuracy", "f64"),
        ("val_balanced_accuracy", "f64"),
        ("precision", "f64"),
        ("val_precision", "f64"),
        ("recall", "f64"),
        ("val_recall", "f64"),
        ("macro_f1", "f64"),
        ("val_macro_f1", "f64"),
        ("micro_f1", "f64"),
        ("val_micro_f1", "f64"),
        ("exact_match", "f64"),
        ("val_exact_match", "f64"),
        ("cohen_kappa", "f64"),
        ("val_cohen_kappa", "f64"),
        ("auroc", "f64"),
        ("val_auroc", "f64"),
        ("average_precision", "f64"),
        ("val_average_precision", "f64"),
        ("calibration_error", "f64"),
        ("val_calibration_error", "f64"),
        ("per_class", "list[f64]"),
        ("val_per_class", "list[f64]"),
        ("per_class_precision", "list[f64]"),
        ("val_per_class_precision", "list[f64]"),
        ("per_class_f1", "list[f64]"),
        ("val_per_class_f1", "list[f64]"),
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
        ("val_balanced_accuracy", "f64"),
        ("val_precision", "f64"),
        ("val_recall", "f64"),
        ("val_macro_f1", "f64"),
        ("val_micro_f1", "f64"),
        ("val_exact_match", "f64"),
        ("val_cohen_kappa", "f64"),
        ("val_auroc", "f64"),
        ("val_average_precision", "f64"),
        ("val_calibration_error", "f64"),
        ("val_per_class", "list[f64]"),
        ("val_per_class_precision", "list[f64]"),
        ("val_per_class_f1", "list[f64]"),
        ("test_loss", "f64"),
        ("test_accuracy", "f64"),
        ("test_top5_accuracy", "f64"),
        ("test_balanced_accuracy", "f64"),
        ("test_precision", "f64"),
        ("test_recall", "f64"),
        ("test_macro_f1", "f64"),
        ("test_micro_f1", "f64"),
        ("test_exact_match", "f64"),
        ("test_cohen_kappa", "f64"),
        ("test_auroc", "f64"),
        ("test_average_precision", "f64"),
        ("test_calibration_error", "f64"),
        ("test_per_class", "list[f64]"),
        ("test_per_class_precision", "list[f64]"),
        ("test_per_class_f1", "list[f64]"),
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
