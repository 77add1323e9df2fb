//! Tables in Parquet.

use std::fs::File;

use super::*;

fn save(path: &Path, columns: Vec<Column>) {
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    let writer = ParquetWriter::new(File::create(path).unwrap());
    let writer = writer.with_row_group_size(Some(7));
    writer.finish(&mut frame).unwrap();
}

fn names() -> Column {
    let names: Vec<String> = (0..30).map(|i| format!("photos/{i:03}.png")).collect();
    Column::new("image".into(), names)
}

fn ofs(label: impl Fn(usize) -> i64) -> Vec<i64> {
    (0..30).map(label).collect()
}

#[test]
fn labels_of_every_type_are_classes() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    photos(&root.join("photos"), 30);
    let numbers = ofs(|i| [7, 120, 3][i % 3]);
    let text: Vec<&str> = (0..30).map(insect).collect();
    let truths: Vec<bool> = (0..30).map(|i| i % 3 == 0).collect();
    let series = |kind: DataType| {
        Column::new("label".into(), numbers.clone())
            .cast(&kind)
            .unwrap()
    };
    let whole = "(whole numbers): 3 (10), 7 (10), 120 (10)";
    for (label, says) in [
        (series(DataType::Int32), whole),
        (series(DataType::UInt32), whole),
        (series(DataType::Int64), whole),
        (series(DataType::UInt64), whole),
        (series(DataType::Float32), whole),
        (
            Column::new("label".into(), text),
            "(text): ant (10), bee (10), wasp (10)",
        ),
        (
            Column::new("label".into(), truths),
            "(true and false): false (20), true (10)",
        ),
    ] {
        save(&root.join("labels.parquet"), vec![names(), label]);
        let set = ["dataset.path=labels.parquet"];
        assert_checks(root, &spec(""), &set, &["labels.parquet: 30 rows", says]);
    }
    let lists = Column::new("label".into(), vec![Series::new("".into(), [1i64]); 30]);
    save(&root.join("labels.parquet"), vec![names(), lists]);
    let set = ["dataset.path=labels.parquet"];
    assert_refused(
        root,
        &spec(""),
        &set,
        &["column \"label\" holds lists of whole numbers"],
    );
}

/// Photos as Hugging Face's `datasets` packs them.
fn packed(root: &Path) -> Column {
    let photo = |i: usize| fs::read(root.join(format!("photos/{i:03}.png"))).unwrap();
    let bytes: Vec<Vec<u8>> = (0..30).map(photo).collect();
    let bytes = Series::new("bytes".into(), bytes);
    let paths = Series::new("path".into(), vec![None::<String>; 30]);
    let packed = StructChunked::from_series("image".into(), 30, [&bytes, &paths].into_iter());
    packed.unwrap().into_series().into_column()
}

#[test]
fn images_in_the_table_give_what_their_files_do() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    photos(&root.join("photos"), 30);
    let labels = Column::new("label".into(), (0..30).map(insect).collect::<Vec<_>>());
    let parts = Column::new("split".into(), (0..30).map(part).collect::<Vec<_>>());
    let as_binary = packed(root)
        .struct_()
        .unwrap()
        .field_by_name("bytes")
        .unwrap();
    let as_binary = as_binary.with_name("image".into()).into_column();
    let mut probabilities = Vec::new();
    for (images, file) in [
        (names(), "photos/024.png"),
        (packed(root), "labels.parquet row 24"),
        (as_binary, "labels.parquet row 24"),
    ] {
        save(
            &root.join("labels.parquet"),
            vec![images, labels.clone(), parts.clone()],
        );
        write(
            root,
            "e.toml",
            &spec("split_column = \"split\"").replace("csv", "parquet"),
        );
        let _ = fs::remove_dir_all(root.join("results"));
        runner(root).arg("e.toml").assert().success();
        assert_eq!(column(root, "predictions.parquet", "file")[0], file);
        probabilities.push(column(root, "predictions.parquet", "label_probability"));
    }
    assert_eq!(probabilities[0], probabilities[1]);
    assert_eq!(probabilities[0], probabilities[2]);
    // The same bytes in two parts.
    let images = packed(root);
    let copied = images.slice(0, 29);
    let mut copied = copied;
    copied.append(&images.slice(0, 1)).unwrap();
    save(&root.join("labels.parquet"), vec![copied, labels, parts]);
    let says =
        ["\"labels.parquet row 29\" (test, labels.parquet row 29) is \"labels.parquet row 0\""];
    let spec = spec("split_column = \"split\"").replace("csv", "parquet");
    assert_refused(root, &spec, &[], &says);
}

#[test]
fn shards_in_a_folder_are_one_table_and_their_names_say_the_parts() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    photos(&root.join("photos"), 30);
    fs::create_dir(root.join("data")).unwrap();
    let labels = Column::new("label".into(), (0..30).map(insect).collect::<Vec<_>>());
    let shard = |name: &str, from: i64, count: usize| {
        let columns = vec![names().slice(from, count), labels.slice(from, count)];
        save(&root.join("data").join(name), columns);
    };
    shard("train-00000-of-00002.parquet", 0, 12);
    shard("train-00001-of-00002.parquet", 12, 6);
    shard("test-00000-of-00001.parquet", 18, 12);
    let spec = spec("images = \".\"").replace("labels.csv", "data");
    assert_checks(root, &spec, &[], &["13 training, 5 validation, 12 test"]);
    let sets = ["dataset.path=data/train-*.parquet"];
    assert_checks(root, &spec, &sets, &["13 training, 5 validation"]);
}
