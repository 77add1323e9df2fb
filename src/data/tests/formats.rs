//! Every format that is read, to Pillow's pixels.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use crate::data::decode::decode_upright;
use crate::text::hex;

/// Files that Pillow 13.0 wrote, width and height, and the MD5 of `numpy.asarray(image.convert("RGB")).tobytes()`:
///
/// ```python
/// x = Image.fromarray((np.arange(324).reshape(9, 12, 3) * 37 % 251).astype("uint8"))
/// g = np.add.outer(np.arange(16) * 6, np.arange(20) * 7)[..., None].repeat(3, 2).astype("uint8")
/// g = Image.fromarray(g // np.array([1, 2, 3], dtype="uint8"))
/// g.save("lossy.webp", quality=80); x.save("a.webp", lossless=True)
/// first, second = x.quantize(8), g.resize((12, 9)).quantize(8)
/// first.save("a.gif", save_all=True, append_images=[second], transparency=3)
/// x.quantize(16).save("a.bmp"); x.save("a.tif", compression="tiff_lzw"); x.convert("CMYK").save("inks.tif")
/// x.convert("L").save("grey.tif", compression="tiff_deflate"); g.convert("CMYK").save("inks.jpg", quality=90)
/// ```
#[rustfmt::skip]
const FILES: [(&str, (u32, u32), &str, &str); 8] = [
    (
        "a lossy WebP",
        (20, 16),
        "f46a6018dd0205ee20fb155b713286e3",
        "UklGRmQAAABXRUJQVlA4IFgAAABQBACdASoUABAAPm0skkWkIqGYBABABsSyAE6ZQjAG8BNhnAAMDgAtLH/gAP7976FRhei1\
         KtXHAEchMWJ25mRZV0e8hLhi/X2lzCbOX/Ik3DCwV25KAAAA",
    ),
    (
        "a WebP",
        (12, 9),
        "0266b8df0a3b5c1b923bbcae2e118de2",
        "UklGRnwAAABXRUJQVlA4TG8AAAAvCwACAM0pBBAABU1E/+NdRPQ/HA4iSVIkNSfn0QibxfU1HRnfitq2gbyLP8BB6QdR2zby\
         dndQjj/AfCK2/xeecTkX76k8ufAM/x2ve4slVojYQQVLnEOMobI7Q1WMHUUsUTtPDBXOGirG2FGxRBUA",
    ),
    (
        "an animated GIF",
        (12, 9),
        "58005c578ec3d85a9e904da28ce68793",
        "R0lGODlhDAAJAIIAAMTpE6LH2YGmy2OIreQOMy1Sdw4zWAAAACH5BAEAAAMALAAAAAAMAAkAAAgzAA0MIDAAQIEABgQQJGgQ\
         ocKCBQ8mZFig4cSIASQ+tPiQosOFGC8a5EiRJMYCAkRqBBkQACH5BAEAAAMALAAAAAAMAAkAgrxePpxONIhELXc7J2QyIVIp\
         Gz4fFB8PCghCAA8IPGDAQIECBAYMEDCw4EECCQUwJGgQYUQBASgahLgQY4CCGy8GCADAIUeJIwGUtKjQo0oALBemfImw5UiS\
         LwMCADs=",
    ),
    (
        "a BMP with a palette",
        (12, 9),
        "9b77ca043fb096967b583c12ecac6269",
        "Qk3iAAAAAAAAAHYAAAAoAAAADAAAAAkAAAABAAgAAAAAAGwAAADEDgAAxA4AABAAAAAQAAAAG/HMAAnfugDxzKcAvcKdANOu\
         iQDCnXgAtI9qAKWAWwBwS6QAj2pFADkU6gArBtwAflk0AG1IIwBeORQATyoFAAULBwAMAg4ECgYLBw0EDwUKBwAJAg0EDwAJ\
         AQ0CDgUKBwAJAQQKBgsJAQwCDgQKBgwCDQQKBgsHAQwCDgoHAAkCDQQPBQsHAAIOBQoHAAkBDQQPBQkBDAIOBAoGAAkBDQ8G\
         CwcBDAIOBAoGCw==",
    ),
    (
        "a TIFF by LZW",
        (12, 9),
        "0266b8df0a3b5c1b923bbcae2e118de2",
        "SUkqAFQBAACAAASko3pRct4EC0pHdOMFzBAalo/qRku4MD0xIdWNF7CAimpHrRsgMUE05JdeOEFjAqnpPsR0hMcF1BKdmPEN\
         kAyopXtR8iMkG1JLduAYVlA6ppfuQHDMsH1RMd2BYdmBCqpnvQPEM0I1ZNcAiYlnBKrpvgkXFM8J1hOcIjYtoBSsp3hkfGNE\
         K1pPcQkY1pBatoCCknHNML1xAwYlY9qBiuoKDkvINUM15BwgmZFrBqvoSEk3JNcN0DiwonZNsByg8aFk/KNkO0LjwwoZVtB6\
         h8iGlHLNsAITkw4pZduAFC8qHlPMN0BIblxAqZlvAND8yIlXNN8CIjmxIrZtgUVE86JlfOMGjIrnxQsZ1hUdF9CKlnPMOkIz\
         oxYtaBQSDIQhSGIciCJIoiyMI0jiPJAkSSJMlCVJYlyYJkmibJwnSeJ8oChKIoykE0gIAAoAAAEDAAEAAAAMAAAAAQEDAAEA\
         AAAJAAAAAgEDAAMAAADSAQAAAwEDAAEAAAAFAAAABgEDAAEAAAACAAAAEQEEAAEAAAAIAAAAFQEDAAEAAAADAAAAFgEDAAEA\
         AAAJAAAAFwEEAAEAAABLAQAAHAEDAAEAAAABAAAAAAAAAAgACAAIAA==",
    ),
    (
        "a TIFF of inks",
        (12, 9),
        "0266b8df0a3b5c1b923bbcae2e118de2",
        "SUkqAAgAAAAKAAABBAABAAAADAAAAAEBBAABAAAACQAAAAIBAwAEAAAAhgAAAAMBAwABAAAAAQAAAAYBAwABAAAABQAAABEB\
         BAABAAAAjgAAABUBAwABAAAABAAAABYBBAABAAAACQAAABcBBAABAAAAsAEAABwBAwABAAAAAQAAAAAAAAAIAAgACAAIAP/a\
         tQCQa0YAIffSAK2IYwA+Ge8AyqWAAFs2EQDnwp0AeFMuAAnfugCVcEsAJvzXALKNaABDHvQAz6qFAGA7FgDsx6IAfVgzAA7k\
         vwCadVAAKwbcALeSbQBII/kA1K+KAGVAGwDxzKcAgl04ABPpxACfelUAMAvhALyXcgBNKP4A2bSPAGpFIAD20awAh2I9ABju\
         yQCkf1oANRDmAMGcdwBSLQgA3rmUAG9KJQD71rEAjGdCAB3zzgCphF8AOhXrAMahfABXMg0A476ZAHRPKgAF27YAkWxHACL4\
         0wCuiWQAPxrwAMumgQBcNxIA6MOeAHlULwAK4LsAlnFMACf92ACzjmkARB/1ANCrhgBhPBcA7cijAH5ZNAAP5cAAm3ZRACwH\
         3QC4k24ASST6ANWwiwBmQRwA8s2oAINeOQAU6sUAoHtWADEM4gC9mHMATin/ANq1kABrRiEA99KtAIhjPgAZ78oApYBbADYR\
         5wDCnXgAUy4JAN+6lQBwSyYA/NeyAI1oQwAe9M8AqoVgADsW7ADHon0AWDMOAOS/mgB1UCsABty3AJJtSAAj+dQAr4plAA==",
    ),
    (
        "a grey TIFF by deflate",
        (12, 9),
        "78d43dad751e74ea8b1899df8f380048",
        "SUkqAIAAAAB4nAFsAJP/Ho1McMNTwjalZIhHa75OvTGgX4PWZrlJuCybWn7RYbREsyeWVXnMXMs/riKRUHTHV8Y6qWiMS2/C\
         UsE1pGOHRmq9Tbwwn16C1WW4SLcrmll90GCzQ7ImlVR4y1vKPq0hkE9zxlbFOahni0puImo0YAAJAAABAwABAAAADAAAAAEB\
         AwABAAAACQAAAAIBAwABAAAACAAAAAMBAwABAAAACAAAAAYBAwABAAAAAQAAABEBBAABAAAACAAAABYBAwABAAAACQAAABcB\
         BAABAAAAdwAAABwBAwABAAAAAQAAAAAAAAA=",
    ),
    (
        "a JPEG of inks",
        (20, 16),
        "0d7305e4c04713f1c38e73a0050fe819",
        "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBET\
         FBUVFQwPFxgWFBgSFBUU/8AAFAgAEAAUBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//E\
         ALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2\
         Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrC\
         w8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD4j+H/AII/1f7v07V+c3h/RPu/\
         LX5o6VpvTiv1Tr6V+H/gj/V/u/TtXpXh/RPu/LXZaVpv3eKK9+0XwR/xL4/3f6V39non+jr8tdVbab+6HFFfNnw/8Ef6v936\
         dq828P6J935a47StN6cUV9K/D/wR/q/3fp2r0rw/on3flrstK037vFFe/aL4I/4l8f7v9K7+z0T/AEdflrqrbTf3Q4or/9k=",
    ),
];

#[test]
fn every_format_has_pillows_pixels() {
    for (name, size, md5, text) in FILES {
        let bytes = STANDARD.decode(text).unwrap();
        let image = decode_upright(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(image.dimensions(), size, "{name}");
        assert_eq!(
            hex(Md5::digest(image.as_raw())),
            md5,
            "{name}: {:?}",
            &image.as_raw()[..12]
        );
    }
}

#[test]
fn cut_off_files_of_every_format_are_refused() {
    for (name, _, _, text) in FILES {
        let bytes = STANDARD.decode(text).unwrap();
        for part in [bytes.len() / 4, 20] {
            assert!(decode_upright(&bytes[..part]).is_err(), "{name} to {part}");
        }
    }
}
