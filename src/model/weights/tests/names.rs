//! Whose names the tensors have, and what fits.

use super::*;

#[test]
fn torchvisions_names_become_ours_and_the_classifier_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = VGG11.to_vec();
    names.push(("classifier.0.weight", &[4, 8]));
    names.push(("classifier.6.bias", &[4]));
    let path = saved(folder.path(), &names);
    let loaded = load(&path, &only(arch("vgg11"), &vgg11())).unwrap();
    assert_eq!(loaded.len(), 8);
    assert_eq!(loaded["block1_conv1.weight"], tensor(&[2, 3, 3, 3]));
}

#[test]
fn timms_convolutional_top_becomes_dense_layers() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = VGG11.to_vec();
    names.push(("pre_logits.fc1.weight", &[4, 2, 7, 7]));
    names.push(("pre_logits.fc2.weight", &[4, 4, 1, 1]));
    names.push(("head.fc.weight", &[5, 4]));
    let path = saved(folder.path(), &names);
    let mut wanted = vgg11();
    wanted.extend(expected(&[
        ("fc1.weight", &[4, 98]),
        ("fc2.weight", &[4, 4]),
        ("predictions.weight", &[5, 4]),
    ]));
    let loaded = load(&path, &only(arch("vgg11"), &wanted)).unwrap();
    assert_eq!(loaded["fc1.weight"], tensor(&[4, 98]));
    assert_eq!(loaded["predictions.weight"], tensor(&[5, 4]));
}

#[test]
fn our_own_names_stay_and_a_head_is_allowed_where_asked() {
    let folder = tempfile::tempdir().unwrap();
    // A head layer may be called like a part of torchvision's.
    let mut names = vec![("classifier.weight", &[4, 8][..])];
    let ours = vgg11();
    names.extend(
        ours.iter()
            .map(|(name, shape)| (name.as_str(), shape.as_slice())),
    );
    let path = saved(folder.path(), &names);
    let error = load(&path, &only(arch("vgg11"), &ours)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("tensor classifier.weight is left over"),
        "{error}"
    );
    let wanted = Wanted {
        extra: true,
        ..only(arch("vgg11"), &ours)
    };
    let loaded = load(&path, &wanted).unwrap();
    assert_eq!(loaded.len(), 8);
}

#[test]
fn the_first_misfit_is_named_with_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let load = |names: &[(&str, &[usize])], wanted: &[(String, Vec<usize>)]| {
        let path = saved(folder.path(), names);
        load(&path, &only(arch("vgg11"), wanted))
            .unwrap_err()
            .to_string()
    };
    let error = load(&VGG11[1..], &vgg11());
    assert!(
        error.contains("tensor features.0.weight (block1_conv1.weight) is missing, expected with shape [2, 3, 3, 3]"),
        "{error}"
    );
    let mut other = vgg11();
    other[1].1 = vec![2, 2, 5, 5];
    let error = load(&VGG11, &other);
    assert!(
        error.contains("tensor features.3.weight (block2_conv1.weight) has shape [2, 2, 3, 3], expected [2, 2, 5, 5]"),
        "{error}"
    );
    let mut more = VGG11.to_vec();
    more.push(("features.0.extra", &[1]));
    let error = load(&more, &vgg11());
    assert!(
        error.contains("tensor features.0.extra is left over"),
        "{error}"
    );
    let mut with_top = vgg11();
    with_top.extend(expected(&[("fc1.weight", &[4, 98])]));
    let error = load(&VGG11, &with_top);
    assert!(
        error.contains("(fc1.weight) is missing") && error.contains("include_top"),
        "{error}"
    );
}

#[test]
fn names_behind_a_wrappers_prefix_are_read_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let prefixed = |prefix: &str| -> Vec<(String, &[usize])> {
        let mut names = VGG11.to_vec();
        names.push(("classifier.6.weight", &[4, 8]));
        names
            .iter()
            .map(|(name, shape)| (format!("{prefix}{name}"), *shape))
            .collect()
    };
    let save = |names: &[(String, &[usize])]| {
        let names: Vec<(&str, &[usize])> = names.iter().map(|(n, s)| (n.as_str(), *s)).collect();
        saved(folder.path(), &names)
    };
    let wanted = only(arch("vgg11"), &vgg11());
    let plain = load(&save(&prefixed("")), &wanted).unwrap();
    assert_eq!(check(&save(&prefixed("")), &wanted).unwrap(), None);
    for prefix in [
        "module.",
        "backbone.",
        "model.",
        "_orig_mod.",
        "state_dict.model.",
    ] {
        let path = save(&prefixed(prefix));
        let said = check(&path, &wanted).unwrap().unwrap();
        let first = format!("{prefix}features.0.weight is read as features.0.weight");
        assert!(
            said.contains(&first)
                || said.contains(&format!("{prefix}classifier.6.weight is read as")),
            "{said}"
        );
        assert!(
            load(&path, &wanted).unwrap().keys().eq(plain.keys()),
            "{prefix}"
        );
    }
    let mut mixed = prefixed("backbone.");
    mixed[3].0 = "features.8.weight".into();
    let error = load(&save(&mixed), &wanted).unwrap_err().to_string();
    assert!(
        error.contains(
            "the file has features.8.weight, but others of its tensors begin with `backbone.`"
        ),
        "{error}"
    );
}

#[test]
fn networks_of_other_families_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(
        folder.path(),
        &[
            ("conv1.weight", &[2, 3, 7, 7]),
            ("layer1.0.conv1.weight", &[2, 2, 1, 1]),
        ],
    );
    let error = load(&path, &only(arch("vgg11"), &vgg11()))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("looks like a ResNet, the spec says vgg11"),
        "{error}"
    );
}

#[test]
fn a_file_of_another_architecture_is_recognized() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), &VGG11);
    let wanted = expected(&[
        ("block1_conv1.weight", &[2, 3, 3, 3]),
        ("block1_conv2.weight", &[2, 2, 3, 3]),
    ]);
    let error = load(&path, &only(arch("vgg16"), &wanted))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("features.2.weight (block1_conv2.weight) is missing")
            && error.contains("the file looks like vgg11, the spec says vgg16"),
        "{error}"
    );
}

/// SqueezeNet 1.1's layers as (name, output, input channels, kernel), from its paper's table 1 as revised for 1.1.
fn squeezenet() -> Vec<(String, Vec<usize>)> {
    let mut layers = vec![("conv1".to_string(), 64, 3, 3)];
    let fires = [
        (64, 16, 64),
        (128, 16, 64),
        (128, 32, 128),
        (256, 32, 128),
        (256, 48, 192),
        (384, 48, 192),
        (384, 64, 256),
        (512, 64, 256),
    ];
    for (n, (input, squeeze, expand)) in (2..).zip(fires) {
        layers.push((format!("fire{n}.squeeze"), squeeze, input, 1));
        layers.push((format!("fire{n}.expand1x1"), expand, squeeze, 1));
        layers.push((format!("fire{n}.expand3x3"), expand, squeeze, 3));
    }
    let both = |(name, output, input, kernel): (String, usize, usize, usize)| {
        [
            (
                format!("{name}.weight"),
                vec![output, input, kernel, kernel],
            ),
            (format!("{name}.bias"), vec![output]),
        ]
    };
    layers.into_iter().flat_map(both).collect()
}

#[test]
#[cfg_attr(not(shared), ignore = "needs the real weights, which are not there")]
fn the_real_squeezenet_fits() {
    let path = shared("data/squeezenet1_1/squeezenet1_1-imagenet.safetensors");
    let loaded = load(&path, &only(arch("squeezenet1_1"), &squeezenet())).unwrap();
    assert_eq!(loaded.len(), 50);
    // torchvision's 1,235,496 parameters less the 513,000 of its classifier.
    let parameters: usize = loaded.values().map(|t| t.data.len()).sum();
    assert_eq!(parameters, 722_496);
    let file = read(&path).unwrap();
    assert_eq!(
        loaded["fire2.expand3x3.weight"],
        file.tensors["features.3.expand3x3.weight"]
    );
    assert_eq!(file.metadata["format"], "pt");
    let error = load(&path, &only(arch("vgg16"), &vgg11()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("looks like squeezenet1_1"), "{error}");
}
