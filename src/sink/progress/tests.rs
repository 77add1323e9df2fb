use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressDrawTarget, TermLike};

use super::*;
use crate::metric::{ACCURACY, Metrics, TOP5_ACCURACY};
use crate::progress::Progress;
use crate::store::Status;
use crate::store::fixtures::{Sweep, integers, sweep, texts};
use crate::train::Batch;

/// What was written, as a pipe and as a terminal.
#[derive(Clone, Debug, Default)]
struct Screen {
    written: Arc<Mutex<Vec<u8>>>,
    /// The columns of the widest line.
    widest: Arc<AtomicUsize>,
    columns: u16,
}

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.columns
    }
    fn move_cursor_up(&self, _n: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _n: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _n: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _n: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write_str(&format!("{line}\n"))
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        let widths = text.split(['\n', '\r']).map(crate::terminal::columns_of);
        let widest = widths.max().unwrap_or(0);
        self.widest.fetch_max(widest, Ordering::Relaxed);
        self.written.lock().unwrap().extend(text.bytes());
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn small_sweep() -> Sweep {
    sweep(
        vec![
            texts("freeze.through", &["block4_pool"]),
            integers("seed", 0..2),
        ],
        2,
    )
}

fn plain(verbosity: Verbosity, short: Duration) -> (Plain, Screen) {
    let screen = Screen::default();
    let out = Box::new(screen.clone());
    (Plain::mentioning_work_after(short, out, verbosity), screen)
}

fn live(verbosity: Verbosity) -> (Live, Screen) {
    live_of(verbosity, 100)
}

fn live_of(verbosity: Verbosity, columns: u16) -> (Live, Screen) {
    let screen = Screen {
        columns,
        ..Screen::default()
    };
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 255);
    let bars = MultiProgress::with_draw_target(target);
    let columns: fn() -> usize = match columns {
        40 => || 40,
        200 => || 200,
        _ => || 100,
    };
    (Live::new(bars, verbosity, columns), screen)
}

/// The second of two runs: two epochs of two batches; then it fails.
fn tell(reporter: &dyn Reporter, sweep: &Sweep) {
    let run = &sweep.runs[1];
    reporter.run_started(&RunStart {
        index: 2,
        total: 2,
        ended: 1,
        id: &run.run,
        point: &run.point,
        epochs: 2,
    });
    for row in sweep.epochs.iter().filter(|row| row.run == run.run) {
        for batch in 1..=2 {
            reporter.batch_done(
                &run.run,
                &Batch {
                    epoch: row.epoch.epoch,
                    epochs: 2,
                    batch,
                    batches: 2,
                    images: 32 * batch,
                    loss: 0.5,
                    accuracy: 0.25,
                },
            );
        }
        reporter.epoch_done(&run.run, &row.epoch);
    }
    let mut failed = run.clone();
    failed.status = Status::Failed;
    failed.error = Some("the loss is NaN\ncaused by luck".into());
    reporter.run_ended(&failed);
    reporter.warn("no GPU");
    reporter.note("a note");
    reporter.close();
}

#[test]
fn without_a_terminal_there_is_a_line_an_epoch() {
    let mut sweep = small_sweep();
    let last = &mut sweep.epochs[3].epoch;
    last.training = Metrics::of_loss(0.43214)
        .with(&ACCURACY, 0.8512)
        .with(&TOP5_ACCURACY, 1.0);
    last.validation = None;
    let (reporter, screen) = plain(Verbosity::Normal, Duration::MAX);
    tell(&reporter, &sweep);
    let lines = screen.lines();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines[0].starts_with("run 2/2 through=block4_pool,seed=1  epoch 1/2  loss "));
    assert!(lines[0].contains("  val_loss ") && lines[0].contains("  val_accuracy "));
    assert_eq!(
        lines[1..],
        [
            "run 2/2 through=block4_pool,seed=1  epoch 2/2  loss 0.4321  accuracy 85.1%  top5_accuracy 100.0%  412 images/s",
            "run 2/2 through=block4_pool,seed=1  failed: the loss is NaN",
            "caused by luck",
            "warning: no GPU",
            "a note",
        ]
    );
}

#[test]
fn quiet_tells_failures_alone_and_verbose_tells_all() {
    let count = |verbosity| {
        let (reporter, screen) = plain(verbosity, Duration::MAX);
        tell(&reporter, &small_sweep());
        screen.lines().len()
    };
    assert_eq!(count(Verbosity::Quiet), 2);
    assert_eq!(count(Verbosity::Normal), 6);
    assert_eq!(count(Verbosity::Verbose), 7);
}

#[test]
fn a_single_run_is_not_numbered_and_says_what_the_test_gave() {
    let sweep = sweep(vec![], 2);
    let (reporter, screen) = plain(Verbosity::Normal, Duration::MAX);
    reporter.run_started(&RunStart {
        index: 1,
        total: 1,
        ended: 0,
        id: "0000",
        point: &[],
        epochs: 2,
    });
    let mut run = sweep.runs[0].clone();
    run.test = Some(Metrics::of_loss(1.25).with(&ACCURACY, 0.5));
    run.seconds = 185.2;
    reporter.run_ended(&run);
    let expected = "finished 2 epochs in 3m 05s  test_loss 1.2500  test_accuracy 50.0%\n";
    assert_eq!(screen.text(), expected);
}

#[test]
fn long_work_is_announced_and_ended_and_short_work_is_not_mentioned() {
    let work = |short| {
        let (reporter, screen) = plain(Verbosity::Normal, short);
        reporter.start("vgg16 weights", Some(61_865_984), true);
        reporter.advance(61_865_984);
        reporter.finish();
        reporter.finish();
        screen.lines()
    };
    let lines = work(Duration::ZERO);
    assert_eq!(lines[0], "vgg16 weights (59.0 MiB) ...");
    assert!(
        lines[1].starts_with("vgg16 weights: 59.0 MiB in "),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 2);
    assert_eq!(work(Duration::from_secs(3600)), Vec::<String>::new());
}

#[test]
fn a_terminal_shows_a_bar_for_the_epoch_and_one_for_the_sweep() {
    let (reporter, screen) = live(Verbosity::Normal);
    reporter.start("digits", Some(1797), false);
    reporter.advance(1797);
    reporter.finish();
    tell(&reporter, &small_sweep());
    let text = screen.text();
    for part in [
        "digits",
        "epoch 2/2",
        "epoch 1/2 ",
        "loss 0.5000  accuracy 25.0%",
        "run 2/2 through=block4_pool,seed=1",
        "so far",
        "run 2/2 through=block4_pool,seed=1  epoch 1/2  loss ",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    for line in [
        "run 2/2 through=block4_pool,seed=1  failed: the loss is NaN",
        "warning: no GPU",
        "a note",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

/// Both runs of two at a time: each has its first batch, then the second one is finished.
fn tell_of_two(reporter: &dyn Reporter, sweep: &Sweep) {
    for (index, run) in (1..).zip(&sweep.runs) {
        reporter.run_started(&RunStart {
            index,
            total: 2,
            ended: 0,
            id: &run.run,
            point: &run.point,
            epochs: 2,
        });
    }
    for run in &sweep.runs {
        let batch = Batch {
            epoch: 1,
            epochs: 2,
            batch: 1,
            batches: 2,
            images: 32,
            loss: 0.5,
            accuracy: 0.25,
        };
        reporter.batch_done(&run.run, &batch);
    }
    for row in sweep.epochs.iter().filter(|row| row.epoch.epoch == 1) {
        reporter.epoch_done(&row.run, &row.epoch);
    }
    reporter.run_ended(&sweep.runs[1]);
    reporter.close();
}

#[test]
fn runs_at_a_time_are_told_apart() {
    let (reporter, screen) = plain(Verbosity::Normal, Duration::MAX);
    tell_of_two(&reporter, &small_sweep());
    let lines = screen.lines();
    let begins = [
        "run 1/2 through=block4_pool,seed=0  epoch 1/2  loss ",
        "run 2/2 through=block4_pool,seed=1  epoch 1/2  loss ",
        "run 2/2 through=block4_pool,seed=1  finished ",
    ];
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }

    let (reporter, screen) = live(Verbosity::Normal);
    tell_of_two(&reporter, &small_sweep());
    let text = screen.text();
    for part in [
        "run 1/2 epoch 1/2",
        "run 2/2 epoch 1/2",
        "2 runs at a time",
        "run 1/2 through=block4_pool,seed=0",
        "run 2/2 through=block4_pool,seed=1  finished ",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn amounts_and_durations_are_short() {
    assert_eq!(lines::amount(512, true), "512 B");
    assert_eq!(lines::amount(1536, true), "1.5 KiB");
    assert_eq!(lines::amount(50_000, false), "50000");
    assert_eq!(lines::duration(0.42), "0.4 s");
    assert_eq!(lines::duration(7620.0), "2h 07m");
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    for columns in [40, 200] {
        let (reporter, screen) = live_of(Verbosity::Verbose, columns);
        reporter.start(
            "a file with a rather long name of weights",
            Some(9_000_000),
            true,
        );
        reporter.advance(4_000_000);
        reporter.finish();
        tell(&reporter, &small_sweep());
        tell_of_two(&reporter, &small_sweep());
        let widest = screen.widest.load(Ordering::Relaxed);
        assert!(
            widest <= usize::from(columns),
            "{widest}: {}",
            screen.text()
        );
        assert!(screen.text().contains("val_accuracy"));
    }
}

#[test]
fn every_epoch_stays_once_above_the_bars() {
    let (reporter, screen) = live(Verbosity::Normal);
    tell(&reporter, &small_sweep());
    let text = screen.text();
    for epoch in ["epoch 1/2  loss ", "epoch 2/2  loss "] {
        assert_eq!(text.matches(epoch).count(), 1, "{epoch} in {text}");
    }
    assert!(text.contains("  val_accuracy "), "{text}");
}

#[test]
fn lines_are_broken_between_parts_and_words_and_paths_stay_whole() {
    let parts = |text: &str| -> Vec<String> { text.split('|').map(str::to_owned).collect() };
    for (text, width, expected) in [
        ("a|b|c", 40, "a  b  c"),
        (
            "run 1/2|epoch 1/2|loss 0.5",
            20,
            "run 1/2  epoch 1/2\n  loss 0.5",
        ),
        ("the disk is full today", 14, "the disk is\n  full today"),
        (
            "see results/quickstart/a",
            10,
            "see\n  results/quickstart/a",
        ),
    ] {
        assert_eq!(lines::fit(&parts(text), width), expected);
    }
}
