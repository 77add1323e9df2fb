//! Datasets: keys, tables and folders that are not what they should be, each at its place and with what would be right.

use std::fs;
use std::path::Path;

use super::{checked, written};

const REST: &str = r#"
[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32
[freeze]
through = "all"
[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
[training]
epochs = 1
"#;

/// Twelve photos in `photos/ant` and `photos/bee`, the same in `flat`, and `labels.csv` with their labels, parts and patients.
fn data(folder: &Path) {
    let mut rows = String::from("image,label,split,patient\n");
    fs::create_dir(folder.join("flat")).unwrap();
    for i in 0..12u8 {
        let class = ["ant", "bee"][i as usize % 2];
        let part = if i < 8 { "train" } else { "test" };
        let photos = folder.join("photos").join(class);
        fs::create_dir_all(&photos).unwrap();
        let photo = image::RgbImage::from_pixel(4, 4, image::Rgb([i, 7, 9]));
        photo.save(photos.join(format!("{i}.png"))).unwrap();
        photo.save(folder.join(format!("flat/{i}.png"))).unwrap();
        rows += &format!("{i}.png,{class},{part},{}\n", i / 2);
    }
    fs::write(folder.join("labels.csv"), rows).unwrap();
    fs::write(folder.join("photos.tar"), [0; 1024]).unwrap();
}

/// What stands below `[dataset]`, where the message points to (line and column), and its parts.
type Case = (&'static str, &'static str, &'static [&'static str]);

fn refused(dataset: &str, cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    data(folder.path());
    for (more, at, parts) in cases {
        let text = format!("[dataset]\n{dataset}{more}\n{REST}");
        let path = written(folder.path(), &text);
        let (said, code) = checked(&path, &[], &[]);
        assert_eq!(code, 2, "{more}: {said}");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let place = format!("a.toml:{at}");
        for part in parts.iter().copied().chain([&*place]) {
            assert!(said.contains(part), "{more}: \"{part}\" is not in: {said}");
        }
    }
}

#[test]
fn of_folders() {
    let cases: &[Case] = &[
        (
            "validation_split = 1.0",
            "4:20",
            &["at least 0 and less than 1, not 1"],
        ),
        (
            "validation_split = \"10%\"",
            "4:20",
            &["must be a number, not the text \"10%\""],
        ),
        (
            "test_split = 0.99",
            "4:14",
            &["`dataset.test_split` leaves no training image", "lower it"],
        ),
        ("folds = 1", "4:9", &["at least 2 and at most 1,000, not 1"]),
        (
            "folds = 3\nfold = 3",
            "5:8",
            &["folds are counted from 0 to 2"],
        ),
        (
            "fold = 1",
            "4:8",
            &["needs `dataset.folds`", "add `folds = 5`"],
        ),
        ("folds = 20", "4:9", &["but there are 12 training images"]),
        (
            "validation = \"group\"",
            "4:14",
            &[
                "needs `dataset.group_column`",
                "datasets that can: table, hub, webdataset",
            ],
        ),
        (
            "validation = \"stratify\"",
            "4:14",
            &["did you mean \"stratified\"?"],
        ),
        (
            "image_column = \"x\"",
            "4:16",
            &["no option of image_folder; it belongs to table, hub and webdataset"],
        ),
        (
            "classes = [\"ant\"]",
            "4:11",
            &["there must be at least 2 classes"],
        ),
        (
            "classes = [\"ant\", \"wasp\"]",
            "4:19",
            &["there is no class \"wasp\"", "the classes are ant, bee"],
        ),
        (
            "train_limit = 0",
            "4:15",
            &["at least 1 and at most 1,000,000,000, not 0"],
        ),
        (
            "memory = \"lots\"",
            "4:10",
            &["\"lots\" is not a size", "\"8GiB\""],
        ),
        (
            "on_bad_image = \"ignore\"",
            "4:16",
            &["valid values: \"error\", \"skip\""],
        ),
        (
            "multi_label = true",
            "4:15",
            &["one label each; `dataset.multi_label` is for table, hub, webdataset"],
        ),
    ];
    refused("name = \"image_folder\"\npath = \"photos\"\n", cases);
}

#[test]
fn of_tables() {
    let cases: &[Case] = &[
        (
            "label_column = \"Label\"",
            "5:16",
            &[
                "has no column \"Label\"",
                "did you mean `dataset.label_column = \"label\"`?",
            ],
        ),
        (
            "split_column = \"patient\"",
            "5:16",
            &[
                "12 rows with no part in column \"patient\": labels.csv line 2: \"0\"",
                "train, validation (val",
            ],
        ),
        (
            "label_column = \"image\"",
            "5:16",
            &["has another label in each of its 12 rows"],
        ),
        (
            "image_column = \"label\"",
            "3:8",
            &[
                "12 rows with an image that is not in",
                "labels.csv line 2: \"ant\"",
            ],
        ),
        (
            "test_split = 0.2\nsplit_column = \"split\"",
            "5:14",
            &["table has a test part of its own"],
        ),
        (
            "image = \"flat\"",
            "5:1",
            &["unknown key `image`", "did you mean `images`?"],
        ),
        (
            "label_separator = \"|\"",
            "5:19",
            &[
                "is for images with several labels",
                "add `multi_label = true`",
            ],
        ),
        (
            "multi_label = true",
            "19:2",
            &[
                "set `loss = \"binary_crossentropy\"`",
                "activation = \"sigmoid\"",
            ],
        ),
    ];
    refused(
        "name = \"table\"\npath = \"labels.csv\"\nimages = \"flat\"\n",
        cases,
    );
}

#[test]
fn of_shards_and_of_what_is_no_dataset() {
    let cases: &[Case] = &[
        (
            "name = \"webdataset\"",
            "1:2",
            &["needs `dataset.path`", "a pattern as train-*.tar"],
        ),
        (
            "name = \"webdataset\"\npath = \"gone.tar\"",
            "3:8",
            &["gone.tar does not exist"],
        ),
        (
            "name = \"webdataset\"\npath = \"photos.tar\"",
            "3:8",
            &["photos.tar: has no rows"],
        ),
        (
            "name = \"webdataset\"\npath = \"photos\"",
            "3:8",
            &["photos: has no tar file"],
        ),
        (
            "name = \"webdataset\"\npath = \"photos.tar\"\nimages = \"x\"",
            "4:10",
            &["no option of webdataset; it belongs to table"],
        ),
        (
            "name = \"table\"",
            "1:2",
            &["needs `dataset.path`", "a CSV, TSV or Parquet file"],
        ),
        (
            "name = \"hub\"",
            "2:8",
            &["needs `dataset.repository`", "ethz/food101"],
        ),
        (
            "name = \"imagefolder\"\npath = \"photos\"",
            "2:8",
            &["did you mean \"image_folder\"?"],
        ),
        (
            "path = \"photos\"",
            "1:2",
            &["the key `name` is missing in [dataset]"],
        ),
    ];
    refused("", cases);
}
