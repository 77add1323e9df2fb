//! What is wrong with a table is said by `check`, with its file and line.

use super::*;

/// Checks that a table with a change is refused, and what is said.
fn refused(change: impl Fn(&Path, String) -> Vec<u8>, more: &str, says: &[&str]) {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    table(root, "label,split,patient", |i| {
        format!("{},{},p{}", insect(i), part(i), i / 3)
    });
    let text = fs::read_to_string(root.join("labels.csv")).unwrap();
    fs::write(root.join("labels.csv"), change(root, text)).unwrap();
    assert_refused(root, &spec(more), &[], says);
}

fn replaced(from: &'static str, to: &'static str) -> impl Fn(&Path, String) -> Vec<u8> {
    move |_, text| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to).into_bytes()
    }
}

const SPLIT: &str = "split_column = \"split\"";

#[test]
fn columns_that_are_not_there() {
    let says = [
        "has no column \"label\"; its columns are image, labels, split, patient",
        "did you mean `dataset.label_column = \"labels\"`?",
    ];
    refused(replaced("image,label,", "image,labels,"), "", &says);
    let says = ["e.toml:5:16", "has no column \"part\""];
    refused(replaced("", ""), "split_column = \"part\"", &says);
    let says = ["its first line must name the columns"];
    refused(replaced("image,label,split,patient\n", ""), "", &says);
    let says = ["has 2 columns of the name \"label\""];
    refused(replaced("label,split", "label,label"), "", &says);
}

#[test]
fn rows_that_are_not_as_they_should_be() {
    let says = [
        "2 rows with other than 4 values, as the first line of",
        "labels.csv has: line 4 has 5; line 6 has 3",
    ];
    let change = |_: &Path, text: String| {
        let text = text.replace("002.png,wasp,Train,p0", "002.png,wasp,Train,p0,");
        text.replace("004.png,ant,Train,p1", "004.png,ant,Train")
            .into_bytes()
    };
    refused(change, "", &says);
    let says = ["1 row with no label in column \"label\": labels.csv line 3"];
    refused(replaced("001.png,ant", "001.png,"), "", &says);
    let says = [
        "3 rows with no part in column \"split\": labels.csv line 20: \"holdout\"; labels.csv line 21",
    ];
    let change = |_: &Path, text: String| {
        let change = |line: &str| match line.contains(",p6") {
            true => line.replace(",val,", ",holdout,"),
            false => line.to_owned(),
        };
        let lines: Vec<String> = text.lines().map(change).collect();
        lines.join("\n").into_bytes()
    };
    refused(change, SPLIT, &says);
    let says = [
        "labels.csv line 3: a byte (0xe9) that is not UTF-8",
        "iconv",
    ];
    let change = |_: &Path, text: String| {
        let at = text.find("ant").unwrap();
        let mut bytes = text.into_bytes();
        bytes[at] = 0xe9;
        bytes
    };
    refused(
        change,
        "",
        &["line 3: a byte (0xe9) that is not UTF-8", says[1]],
    );
    let wide = |_: &Path, text: String| {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    refused(wide, "", &["is written in UTF-16"]);
    refused(|_, _| Vec::new(), "", &["labels.csv: is empty"]);
    refused(
        |_, _| b"image,label\n".to_vec(),
        "",
        &["labels.csv: has no rows"],
    );
}

#[test]
fn images_that_are_not_there_or_there_twice() {
    let missing = |root: &Path, text: String| {
        fs::remove_file(root.join("photos/001.png")).unwrap();
        fs::remove_file(root.join("photos/029.png")).unwrap();
        text.into_bytes()
    };
    let says = [
        "2 rows with an image that is not in",
        "labels.csv line 3: \"photos/001.png\"; labels.csv line 31: \"photos/029.png\"",
    ];
    refused(missing, "", &says);
    let moved = |_: &Path, text: String| text.replace("photos/", "").into_bytes();
    refused(
        moved,
        "",
        &["\"000.png\" is in", "photos: set `dataset.images` to it"],
    );
    let twice =
        |_: &Path, text: String| format!("{text}photos/000.png,ant,Train,p0\n").into_bytes();
    let says = ["labels.csv line 2 and labels.csv line 32: \"photos/000.png\" is bee and ant"];
    refused(twice, "", &says);
    let copied = |root: &Path, text: String| {
        fs::copy(root.join("photos/000.png"), root.join("photos/027.png")).unwrap();
        text.into_bytes()
    };
    let says = [
        "1 row with an image that is in another part, too, to the byte",
        "\"photos/027.png\" (test, labels.csv line 29) is \"photos/000.png\" (training, labels.csv line 2)",
    ];
    refused(copied, SPLIT, &says);
    let video = |root: &Path, text: String| {
        fs::write(root.join("photos/a.mp4"), b"\0\0\0\x18ftypmp42").unwrap();
        text.replace("photos/000.png", "photos/a.mp4").into_bytes()
    };
    refused(video, "", &["\"photos/a.mp4\" (a video; only JPEG, PNG"]);
}

#[test]
fn labels_that_nothing_can_be_learned_of() {
    let says = ["column \"patient\" has one class only"];
    let one = |_: &Path, text: String| {
        let lines = text.lines().map(|line| match line.rsplit_once(',') {
            Some((rest, patient)) if patient != "patient" => format!("{rest},p0"),
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n").into_bytes()
    };
    refused(one, "label_column = \"patient\"", &says);
    let says = ["column \"image\" has another label in each of its 30 rows"];
    refused(replaced("", ""), "label_column = \"image\"", &says);
    let says = ["holds numbers with decimals, which are no classes: line 3: 1.5"];
    let measured = |_: &Path, text: String| {
        let text = text.replace(",bee,", ",1.0,").replace(",ant,", ",1.5,");
        text.replace(",wasp,", ",2.0,").into_bytes()
    };
    refused(measured, "", &says);
    let says = [
        "class \"moth\" is in the test part and has no training image",
        "line 31",
    ];
    refused(replaced("029.png,wasp", "029.png,moth"), SPLIT, &says);
}

#[test]
fn groups_that_cannot_be_kept_together() {
    let says = [
        "1 row with another part than an earlier row of the same patient",
        "line 2 (training) and labels.csv line 31 (test)",
    ];
    let more = format!("{SPLIT}\ngroup_column = \"patient\"");
    refused(
        replaced(
            "TEST,p9\nphotos/029.png,wasp,TEST,p9",
            "TEST,p9\nphotos/029.png,wasp,TEST,p0",
        ),
        &more,
        &says,
    );
    let says = [
        "`dataset.validation = \"group\"` needs `dataset.group_column`",
        "group_column = \"patient\"",
    ];
    refused(replaced("", ""), "validation = \"group\"", &says);
    let one = |_: &Path, text: String| {
        let lines = text.lines().map(|line| match line.rsplit_once(',') {
            Some((rest, patient)) if patient != "patient" => format!("{rest},p0"),
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n").into_bytes()
    };
    let says =
        ["cannot hold out a group: all images left for training are of one, by column \"patient\""];
    refused(
        one,
        "validation = \"group\"\ngroup_column = \"patient\"",
        &says,
    );
}

#[test]
fn keys_of_a_table_belong_to_it() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path();
    photos(&root.join("photos/a"), 4);
    photos(&root.join("photos/b"), 4);
    let folder = PHOTOS.replace("path =", "label_column = \"x\"\npath =");
    let says = [
        "e.toml:4:",
        "`label_column` is no option of image_folder; it belongs to table",
    ];
    assert_refused(root, &folder, &[], &says);
    table(root, "label", |i| insect(i).into());
    let says = ["is left out: it is no option of digits"];
    let other = spec("label_column = \"label\"").replace("path = \"labels.csv\"\n", "");
    assert_checks(root, &other, &["dataset.name=digits"], &says);
    let none = spec("").replace("path = \"labels.csv\"", "");
    assert_refused(root, &none, &[], &["a table needs `dataset.path`"]);
    assert_refused(
        root,
        &spec(""),
        &["dataset.path=nowhere.csv"],
        &["nowhere.csv does not exist"],
    );
    assert_refused(
        root,
        &spec(""),
        &["dataset.path=nowhere/*.csv"],
        &["nowhere/*.csv: no file is there"],
    );
    assert_refused(
        root,
        &spec(""),
        &["dataset.path=photos"],
        &["photos: has no Parquet file"],
    );
    assert_refused(
        root,
        &spec(""),
        &["dataset.path=."],
        &["set dataset.path to the table itself, e.g. labels.csv"],
    );
}
