//! What the terminal shows of the events of an experiment.

use super::reporter::{Reporter, RunStart};
use crate::sink::event::Event;
use crate::sink::list::{Failure, Sink, Sinks};
use crate::text::counted;

impl Sink for &dyn Reporter {
    fn event(&self, event: &Event<'_>, _sinks: &Sinks<'_>) -> Result<(), Failure> {
        match *event {
            Event::Planned(work) => self.planned(work),
            Event::Started(run, place) => self.run_started(&RunStart {
                index: place.index,
                total: place.total,
                ended: place.ended,
                id: &run.row.run,
                point: &run.row.point,
                epochs: run.planned.run.spec.epochs(),
            }),
            Event::Training(run, begin) => {
                let id = &run.row.run;
                self.trains_on_features(id, begin.from_features);
                if begin.is_resumed() {
                    let epochs = counted(begin.epochs.len(), "epoch");
                    let batches = counted(begin.batches, "batch");
                    self.note(&format!("{id} resumes after {epochs} and {batches}"));
                }
            }
            Event::Batch(run, batch) => self.batch_done(&run.row.run, batch),
            Event::Epoch(run, epoch) => self.epoch_done(&run.row.run, epoch),
            Event::Ended(run, _) => self.run_ended(&run.row),
            Event::Warning(text) => self.warn(text),
            Event::Note(text) => self.note(text),
            Event::Weights(..) | Event::Divided(..) | Event::Tables(_) | Event::Over(_) => {}
        }
        Ok(())
    }
}
