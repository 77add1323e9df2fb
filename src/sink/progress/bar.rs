//! What bars look like, by the terminal's width.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar whose parts depend on the terminal's width.
pub(super) struct Bar {
    pub bar: ProgressBar,
    layouts: &'static [Template],
    /// The layout that it has now.
    layout: usize,
}

/// What a bar shows on terminals from so many columns on.
pub(super) struct Template {
    from: usize,
    template: &'static str,
    /// Columns left for the name of what is in progress.
    name: usize,
}

/// The message is cut where there is no room, so what matters most comes first in it.
pub(super) const EPOCH: [Template; 3] = [
    Template {
        from: 72,
        template: "{prefix} {bar:20.cyan} {pos}/{len}  {wide_msg}",
        name: 28,
    },
    Template {
        from: 56,
        template: "{prefix} {bar:8.cyan} {pos}/{len}  {wide_msg}",
        name: 24,
    },
    Template {
        from: 0,
        template: "{prefix} {pos}/{len} {wide_msg}",
        name: 18,
    },
];
pub(super) const SWEEP: [Template; 3] = [
    Template {
        from: 96,
        template: "{prefix} {bar:20.green} {elapsed} so far{wide_msg}",
        name: 44,
    },
    Template {
        from: 72,
        template: "{prefix} {bar:12.green} {elapsed} so far{wide_msg}",
        name: 24,
    },
    Template {
        from: 0,
        template: "{prefix} {elapsed}{wide_msg}",
        name: 14,
    },
];
const BYTES: &str = "{wide_msg} {bar:20.cyan} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
const ITEMS: &str = "{wide_msg} {bar:20.cyan} {pos}/{len}  {eta} left";
const NARROW_BYTES: &str = "{bytes}/{total_bytes} {wide_msg}";
const NARROW_ITEMS: &str = "{pos}/{len} {wide_msg}";
const UNKNOWN_BYTES: &str = "{bytes}  {bytes_per_sec} {wide_msg}";
const UNKNOWN_ITEMS: &str = "{pos} {wide_msg}";
/// Bars of work have all their parts from so many columns on.
const WORK: usize = 90;

/// The look of a bar for work outside of training, whose total may be known, on so many columns.
pub(super) fn work_style(has_total: bool, bytes: bool, columns: usize) -> ProgressStyle {
    let is_wide = columns >= WORK;
    style(match (has_total, bytes) {
        (true, true) if is_wide => BYTES,
        (true, true) => NARROW_BYTES,
        (true, false) if is_wide => ITEMS,
        (true, false) => NARROW_ITEMS,
        (false, true) => UNKNOWN_BYTES,
        (false, false) => UNKNOWN_ITEMS,
    })
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants, tested to be sound.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

impl Bar {
    pub fn new(bar: ProgressBar, layouts: &'static [Template], columns: usize) -> Self {
        let mut bar = Bar {
            bar,
            layouts,
            layout: usize::MAX,
        };
        bar.fit(columns);
        bar
    }

    /// Takes the layout for so many columns; how many there are for the name of what is in progress.
    pub fn fit(&mut self, columns: usize) -> usize {
        let wanted = self
            .layouts
            .iter()
            .position(|layout| columns >= layout.from);
        let wanted = wanted.unwrap_or(0);
        let layout = &self.layouts[wanted];
        if self.layout != wanted {
            self.layout = wanted;
            self.bar.set_style(style(layout.template));
        }
        layout.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_sound() {
        let layouts = EPOCH.iter().chain(&SWEEP).map(|layout| layout.template);
        let work = [
            BYTES,
            ITEMS,
            NARROW_BYTES,
            NARROW_ITEMS,
            UNKNOWN_BYTES,
            UNKNOWN_ITEMS,
        ];
        for template in layouts.chain(work) {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
