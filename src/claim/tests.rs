//! Claims against each other, in this process and others.

use super::*;

/// A claim as a process elsewhere makes it.
fn foreign(folder: &Path) -> PathBuf {
    let path = folder.join("claim-ffffffffffff-1-1.0");
    fs::write(&path, "process 1 on far\n").unwrap();
    path
}

fn held(attempt: Attempt) -> Claim {
    match attempt {
        Attempt::Held(claim) => claim,
        Attempt::Taken(owner) => panic!("{owner} has it"),
    }
}

#[test]
fn a_folder_is_held_by_one_until_it_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let claims = Claims::new(1.0);
    let first = held(claims.attempt(folder.path()).unwrap());
    let Attempt::Taken(owner) = claims.attempt(folder.path()).unwrap() else {
        panic!("two have it");
    };
    let id = std::process::id();
    assert!(owner.to_string().starts_with(&format!("process {id} on ")));
    drop(first);
    held(claims.attempt(folder.path()).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn of_many_at_once_never_two_hold_it_and_all_come_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let inside = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let claims = Claims::new(1.0);
                for _ in 0..50 {
                    let _lock = claims.lock(folder.path(), &Stop::default()).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn the_claim_of_a_process_that_is_gone_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let gone = own_name().replace(
        &format!("-{}-", std::process::id()),
        &format!("-{}-", child.id()),
    );
    child.wait().unwrap();
    let path = folder.path().join(format!("claim-{gone}.0"));
    fs::write(&path, "process 7 on here\n").unwrap();
    let claims = Claims::new(1.0);
    let claim = held(claims.attempt(folder.path()).unwrap());
    assert_eq!(claim.before()[0].to_string(), "process 7 on here");
    assert!(!path.exists());
}

#[test]
fn a_claim_from_elsewhere_holds_while_it_is_touched_and_is_taken_over_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = foreign(folder.path());
    let touch = |second| {
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        file.set_modified(time).unwrap();
    };
    // A quarter of a second, whatever the file's time says.
    let claims = Claims::new(1.0 / 240.0);
    for second in 0..20 {
        touch(second);
        let attempt = claims.attempt(folder.path()).unwrap();
        assert!(matches!(attempt, Attempt::Taken(_)));
    }
    let claim = claims.lock(folder.path(), &Stop::default()).unwrap();
    assert_eq!(claim.before()[0].to_string(), "process 1 on far");
}

#[test]
fn a_folder_that_another_holds_is_not_waited_for_once_the_work_is_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = foreign(folder.path());
    let (claims, stop) = (Claims::new(1.0), Stop::default());
    stop.flag().store(true, Ordering::Relaxed);
    let error = claims.lock(folder.path(), &stop).unwrap_err();
    assert!(error.to_string().contains("process 1 on far"), "{error}");
    let settled = claims.settle(folder.path(), &stop).unwrap();
    assert!(matches!(settled, Attempt::Taken(_)));
    assert!(path.exists());
}

#[test]
fn a_claim_that_others_removed_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let claims = Claims::new(1.0);
    let claim = held(claims.attempt(folder.path()).unwrap());
    claims.shared.touch();
    assert!(!claim.token().is_lost());
    fs::remove_file(claim.token().path()).unwrap();
    claims.shared.touch();
    assert!(claim.token().is_lost());
}
