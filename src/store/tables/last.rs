//! Reading a folder's tables again and again: only what has changed since is read from the disk.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{RUNS_FILE, TableError, Tables, own};
use crate::store::plan::read_plan;
use crate::store::rows::{EpochRow, RunRow};

/// The tables of the folder that was read last.
static LAST: Mutex<Option<Tables>> = Mutex::new(None);
/// Those that are lent at the moment.
static LENT: Mutex<Option<Tables>> = Mutex::new(None);

fn locked(tables: &Mutex<Option<Tables>>) -> MutexGuard<'_, Option<Tables>> {
    tables.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The rows of all runs in a results folder; none where there is none yet.
///
/// # Errors
/// As [`Tables::open`].
pub fn read_runs(folder: &Path) -> Result<Vec<RunRow>, TableError> {
    read(folder, |tables| tables.runs.clone())
}

/// The rows of all epochs in a results folder; none where there is none yet.
///
/// # Errors
/// As [`Tables::open`].
pub fn read_epochs(folder: &Path) -> Result<Vec<EpochRow>, TableError> {
    read(folder, |tables| tables.epochs.clone())
}

/// Whether there are results in a folder.
pub fn are_in(folder: &Path) -> bool {
    folder.join(RUNS_FILE).is_file() || own::all(folder).is_ok_and(|runs| !runs.is_empty())
}

/// What is wanted of the tables in a folder as they are now.
fn read<T>(folder: &Path, wanted: impl FnOnce(&Tables) -> T) -> Result<T, TableError> {
    // Whoever reads sees the sweep's order, whichever run came first.
    let order = read_plan(folder).unwrap_or_default();
    let is_it = |tables: &Tables| tables.folder == folder && tables.order == order;
    if let Some(lent) = locked(&LENT).as_mut().filter(|lent| is_it(lent)) {
        refresh(lent)?;
        return Ok(wanted(lent));
    }
    let mut last = locked(&LAST);
    let known = last.take().filter(is_it);
    let mut tables = match known {
        Some(tables) => tables,
        None => Tables::open(folder, &[], &order)?,
    };
    refresh(&mut tables)?;
    let found = wanted(&tables);
    *last = Some(tables);
    Ok(found)
}

/// Takes what was written since, and says what is damaged.
fn refresh(tables: &mut Tables) -> Result<(), TableError> {
    tables.refresh()?;
    for trouble in tables.take_trouble() {
        tracing::warn!("{trouble}");
    }
    Ok(())
}

/// Does some work that reads a folder, with the tables of that folder as they are known here: of a large sweep they take
/// much memory, and reading every run's takes long.
pub fn lent<T>(tables: &mut Tables, work: impl FnOnce() -> T) -> T {
    let mut place = locked(&LENT);
    if place.is_some() {
        drop(place);
        return work();
    }
    *place = Some(std::mem::take(tables));
    drop(place);
    let _back = Back(tables);
    work()
}

/// Gives lent tables back, also where the work panics.
struct Back<'a>(&'a mut Tables);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        if let Some(tables) = locked(&LENT).take() {
            *self.0 = tables;
        }
    }
}

/// Leaves tables that are not written any more to whoever reads their folder.
pub fn leave(mut tables: Tables) {
    tables.give_back_all();
    *locked(&LAST) = Some(tables);
}
