//! Colours for heat: dark where there is little, glowing where there is much, told apart by lightness alone.

/// Inferno at nine equal steps (matplotlib, `_cm_listed.py`; CC0).
const INFERNO: [[u8; 3]; 9] = [
    [0x00, 0x00, 0x04],
    [0x21, 0x0c, 0x4a],
    [0x56, 0x10, 0x6e],
    [0x89, 0x22, 0x6a],
    [0xbb, 0x37, 0x54],
    [0xe3, 0x59, 0x32],
    [0xf9, 0x8c, 0x0a],
    [0xf9, 0xc9, 0x32],
    [0xfc, 0xff, 0xa4],
];

/// Red, green and blue, in 0 to 255, at a place in [0, 1].
pub(super) fn color(place: f32) -> [f32; 3] {
    let last = INFERNO.len() - 1;
    let at = place.clamp(0.0, 1.0) * last as f32;
    let below = (at as usize).min(last - 1);
    let share = at - below as f32;
    std::array::from_fn(|c| {
        let (low, high) = (INFERNO[below][c], INFERNO[below + 1][c]);
        f32::from(low) + (f32::from(high) - f32::from(low)) * share
    })
}
