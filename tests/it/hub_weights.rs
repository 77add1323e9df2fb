//! `backbone.weights = "timm/…"`: what its name says is checked before anything is downloaded.

use crate::common;
use crate::common::{runner, said};

const DIGITS: &str = "[dataset]\nname = \"digits\"\n[backbone]\n";

/// What `check` says of a spec with this backbone, and its exit status.
fn check(backbone: &str, head: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("{DIGITS}{backbone}\n{head}");
    common::write(folder.path(), "e.toml", &spec);
    let output = runner(folder.path()).args(["check", "e.toml"]).output();
    let output = output.unwrap();
    (output.status.code(), said(&output))
}

const HEAD: &str = "[[head]]\nlayer = \"pool\"\n[[head]]\nlayer = \"dense\"\nunits = \"classes\"\nactivation = \"softmax\"";

#[test]
fn weights_of_another_architecture_or_nobody_are_refused_with_what_there_is() {
    for (weights, says) in [
        (
            "timm/resnet18.a1_in1k",
            &[
                "are weights of resnet18, and `backbone.arch` is resnet50",
                "timm/resnet50.a1_in1k",
            ][..],
        ),
        ("timm/swin_tiny.ms_in1k", &["are weights of swin_tiny"]),
        (
            "timm/resnet50.a1_in1",
            &[
                "no repository of timm's",
                "did you mean \"timm/resnet50.a1_in1k\"?",
            ],
        ),
        ("timm/", &["does not exist"]),
        ("timm/../secrets", &["does not exist"]),
        ("timm/resnet50.pth", &["does not exist"]),
    ] {
        let (status, said) = check(
            &format!("arch = \"resnet50\"\nweights = \"{weights}\""),
            HEAD,
        );
        assert_eq!(status, Some(2), "{weights}: {said}");
        assert!(said.contains("weights = \"timm/"), "at its place: {said}");
        for part in says {
            assert!(said.contains(part), "{weights}: {part} is not in {said}");
        }
    }
}

#[test]
fn their_revision_and_their_images_preparation_are_shown() {
    let rest = "[normalization]\nscheme = \"pretrained\"\n[resize]\nmethod = \"pretrained\"\n";
    let backbone = "arch = \"vit_small_patch16_224\"\nweights = \"timm/vit_small_patch16_224.dino@1a2b3c\"\ninput_size = 224";
    let (status, said) = check(backbone, &format!("{rest}{HEAD}"));
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("timm/vit_small_patch16_224.dino@1a2b3c (at 1a2b3c, as it is when"),
        "{said}"
    );
    assert!(
        said.contains("pretrained: timm/vit_small_patch16_224.dino"),
        "{said}"
    );
}

#[test]
fn a_classifier_that_the_weights_do_not_have_is_found_before_the_download() {
    let folder = tempfile::tempdir().unwrap();
    let spec = format!(
        "{DIGITS}arch = \"vit_small_patch14_dinov2\"\ninput_size = 518\ninclude_top = true\n"
    );
    common::write(folder.path(), "e.toml", &spec);
    let output = runner(folder.path())
        .args(["predict", "e.toml", "x.png"])
        .output()
        .unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("timm/vit_small_patch14_dinov2.lvd142m have no classifier"),
        "{said}"
    );
}

#[test]
fn repositories_in_other_spellings_are_answered_with_the_right_one() {
    let backbone = |weights: &str| format!("arch = \"resnet18\"\nweights = \"{weights}\"");
    for weights in [
        "Timm/resnet18.a1_in1k",
        "timm/resnet18.a1_in1k@",
        "timm/resnet18.a1_in1k/",
        "hf-hub:timm/resnet18.a1_in1k",
        "https://huggingface.co/timm/resnet18.a1_in1k",
        "https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors",
        "microsoft/resnet-18",
        "timm/resnt18.a1_in1k",
    ] {
        let (status, said) = check(&backbone(weights), HEAD);
        assert_eq!(status, Some(2), "{weights}: {said}");
        let meant = "did you mean \"timm/resnet18.a1_in1k\"?";
        assert!(said.contains(meant), "{weights}: {said}");
        assert!(!said.contains("weights of resnt18"), "{said}");
    }
    let (status, said) = check(&backbone("timm/resnet18.a1_in1k"), HEAD);
    assert_eq!(status, Some(0), "{said}");
    let (_, said) = check(&backbone("Timm/resnet18.a1_in1k@1a2b3c"), HEAD);
    assert!(said.contains("\"timm/resnet18.a1_in1k@1a2b3c\"?"), "{said}");
    // Of timm's, and not built here.
    let (_, said) = check(&backbone("timm/resnet26.bt_in1k"), HEAD);
    assert!(said.contains("are weights of resnet26"), "{said}");
}
