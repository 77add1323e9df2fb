use super::*;
use crate::fetch::NoProgress;
use std::time::Instant;
struct S;
impl Source for S { fn files(&self, _: DatasetName) -> Result<PathBuf, Box<dyn std::error::Error + Send + Sync>> { Err("x".into()) } }
fn spec(limit: Option<usize>) -> Dataset {
    let mut d: Dataset = toml::from_str("name='cifar10'\npath='/work/shared/data/cifar10'").unwrap();
    d.train_limit = limit; d.test_limit = limit; d
}
#[test]
fn speed() {
    for l in [None, Some(2000)] {
    let t = Instant::now();
    let d = load(&spec(l), 32, 0, &S, &NoProgress).unwrap();
    println!("load {l:?} {:?} {} {} {}", t.elapsed(), d.train.len(), d.validation.len(), d.test.len());
    println!("{:?} {:?}", &d.train.labels[..5], &d.train.images.data[..10]);
    if l.is_some() { std::fs::write("/tmp/claude_data_px.bin", &d.train.images.data).unwrap(); continue }
    let n = Normalizer::new(&Default::default(), &d.train);
    let aug = crate::spec::Augmentation { horizontal_flip: true, random_crop_padding: 4 };
    for (size, a) in [(32, None), (32, Some((&aug, 0))), (64, None), (224, None)] {
        let b = Batches::new(&d.train, &n, size, a, &candle_core::Device::Cpu);
        let t = Instant::now();
        let m = if size == 32 { 45000 } else { 3200 };
        for c in order(0, 1, m, true).chunks(32) { b.batch(c, 1).unwrap(); }
        println!("{size} {}: {:.0}/s", a.is_some(), m as f64 / t.elapsed().as_secs_f64());
    }
    let t = Instant::now();
    let z = crate::spec::Normalization { scheme: crate::spec::NormalizationScheme::Standardize, ..Default::default() };
    println!("{:?} {:?}", Normalizer::new(&z, &d.train), t.elapsed());
    }
}
