//! Batches on a GPU.

use candle_core::{Device, Tensor};

use crate::data::{Batches, Images, Normalizer, Part, Resizing};
use crate::spec::NormalizationScheme;

#[test]
fn images_on_a_gpu_are_those_of_the_host() {
    let gpu = crate::ops::open_gpu(0).unwrap();
    let values = |batch: Tensor| batch.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for channels in [1, 3] {
        let data = (0..5 * 16 * channels).map(|i| (i * 37 % 256) as u8);
        let part = Part {
            images: Images {
                data: data.collect(),
                count: 5,
                ..Images::empty(4, 4, channels)
            },
            labels: (10..15).collect(),
            files: None,
            originals: None,
            label_sets: None,
        };
        let (view, caffe) = (part.into(), Normalizer::fixed(NormalizationScheme::Caffe));
        let caffe = caffe.unwrap();
        let on = |device| {
            let batches = Batches::new(&view, &caffe, Resizing::squash(4), None, device);
            assert_eq!(
                batches.resident_batch(&[0]).unwrap().is_some(),
                device.is_cuda()
            );
            let (images, labels) = batches.batch(&[3, 0, 3], 1).unwrap();
            (values(images.to_device(&Device::Cpu).unwrap()), labels)
        };
        assert_eq!(on(&gpu), on(&Device::Cpu));
    }
}
