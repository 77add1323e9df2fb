//! Every method. To add one is to add a file and a row.

use super::method::Method;
use super::{grad_cam, roll_out};
use crate::graph::Graph;

/// A method for a graph, or why it does not fit.
type Fit = fn(&Graph) -> Result<Box<dyn Method>, String>;

/// Every method; the first that fits a network is taken.
const METHODS: [Fit; 2] = [roll_out::of, grad_cam::of];

/// The method that fits a network.
///
/// # Errors
/// Why none does.
pub fn method(graph: &Graph) -> Result<Box<dyn Method>, String> {
    let mut reasons = Vec::new();
    for fit in METHODS {
        match fit(graph) {
            Ok(method) => return Ok(method),
            Err(why) => reasons.push(why),
        }
    }
    Err(reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Blueprint;
    use crate::spec::Spec;
    use crate::zoo;

    fn found(arch: &str, size: usize, head: &str) -> Result<(String, String), String> {
        let text = format!(
            "name = 't'\ndataset = {{ name = 'digits' }}\n\
             backbone = {{ arch = '{arch}', weights = 'random', input_size = {size} }}\n\
             head = [{head}, {{ layer = 'dense', units = 'classes' }}]"
        );
        let spec: Spec = toml::from_str(&text).unwrap();
        let method = method(&Blueprint::new(&spec, 10).unwrap().graph)?;
        Ok((method.name().to_owned(), method.place().to_owned()))
    }

    #[test]
    fn every_architecture_has_a_method_at_its_own_size() {
        for arch in zoo::CATALOG {
            let (name, place) = found(arch.name, arch.input_size, "{ layer = 'pool' }").unwrap();
            let is_transformer = arch.name.starts_with("vit") || arch.name.starts_with("deit");
            let expected = if is_transformer {
                "attention roll-out"
            } else {
                "Grad-CAM"
            };
            assert_eq!(name, expected, "{}: {place}", arch.name);
        }
    }

    #[test]
    fn the_last_map_that_all_passes_through_is_looked_at() {
        let pool = "{ layer = 'pool' }";
        for (arch, size, head, place) in [
            ("resnet18", 224, pool, "layer4 (7×7)"),
            // Its last maps have a single place.
            ("resnet18", 32, pool, "layer3 (2×2)"),
            (
                "vgg16",
                224,
                "{ layer = 'flatten' }",
                "block5_conv3 (14×14)",
            ),
            (
                "squeezenet1_1",
                224,
                "{ layer = 'global_average_pooling' }",
                "fire9 (13×13)",
            ),
            ("mobilenetv3_small_100", 224, pool, "blocks (7×7)"),
            ("tf_efficientnet_lite0", 224, pool, "bn2 (7×7)"),
            ("vit_tiny_patch16_224", 224, pool, "12 blocks (14×14)"),
        ] {
            let (_, found) = found(arch, size, head).unwrap();
            assert_eq!(found, place, "{arch} at {size}");
        }
    }

    #[test]
    fn what_no_method_fits_is_refused_with_reasons() {
        let why = found("vit_tiny_patch16_224", 224, "{ layer = 'flatten' }").unwrap_err();
        assert!(why.contains("class token"), "{why}");
        let why = found("resnet18", 2, "{ layer = 'pool' }").unwrap_err();
        assert!(why.contains("backbone.input_size"), "{why}");
    }
}
