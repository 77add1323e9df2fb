//! Runs side by side: here as many at a time as wished, and in other processes that were started on the same folder.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::error::Error;
use super::options::Options;
use crate::features;
use crate::ops;
use crate::run::{Executor, PlannedRun, Workspace};
use crate::sink::{Begun, Recorder, Sinks};
use crate::sweep::Plan;

/// As large as a main thread's.
const STACK: usize = 8 << 20;
/// Runs that others do are looked at this often.
const LOOK: Duration = Duration::from_millis(500);
/// As long as there are fewer than a look at each may take.
const LOOK_EACH: Duration = Duration::from_millis(20);
/// A wish to stop is seen after this.
const NOTICE: Duration = Duration::from_millis(20);

/// Does the runs of a plan that are not done yet.
///
/// # Errors
/// Records that cannot be written. Runs that fail are recorded.
pub(super) fn run(
    plan: &Plan,
    recorder: &Recorder,
    executor: &Executor<'_>,
    options: &Options,
    sinks: &Sinks<'_>,
) -> Result<(), Error> {
    let jobs = Jobs {
        lists: Mutex::default(),
        ends: AtomicBool::new(false),
        recorder,
        executor,
        options,
        sinks,
    };
    let threads = rayon::current_num_threads();
    let runs: Vec<&PlannedRun> = plan.runs.iter().collect();
    let (small, runs) = match options.jobs {
        None if threads > 1 && !options.fail_fast => runs
            .into_iter()
            .partition(|run| has_use_for_one_thread(run)),
        _ => (Vec::new(), runs),
    };
    let small = jobs.side_by_side(threads, small, Elsewhere::Leave);
    let done =
        small.and_then(|()| jobs.side_by_side(options.jobs.unwrap_or(1), runs, Elsewhere::Wait));
    // What is made of the results needs the memory.
    executor.rest();
    done
}

/// Whether more threads would not train it any faster: its constant part is done once, and the rest is little work.
fn has_use_for_one_thread(planned: &PlannedRun) -> bool {
    let PlannedRun { run, blueprint, .. } = planned;
    let (graph, rest) = (&blueprint.graph, blueprint.cut.rest());
    let rest = rest.iter().filter_map(|node| graph.nodes().get(*node));
    let products = rest.map(|node| graph.multiplications(node));
    let largest = products
        .max()
        .unwrap_or(0)
        .saturating_mul(run.spec.training.batch_size as u64);
    largest < 2 * ops::WORTH_A_THREAD as u64
        && features::may_be_kept(&run.spec, blueprint)
        && planned.device.device.is_cpu()
}

/// How many of `threads` threads the `job`th of `count` jobs has.
fn part(threads: usize, count: usize, job: usize) -> usize {
    (threads / count + usize::from(job < threads % count)).max(1)
}

fn pool(threads: usize) -> Result<ThreadPool, Error> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(STACK)
        .build();
    pool.map_err(|error| Error::Threads(std::io::Error::other(error)))
}

struct Jobs<'a> {
    lists: Mutex<Lists<'a>>,
    /// Whether no further run is to begin.
    ends: AtomicBool,
    recorder: &'a Recorder,
    executor: &'a Executor<'a>,
    options: &'a Options,
    sinks: &'a Sinks<'a>,
}

/// What becomes of runs that others do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elsewhere {
    /// They are looked at again later.
    Leave,
    /// They are waited for.
    Wait,
}

#[derive(Default)]
struct Lists<'a> {
    next: VecDeque<&'a PlannedRun>,
    /// Those that others do; to be looked at again.
    elsewhere: Vec<&'a PlannedRun>,
    /// What has been said of them.
    told: HashSet<String>,
}

impl<'a> Jobs<'a> {
    fn lists(&self) -> MutexGuard<'_, Lists<'a>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.ends.load(Ordering::Relaxed) || self.options.stop.is_requested()
    }

    /// Does `runs`, as many at a time as `count` says; they divide the threads.
    fn side_by_side(
        &self,
        count: usize,
        runs: Vec<&'a PlannedRun>,
        elsewhere: Elsewhere,
    ) -> Result<(), Error> {
        let count = count.clamp(1, runs.len().max(1));
        self.lists().next = runs.into();
        let threads = rayon::current_num_threads();
        if count == 1 {
            return self.work(&pool(threads)?, elsewhere);
        }
        let pools: Vec<ThreadPool> = (0..count)
            .map(|job| pool(part(threads, count, job)))
            .collect::<Result<_, _>>()?;
        thread::scope(|scope| {
            let mut working = Vec::new();
            for pool in &pools {
                let job = thread::Builder::new().stack_size(STACK);
                let job = job.spawn_scoped(scope, || {
                    let result = self.work(pool, elsewhere);
                    // The others end their runs, and begin no further one.
                    result.inspect_err(|_| self.end())
                });
                working.push(job.map_err(Error::Threads)?);
            }
            let join = |job: thread::ScopedJoinHandle<'_, Result<(), Error>>| {
                job.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            let results: Vec<Result<(), Error>> = working.into_iter().map(join).collect();
            results.into_iter().collect()
        })
    }

    /// Does one run after another until none is left, here and, where they are waited for, elsewhere.
    ///
    /// Each runs on one of the `threads`: small work stays there, where a thread outside would wait for one of them.
    fn work(&self, threads: &ThreadPool, elsewhere: Elsewhere) -> Result<(), Error> {
        while !self.is_over() {
            let next = self.lists().next.pop_front();
            match next {
                Some(planned) => self.do_run(planned, threads)?,
                None if elsewhere == Elsewhere::Leave => break,
                None if self.lists().elsewhere.is_empty() => break,
                None => self.wait(),
            }
        }
        Ok(())
    }

    fn do_run(&self, planned: &'a PlannedRun, threads: &ThreadPool) -> Result<(), Error> {
        match self.recorder.begin(planned, self.sinks)? {
            Begun::Done => {}
            Begun::Elsewhere(owner) => {
                let id = &planned.run.id;
                let note = format!("{id} is being done: {owner}");
                let mut lists = self.lists();
                lists.elsewhere.push(planned);
                if lists.told.insert(note.clone()) {
                    self.sinks.note(&note);
                }
            }
            Begun::Here(mut run) => {
                let folder = run.run().folder.clone();
                let token = run.run().token.clone();
                let place = Workspace {
                    folder: &folder,
                    shared: self.recorder.folder(),
                    stop: &self.options.stop.or(token.lost()),
                    token: &token,
                    threads: Some(threads),
                };
                let result = self
                    .executor
                    .run(planned, place, &mut |event| run.event(event));
                // A failed run is recorded; the next one is done all the same.
                run.ended(result.as_ref());
                if token.is_lost() {
                    // To be looked at again once the other process has ended it, or itself.
                    self.lists().elsewhere.push(planned);
                } else if result.is_err() && self.options.fail_fast {
                    self.end();
                }
            }
        }
        Ok(())
    }

    /// Waits a little, then has the runs that others do looked at again.
    fn wait(&self) {
        // The more there are, the more seldom, as each look reads a folder.
        let look = LOOK.max(LOOK_EACH * self.lists().elsewhere.len() as u32);
        let end = Instant::now() + look;
        while Instant::now() < end && !self.is_over() {
            thread::sleep(NOTICE);
        }
        let mut lists = self.lists();
        let again = std::mem::take(&mut lists.elsewhere);
        lists.next.extend(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_divided_and_every_job_has_one() {
        let parts = |threads, count| -> Vec<usize> {
            (0..count).map(|job| part(threads, count, job)).collect()
        };
        assert_eq!(parts(8, 3), [3, 3, 2]);
        assert_eq!(parts(2, 2), [1, 1]);
        assert_eq!(parts(2, 4), [1, 1, 1, 1]);
    }
}
