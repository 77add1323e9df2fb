//! Colours and marks that readers can tell apart, also without colour.

use plotters::style::RGBColor;

pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const MUTED: RGBColor = RGBColor(0x66, 0x66, 0x66);
pub(super) const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
pub(super) const FRAME: RGBColor = RGBColor(0x99, 0x99, 0x99);

/// Okabe and Ito's palette for colour-blind readers without its yellow, which is too faint on white
/// (<https://jfly.uni-koeln.de/color/>).
const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
];

const MARKS: [Mark; 6] = [
    Mark::Circle,
    Mark::Square,
    Mark::Triangle,
    Mark::Diamond,
    Mark::Ring,
    Mark::Cross,
];

/// The shape at a line's points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
    Ring,
    Cross,
}

/// How a series looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    pub color: RGBColor,
    pub mark: Mark,
    pub dashed: bool,
    /// In pixels.
    pub width: u32,
    /// In [0, 1].
    pub opacity: f64,
}

impl Look {
    /// The look of the n-th series; the first 42 differ, neighbours in both colour and mark.
    pub(super) fn nth(n: usize) -> Self {
        Look {
            color: PALETTE[n % PALETTE.len()],
            mark: MARKS[n % MARKS.len()],
            dashed: false,
            width: 2,
            opacity: 1.0,
        }
    }

    /// The same as a dashed line; a lone point is a ring.
    pub(super) fn dashed(self) -> Self {
        Look {
            dashed: true,
            mark: Mark::Ring,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_two_series_look_different() {
        let looks: Vec<Look> = (0..42).map(Look::nth).collect();
        for (i, a) in looks.iter().enumerate() {
            assert!(
                looks[..i]
                    .iter()
                    .all(|b| (a.color, a.mark) != (b.color, b.mark)),
                "{i}"
            );
        }
    }
}
