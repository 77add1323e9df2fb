//! Colours for amounts: the same on light pages, on dark ones and in print, told apart by lightness alone.

/// Viridis at nine equal steps (matplotlib, `_cm_listed.py`; CC0).
const VIRIDIS: [[u8; 3]; 9] = [
    [0x44, 0x01, 0x54],
    [0x47, 0x2d, 0x7b],
    [0x3b, 0x52, 0x8b],
    [0x2c, 0x72, 0x8e],
    [0x21, 0x91, 0x8c],
    [0x28, 0xae, 0x80],
    [0x5e, 0xc9, 0x62],
    [0xad, 0xdc, 0x30],
    [0xfd, 0xe7, 0x25],
];

/// The colour at a place in [0, 1], as `#rrggbb`.
pub fn color(place: f64) -> String {
    let [r, g, b] = rgb(place);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The class of text that can be read on the colour at `place`: whichever of black and white contrasts more.
pub fn ink(place: f64) -> &'static str {
    // Relative luminance, and the contrast ratio against white and black (WCAG 2.2).
    let linear = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    };
    let [r, g, b] = rgb(place).map(linear);
    let luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    match 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 {
        true => "on-dark",
        false => "on-light",
    }
}

fn rgb(place: f64) -> [u8; 3] {
    let last = VIRIDIS.len() - 1;
    let at = place.clamp(0.0, 1.0) * last as f64;
    let below = (at as usize).min(last - 1);
    let share = at - below as f64;
    let mix = |i: usize| {
        let (a, b) = (
            f64::from(VIRIDIS[below][i]),
            f64::from(VIRIDIS[below + 1][i]),
        );
        (a + (b - a) * share).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_place_is_lighter_and_its_text_darker() {
        assert_eq!((color(0.0), ink(0.0)), ("#440154".into(), "on-dark"));
        assert_eq!((color(1.0), ink(1.0)), ("#fde725".into(), "on-light"));
        let lightness = |place: f64| rgb(place).iter().map(|v| u32::from(*v)).sum::<u32>();
        let steps: Vec<u32> = (0..=8).map(|i| lightness(f64::from(i) / 8.0)).collect();
        assert!(steps.is_sorted(), "{steps:?}");
    }
}
