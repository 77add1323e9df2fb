//! From pixel values to the network's input.

use serde::{Deserialize, Serialize};

use super::view::View;
use crate::spec::{Normalization, NormalizationScheme};

/// ImageNet's mean and standard deviation of x/255, RGB; torchvision's `ImageClassification` preset.
const IMAGENET_MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f64; 3] = [0.229, 0.224, 0.225];
/// ImageNet's mean of x, BGR; `mean` in Keras's `imagenet_utils.preprocess_input(mode="caffe")`.
const CAFFE_MEAN: [f64; 3] = [103.939, 116.779, 123.68];

/// A mean or a deviation of pixel values at most.
const MOST: f64 = 1e9;

/// The order of the network's input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    Rgb,
    Bgr,
}

impl ChannelOrder {
    /// For each channel of the network's input, which channel of the RGB image it is.
    pub fn sources(self) -> [usize; 3] {
        match self {
            ChannelOrder::Rgb => [0, 1, 2],
            ChannelOrder::Bgr => [2, 1, 0],
        }
    }
}

/// The formula `(x - mean) / std` for x in 0..=255, a channel of the network's input.
///
/// Serialized (`{"order": "rgb", "mean": [..], "std": [..]}`) it is what a saved model needs to be used alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalizer {
    pub order: ChannelOrder,
    /// In the unit of x and in `order`.
    pub mean: [f64; 3],
    /// In the unit of x and in `order`.
    pub std: [f64; 3],
}

impl Normalizer {
    /// The spec's formula; `standardize` takes its numbers from `train` as stored, before augmentation and resizing.
    ///
    /// A custom `mean` or `std` of one value is taken for all channels. A standard deviation of 0 is taken as 1 (of
    /// x/255), so that a channel without variation becomes 0.
    pub fn new(spec: &Normalization, train: &View) -> Self {
        Normalizer::fixed(spec.scheme).unwrap_or_else(|| match spec.scheme {
            NormalizationScheme::Standardize => {
                let (mean, std) = mean_and_std(train);
                Normalizer::rgb(mean, std)
            }
            _ => Normalizer::rgb(per_channel(spec.mean(), 0.0), per_channel(spec.std(), 1.0)),
        })
    }

    /// The formula of a scheme that needs nothing else; none for the others.
    pub fn fixed(scheme: NormalizationScheme) -> Option<Self> {
        Some(match scheme {
            NormalizationScheme::Unit => Normalizer::rgb([0.0; 3], [1.0; 3]),
            NormalizationScheme::Symmetric => Normalizer::rgb([0.5; 3], [0.5; 3]),
            NormalizationScheme::Imagenet => Normalizer::rgb(IMAGENET_MEAN, IMAGENET_STD),
            NormalizationScheme::Caffe => Normalizer {
                order: ChannelOrder::Bgr,
                mean: CAFFE_MEAN,
                std: [1.0; 3],
            },
            NormalizationScheme::Standardize
            | NormalizationScheme::Custom
            | NormalizationScheme::Pretrained => return None,
        })
    }

    /// (x/255 - mean)/std
    pub fn rgb(mean: [f64; 3], std: [f64; 3]) -> Self {
        Normalizer {
            order: ChannelOrder::Rgb,
            mean: mean.map(|m| m * 255.0),
            std: std.map(|s| if s == 0.0 { 255.0 } else { s * 255.0 }),
        }
    }

    /// Whether the numbers are such as a spec can give.
    pub fn is_possible(&self) -> bool {
        let is_good = |value: &f64| value.abs() <= MOST;
        let can_divide = self.std.iter().all(|value| *value > 0.0);
        can_divide && self.mean.iter().chain(&self.std).all(is_good)
    }

    /// For people, of x/255: `mean 0.485 0.456 0.406, standard deviation 0.229 0.224 0.225`.
    pub fn describe(&self) -> String {
        let numbers = |values: [f64; 3]| {
            let shown = values.map(|v| format!("{}", (v / 255.0 * 1e4).round() / 1e4));
            match shown.iter().all(|v| *v == shown[0]) {
                true => shown[0].clone(),
                false => shown.join(" "),
            }
        };
        let order = match self.order {
            ChannelOrder::Rgb => "",
            ChannelOrder::Bgr => ", BGR",
        };
        let (mean, std) = (numbers(self.mean), numbers(self.std));
        format!("mean {mean}, standard deviation {std}{order}")
    }

    /// The bytes of the RGB image `[height, width, 3]` that is seen as this input; rounded.
    pub fn pixels(&self, input: &[f32]) -> Vec<u8> {
        let mut pixels = vec![0; input.len()];
        let places = pixels.as_chunks_mut::<3>().0.iter_mut();
        for (pixel, input) in places.zip(input.as_chunks::<3>().0) {
            for (c, source) in self.order.sources().into_iter().enumerate() {
                let value = f64::from(input[c]) * self.std[c] + self.mean[c];
                pixel[source] = value.round().clamp(0.0, 255.0) as u8;
            }
        }
        pixels
    }

    /// For each channel the network's input for every value of a byte: computed in f64, rounded once to f32.
    pub(super) fn tables(&self) -> [[f32; 256]; 3] {
        let value = |c: usize, x: usize| (x as f64 - self.mean[c]) / self.std[c];
        std::array::from_fn(|c| std::array::from_fn(|x| value(c, x) as f32))
    }
}

/// One value per channel, from one for all or one each.
fn per_channel(values: Option<&[f64]>, default: f64) -> [f64; 3] {
    let values = values.unwrap_or_default();
    std::array::from_fn(|c| *values.get(c).or(values.first()).unwrap_or(&default))
}

/// The mean and the population standard deviation of x/255, a channel; from exact sums.
fn mean_and_std(view: &View) -> ([f64; 3], [f64; 3]) {
    let images = &view.part().images;
    let channels = images.channels.max(1);
    let (mut sums, mut squares) = ([0u64; 3], [0u64; 3]);
    let stored = (0..view.len()).filter_map(|i| view.image(i));
    for image in stored {
        for pixel in image.chunks_exact(channels) {
            for c in 0..3 {
                let x = u64::from(pixel[c % channels]);
                sums[c] += x;
                squares[c] += x * x;
            }
        }
    }
    let n = (view.len() * images.height * images.width).max(1) as u128;
    let mean = sums.map(|sum| sum as f64 / n as f64 / 255.0);
    let std = std::array::from_fn(|c| {
        let (sum, squares) = (u128::from(sums[c]), u128::from(squares[c]));
        ((n * squares - sum * sum) as f64).sqrt() / n as f64 / 255.0
    });
    (mean, std)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Images, Part};

    fn spec(scheme: NormalizationScheme) -> Normalization {
        Normalization {
            scheme,
            ..Normalization::default()
        }
    }

    fn part(data: Vec<u8>, channels: usize) -> View {
        let count = data.len() / channels;
        Part {
            images: Images {
                data,
                count,
                ..Images::empty(1, 1, channels)
            },
            labels: vec![0; count],
            files: None,
            originals: None,
            label_sets: None,
        }
        .into()
    }

    fn inputs(spec: &Normalization, train: &View, rgb: [u8; 3]) -> [f32; 3] {
        let normalizer = Normalizer::new(spec, train);
        let tables = normalizer.tables();
        let sources = normalizer.order.sources();
        std::array::from_fn(|c| tables[c][rgb[sources[c]] as usize])
    }

    #[test]
    fn unit_is_numpys_division_to_the_bit() {
        // numpy: (np.arange(256, dtype="uint8") / 255.0).astype("float32") divides in float64 and rounds once
        let normalizer = Normalizer::new(&spec(NormalizationScheme::Unit), &View::default());
        for (x, value) in normalizer.tables()[1].iter().enumerate() {
            assert_eq!(*value, (x as f64 / 255.0) as f32);
        }
    }

    #[test]
    fn fixed_schemes_are_their_formulas() {
        let of = |scheme| inputs(&spec(scheme), &View::default(), [10, 128, 250]);
        let close = |scheme, expected: [f32; 3]| {
            for (a, e) in of(scheme).iter().zip(expected) {
                assert!(
                    (a - e).abs() <= 1e-5 * e.abs().max(1.0),
                    "{scheme} {:?}",
                    of(scheme)
                );
            }
        };
        close(
            NormalizationScheme::Symmetric,
            [-0.92156863, 0.003921569, 0.9607843],
        );
        // keras.applications.imagenet_utils.preprocess_input(np.array([[[[10., 128., 250.]]]]), mode=...):
        close(
            NormalizationScheme::Imagenet,
            [-1.9466564, 0.20518208, 2.5528543],
        );
        close(NormalizationScheme::Caffe, [146.061, 11.221001, -113.68]);
    }

    #[test]
    fn custom_takes_one_value_or_one_a_channel() {
        let custom = "scheme = 'custom'\nmean = [0.5]\nstd = [0.5, 0.25, 1.0]";
        let custom: Normalization = toml::from_str(custom).unwrap();
        assert_eq!(inputs(&custom, &View::default(), [255; 3]), [1.0, 2.0, 0.5]);
    }

    #[test]
    fn standardize_gives_mean_zero_and_deviation_one() {
        let train = part(vec![0, 10, 200, 100, 30, 200], 3);
        let spec = spec(NormalizationScheme::Standardize);
        assert_eq!(inputs(&spec, &train, [0, 10, 200]), [-1.0, -1.0, 0.0]);
        assert_eq!(inputs(&spec, &train, [100, 30, 200]), [1.0, 1.0, 0.0]);
        let grey = part(vec![0, 100], 1);
        assert_eq!(inputs(&spec, &grey, [0, 100, 50]), [-1.0, 1.0, 0.0]);
    }

    #[test]
    fn the_formula_survives_serialization() {
        let normalizer = Normalizer::new(&spec(NormalizationScheme::Caffe), &View::default());
        let json = serde_json::to_string(&normalizer).unwrap();
        assert_eq!(
            json,
            r#"{"order":"bgr","mean":[103.939,116.779,123.68],"std":[1.0,1.0,1.0]}"#
        );
        assert_eq!(
            serde_json::from_str::<Normalizer>(&json).unwrap(),
            normalizer
        );
    }
}
