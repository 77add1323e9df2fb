//! `[augmentation]`.

use super::chosen::refused;

#[test]
fn augmentations_out_of_their_range_are_refused_at_their_key() {
    let cases = [
        (
            "rotation = 200\n",
            "`augmentation.rotation` must be a finite number, at least 0.0 and at most 180.0",
            "14:12",
        ),
        (
            "random_erasing = 1.5\n",
            "`augmentation.random_erasing` must be a finite number, at least 0.0 and at most 1.0",
            "14:18",
        ),
        (
            "color_jitter = { hue = 0.6 }\n",
            "`augmentation.color_jitter.hue` must be a finite number, at least 0.0 and at most 0.5",
            "14:24",
        ),
        (
            "color_jitter = { brigthness = 0.6 }\n",
            "did you mean `brightness`",
            "14:18",
        ),
        (
            "random_resized_crop = { scale = [0.5, 1.5] }\n",
            "`augmentation.random_resized_crop.scale.1` must be",
            "14:39",
        ),
        (
            "random_resized_crop = { ratio = [0, 1] }\n",
            "`augmentation.random_resized_crop.ratio.0` must be",
            "14:34",
        ),
        (
            "random_resized_crop = { scale = [1.0, 0.5] }\n",
            "is [smallest, largest]; 1 is larger than 0.5",
            "14:33",
        ),
        (
            "views = 4\n",
            "nothing in [augmentation] changes them",
            "14:9",
        ),
        (
            "mixup = -0.1\n",
            "`augmentation.mixup` must be a finite number, 0 or more",
            "14:9",
        ),
        (
            "views = 4\ncutmix = 1.0\n",
            "mixup and cutmix mix each batch anew",
            "14:9",
        ),
        (
            "random_resized_crop = true\n",
            "random_resized_crop",
            "14:23",
        ),
    ];
    for (line, message, place) in cases {
        let rest = format!("[augmentation]\n{line}");
        refused(&[(&rest, &[], &[message, &format!("a.toml:{place}")])]);
    }
}
