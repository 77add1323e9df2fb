//! Files as `torch.save` writes them.

use std::io::Write;
use std::path::Path;

use zip::write::{SimpleFileOptions, ZipWriter};

/// Writes what `torch.save({key: {name: tensor, …}}, path)` does, of f32 in rows; without a key the tensors alone.
///
/// The pickle is that of PyTorch 2.15 but for its memo: `python -m pickletools archive/data.pkl` prints the same operations.
pub fn torch_file(path: &Path, key: Option<&str>, tensors: &[(String, Vec<usize>, Vec<f32>)]) {
    let mut pickle = b"\x80\x02}(".to_vec();
    if let Some(key) = key {
        text(&mut pickle, key);
        pickle.extend(b"}(");
    }
    for (n, (name, shape, values)) in tensors.iter().enumerate() {
        text(&mut pickle, name);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend(b"ctorch\nFloatStorage\n");
        text(&mut pickle, &n.to_string());
        text(&mut pickle, "cpu");
        int(&mut pickle, values.len());
        pickle.extend(b"tQK\0(");
        shape.iter().for_each(|n| int(&mut pickle, *n));
        pickle.extend(b"t(");
        for at in 0..shape.len() {
            int(&mut pickle, shape.iter().skip(at + 1).product());
        }
        pickle.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
    }
    pickle.extend(key.map_or(&b"u."[..], |_| b"uu."));
    let mut archive = ZipWriter::new(std::fs::File::create(path).unwrap());
    let stored = SimpleFileOptions::default();
    let mut put = |name: &str, bytes: &[u8]| {
        archive
            .start_file(format!("archive/{name}"), stored)
            .unwrap();
        archive.write_all(bytes).unwrap();
    };
    put("data.pkl", &pickle);
    put("byteorder", b"little");
    for (n, (_, _, values)) in tensors.iter().enumerate() {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        put(&format!("data/{n}"), &bytes);
    }
    put("version", b"3\n");
    archive.finish().unwrap();
}

fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    pickle.extend(text.as_bytes());
}

fn int(pickle: &mut Vec<u8>, n: usize) {
    pickle.push(b'J');
    pickle.extend(i32::try_from(n).unwrap().to_le_bytes());
}
