use super::*;

fn form(images: usize, values: usize) -> Form {
    Form {
        magic: *b"a file of a test",
        what: "bytes",
        images,
        values,
        value: 4,
    }
}

fn written(folder: &Path, form: Form) -> PathBuf {
    let path = folder.join("a.bytes");
    let mut writer = Writer::create(&path, form).unwrap();
    for image in 0..form.images {
        writer.push(&vec![image as u8; 4 * form.values]).unwrap();
    }
    writer.push(b"more").unwrap();
    writer.finish().unwrap();
    path
}

#[test]
fn a_file_of_several_blocks_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let form = form(5, 100_003);
    let path = written(folder.path(), form);
    let stored = Stored::open(&path, form).unwrap().unwrap();
    let mut third = vec![0; 4 * form.values];
    stored.read(3 * 4 * form.values as u64, &mut third).unwrap();
    assert_eq!(stored.rest().unwrap(), b"more");
    stored.confirm().unwrap();
    assert!(third.iter().all(|value| *value == 3));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn one_changed_byte_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let form = form(3, 5);
    let path = written(folder.path(), form);
    let good = fs::read(&path).unwrap();
    for at in [0, 16, 31, 32, 63, 64, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(Stored::open(&path, form).is_err(), "byte {at}");
    }
    fs::write(&path, &good[..good.len() - 8]).unwrap();
    assert!(Stored::open(&path, form).unwrap_err().contains("bytes"));
    fs::write(&path, b"").unwrap();
    assert!(Stored::open(&path, form).is_err());
}

#[test]
fn a_file_that_is_cut_or_changed_while_it_is_used_is_noticed_and_one_that_is_only_touched_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let form = form(3, 5);
    let path = written(folder.path(), form);
    let good = fs::read(&path).unwrap();
    let stored = Stored::open(&path, form).unwrap().unwrap();
    let touch = || {
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    touch();
    stored.read(0, &mut [0; 60]).unwrap();
    stored.confirm().unwrap();
    let mut bad = good.clone();
    bad[70] ^= 1;
    fs::write(&path, &bad).unwrap();
    touch();
    let mut values = [0; 60];
    stored.read(0, &mut values).unwrap();
    let why = stored.confirm().unwrap_err();
    assert!(why.contains("a.bytes") && why.contains("checksum"), "{why}");
    fs::write(&path, &good[..80]).unwrap();
    assert!(stored.read(0, &mut values).is_err());
    assert!(stored.confirm().unwrap_err().contains("bytes"));
}

#[test]
fn a_writer_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bytes");
    let form = form(2, 2);
    Writer::create(&path, form).unwrap().push(&[1]).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(Stored::open(&path, form).unwrap().is_none());
}
