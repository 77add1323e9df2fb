//! What answers rest on, against timm and PyTorch.

use runner::explain::method;

use super::{computed, images};

/// Of timm 1.0.31 with PyTorch 2.15.0 in float64, beside `timm_step.py`: `model` and `x` as in `widths.rs`, in evaluation, of
/// the first image (a ViT with `img_size=64`).
/// ```python
/// def grad_cam(model, x, c):
///     f = model.forward_features(x).detach().requires_grad_()
///     g, = torch.autograd.grad(model.forward_head(f)[0, c], f)
///     return torch.relu((g.mean((2, 3), keepdim=True) * f).sum(1))[0]
///
/// def roll_out(model, x):
///     result, kept = None, []
///     for b in model.blocks: b.attn.qkv.register_forward_hook(lambda m, i, o: kept.append(o))
///     model(x)
///     for block, qkv in zip(model.blocks, kept):
///         n, t, _ = qkv.shape
///         q, k, v = qkv.reshape(n, t, 3, block.attn.num_heads, -1).permute(2, 0, 3, 1, 4)
///         a = (q @ k.transpose(-2, -1) * block.attn.scale).softmax(-1).mean(1)[0] + torch.eye(t, dtype=q.dtype)
///         a = a / a.sum(-1, keepdim=True)
///         result = a if result is None else a @ result
///     return result[0, 1:].reshape(4, 4)
/// ```
#[test]
fn heat_is_that_of_timm_and_pytorch() {
    let cases: [(&str, usize, usize, &[f32]); 4] = [
        (
            "resnet18",
            96,
            3,
            &[
                0.06209515,
                0.004863548,
                0.0,
                0.0,
                0.0,
                0.006263209,
                0.03599645,
                0.0,
                0.01889197,
            ],
        ),
        (
            "efficientnet_b0",
            96,
            3,
            &[
                0.002998792,
                0.002664203,
                0.00241464,
                0.002729612,
                0.002182888,
                0.002430934,
                0.003323541,
                0.003122915,
                0.003581175,
            ],
        ),
        (
            "convnext_tiny",
            96,
            7,
            &[
                0.0, 0.2184602, 0.1168554, 0.0, 0.0, 0.0412198, 0.1689765, 0.0, 0.09365869,
            ],
        ),
        (
            "vit_tiny_patch16_224",
            64,
            0,
            &[
                0.06778762, 0.05460739, 0.05835484, 0.04861589, 0.05710735, 0.06839409, 0.05074713,
                0.0600265, 0.06029563, 0.05755066, 0.05786856, 0.04970812, 0.07326226, 0.06511435,
                0.06718476, 0.0514484,
            ],
        ),
    ];
    for (arch, size, class, expected) in cases {
        let (network, image) = (computed(arch, size, ""), images(1, size, 1));
        let method = method(&network.blueprint.graph).unwrap();
        let heat = method.heat(&network, &image, class).unwrap();
        assert_eq!(heat.height * heat.width, expected.len(), "{arch}");
        let most = expected.iter().copied().fold(0.0, f32::max);
        for (found, expected) in heat.values.iter().zip(expected) {
            let off = (found - expected).abs() / most;
            assert!(off < 1e-4, "{arch}: {found}, not {expected}");
        }
    }
}
