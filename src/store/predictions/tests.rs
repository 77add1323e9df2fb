use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;

use polars::prelude::ParquetWriter;

use super::*;
use crate::features::Split;
use crate::run::{Answers, Probabilities};
use crate::store::tables::{file_metadata, seal};
use crate::train::Prediction;

fn predictions() -> PartPredictions {
    let prediction = |label, top: &[(u32, f32)]| Prediction {
        label,
        label_probability: 0.25,
        top: top.to_vec(),
        several: None,
    };
    let mut probabilities = Probabilities::new(2, 2);
    probabilities.add(0, &[0.75, 0.25]);
    probabilities.add(1, &[0.5, 0.5]);
    PartPredictions {
        part: Split::Validation,
        answers: Answers {
            each: vec![
                prediction(0, &[(0, 0.75), (1, 0.25)]),
                prediction(1, &[(0, 0.5), (1, 0.5)]),
            ],
            probabilities,
            several: None,
        },
        files: Some(vec!["cat/a.png".into(), "dog/b.png".into()]),
        pictures: BTreeMap::from([(1, b"png".to_vec())]),
    }
}

fn classes() -> Vec<String> {
    vec!["cat".into(), "dog".into()]
}

#[test]
fn predictions_are_read_back_with_the_names_of_the_classes() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "r",
        &classes(),
        &predictions(),
        &Token::unclaimed(),
    )
    .unwrap();
    let found = read(folder.path()).unwrap().unwrap();
    assert_eq!(found.classes, classes());
    assert_eq!(found.part(), "validation");
    let text = |column: &str, row| {
        let column = found.frame.column(column).unwrap();
        column.str().unwrap().get(row).unwrap().to_owned()
    };
    assert_eq!(
        [text("label", 1), text("predicted", 1), text("file", 1)],
        ["dog", "cat", "dog/b.png"]
    );
    let image = found.frame.column("image").unwrap();
    assert_eq!(image.binary().unwrap().get(0), None);
    assert_eq!(image.binary().unwrap().get(1), Some(&b"png"[..]));
    let ranking = found.ranking().unwrap();
    assert_eq!(ranking.kept(), (&[0.75, 0.25, 0.5, 0.5][..], &[0, 1][..]));
}

#[test]
fn the_experiments_table_has_the_runs_one_after_another_and_passes_over_those_without() {
    let folder = tempfile::tempdir().unwrap();
    let token = Token::unclaimed();
    let runs = ["a".to_owned(), "none".to_owned(), "b".to_owned()];
    for run in ["b", "a"] {
        let own = folder.path().join("runs").join(run);
        fs::create_dir_all(&own).unwrap();
        write(&own, run, &classes(), &predictions(), &token).unwrap();
    }
    collect(folder.path(), &runs, &token).unwrap();
    let (_, frame) = crate::store::tables::read_table(&folder.path().join(FILE))
        .unwrap()
        .unwrap();
    let column = frame.column("run").unwrap().str().unwrap();
    let found: Vec<&str> = column.iter().flatten().collect();
    assert_eq!(found, ["a", "a", "b", "b"]);
}

#[test]
fn an_altered_table_of_the_experiment_is_found_by_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    collect(folder.path(), &[], &Token::unclaimed()).unwrap();
    let path = folder.path().join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = crate::store::tables::read_table(&path).unwrap_err();
    assert!(error.to_string().contains("its checksum is wrong"));
}

#[test]
fn a_damaged_table_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE), "PAR1 and no more").unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(error.contains(FILE) && error.contains("damaged"), "{error}");
}

#[test]
fn a_table_of_older_versions_has_test_images_and_no_probabilities_of_all_classes() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "r",
        &classes(),
        &predictions(),
        &Token::unclaimed(),
    )
    .unwrap();
    let found = read(folder.path()).unwrap().unwrap();
    let old = found.frame.drop("part").unwrap();
    let mut old = old.drop("probabilities").unwrap();
    let names = serde_json::to_string(&classes()).unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_key_value_metadata(Some(file_metadata(Some((CLASSES_KEY, names)))))
        .finish(&mut old)
        .unwrap();
    seal(&mut Cursor::new(&mut bytes)).unwrap();
    fs::write(folder.path().join(FILE), bytes).unwrap();
    let found = read(folder.path()).unwrap().unwrap();
    assert_eq!((found.part(), found.frame.width()), ("test", 12));
    assert_eq!(found.ranking(), None);
}
