//! What depends on what a spec chooses: options, monitors, numbers that 32 bits do not hold.

use super::{DIGITS, checked, written};

/// What `check` says of the digits' spec with this behind it, and flags.
fn said(rest: &str, overrides: &[&str]) -> (String, i32) {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &format!("{DIGITS}{rest}"));
    checked(&path, overrides, &[])
}

/// Each spec is refused, with these parts in what is said.
pub(super) fn refused(cases: &[(&str, &[&str], &[&str])]) {
    for (rest, overrides, parts) in cases {
        let (said, code) = said(rest, overrides);
        assert_eq!(code, 2, "{rest} {overrides:?}: {said}");
        for part in *parts {
            assert!(said.contains(part), "{part} is not in: {said}");
        }
    }
}

#[test]
fn numbers_that_are_0_or_1_in_32_bits_are_refused() {
    refused(&[
        (
            "",
            &["optimizer.learning_rate=1e-50"],
            &[
                "`optimizer.learning_rate` must be a finite number greater than 0",
                "not 1e-50, which is 0 in 32 bits",
            ],
        ),
        ("", &["optimizer.epsilon=1e-60"], &["which is 0 in 32 bits"]),
        (
            "",
            &["optimizer.beta_1=0.9999999999"],
            &["less than 1", "which is 1 in 32 bits"],
        ),
        (
            "",
            &["sweep.axes.\"optimizer.beta_2\"=[0.99999999999]"],
            &["which is 1 in 32 bits"],
        ),
    ]);
}

#[test]
fn an_option_of_something_else_shows_where_it_stands_below_an_axis_with_a_table() {
    let rest = "[optimizer]\nname = \"sgd\"\nmomentum = 0.9\n[sweep.axes]\noptimizer = [{ name = \"adam\" }]\n";
    refused(&[(
        rest,
        &[],
        &["a.toml:15:12", "^^^", "`momentum` is no option of adam"],
    )]);
}

#[test]
fn what_a_choice_on_an_axis_needs_shows_at_the_axis() {
    let rest = "[sweep.axes]\n\"optimizer.schedule.kind\" = [\"cosine\", \"step\"]\n";
    refused(&[(
        rest,
        &[],
        &[
            "a.toml:14:40",
            "^^^^^^",
            "the step schedule needs `step_epochs`",
        ],
    )]);
}

#[test]
fn a_flag_that_makes_a_table_of_a_name_is_blamed_itself() {
    let rest = "[optimizer]\nname = \"sgd\"\n";
    let parts = [
        "`optimizer.name` must be one of",
        "not a table",
        "--> --set optimizer.name.x=1",
    ];
    refused(&[(rest, &["optimizer.name.x=1"], &parts)]);
}

#[test]
fn a_watched_metric_that_is_there_but_no_single_value_is_called_so() {
    let metrics = "training.metrics=[accuracy, per_class]";
    let monitor = "training.early_stopping.monitor=val_per_class";
    refused(&[(
        "",
        &[metrics, monitor],
        &["is a value for each class", "\"val_accuracy\""],
    )]);
}

#[test]
fn the_validation_metric_is_suggested_where_it_may_be_meant() {
    for (monitor, meant) in [
        ("validation_accuracy", "did you mean \"val_accuracy\"?"),
        ("val_acuracy", "did you mean \"val_accuracy\"?"),
        (
            "acuracy",
            "did you mean \"val_accuracy\", of validation images, or \"accuracy\"?",
        ),
    ] {
        let monitor = format!("training.early_stopping.monitor={monitor}");
        refused(&[("", &[&monitor], &[meant])]);
    }
}

#[test]
fn options_of_what_a_later_file_or_flag_replaces_are_left_out_and_named() {
    let base = "[optimizer]\nname = \"sgd\"\nmomentum = 0.9\nlearning_rate = 0.05\nschedule = { kind = \"step\", step_epochs = 3 }\n";
    let flags = ["optimizer.name=adam", "optimizer.schedule.kind=cosine"];
    let (shown, code) = said(base, &flags);
    assert_eq!(code, 0, "{shown}");
    for part in [
        "`optimizer.momentum` of ",
        "a.toml:15:12 is left out: it is no option of adam",
        "`optimizer.schedule.step_epochs` of ",
    ] {
        assert!(shown.contains(part), "{part} is not in: {shown}");
    }
    assert!(!shown.contains("learning_rate` of"), "{shown}");

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("base.toml"), format!("{DIGITS}{base}")).unwrap();
    let child = "extends = \"base.toml\"\n[optimizer]\nname = \"adam\"\n";
    let (shown, code) = checked(&written(folder.path(), child), &[], &[]);
    assert!(
        code == 0 && shown.contains("`optimizer.momentum` of"),
        "{shown}"
    );
    // In one and the same file nothing is left out.
    let child = format!("{child}nesterov = true\n");
    let (shown, code) = checked(&written(folder.path(), &child), &[], &[]);
    assert!(
        code == 2 && shown.contains("`nesterov` is no option of adam"),
        "{shown}"
    );
}

#[test]
fn numbers_of_channels_belong_to_custom_and_are_one_or_three() {
    let of = |rest: &str| format!("[normalization]\n{rest}\n");
    let custom = |rest: &str| of(&format!("scheme = \"custom\"\n{rest}"));
    let mean = custom("mean = [0.5, 0.5]\nstd = [0.5]");
    let std = custom("mean = [0.5]\nstd = [0.5, 0.5, 0.0]");
    let foreign = of("mean = [0.5]");
    let missing = custom("mean = [0.5]");
    refused(&[
        (
            &mean,
            &[],
            &[
                "a.toml:15:8",
                "`normalization.mean` must have 1 value, or 3",
            ],
        ),
        (
            &std,
            &[],
            &[
                "a.toml:16:18",
                "`normalization.std.2` must be a finite number",
            ],
        ),
        (
            &foreign,
            &[],
            &["`mean` is no option of scheme = \"unit\"; it belongs to custom"],
        ),
        (
            &missing,
            &[],
            &["scheme = \"custom\" needs `std`", "`std = [0.5, 0.5, 0.5]`"],
        ),
    ]);
    let crop = "[resize]\nmethod = \"pad\"\ncrop = 0.5\n";
    let interpolation = "[resize]\nmethod = \"pretrained\"\ninterpolation = \"bicubic\"\n";
    refused(&[
        (
            crop,
            &[],
            &["`crop` is no option of resize.method = \"pad\"; it belongs to crop"],
        ),
        (interpolation, &[], &["it belongs to squash, crop and pad"]),
    ]);
    let (shown, code) = said(crop, &["resize.method=crop"]);
    assert!(code == 0 && !shown.contains("left out"), "{shown}");
}
