//! Files that are no tables of ours, damaged or older than the runs' folders.

use super::*;

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
