# python make.py: with pyarrow and Pillow
import io, json
import pyarrow as pa, pyarrow.parquet as pq
from PIL import Image

def png(i):
    b = io.BytesIO(); Image.new("RGB", (32, 32), (i * 20, 7, 9)).save(b, "PNG"); return b.getvalue()

def write(name, labels, type, names=None):
    images = [{"bytes": png(i), "path": None} for i in range(len(labels))]
    schema = pa.schema([
        ("img", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("label", type),
    ])
    table = pa.table({"img": images, "label": pa.array(labels, type)}, schema=schema)
    if names:
        features = {"label": {"names": names, "_type": "ClassLabel"}, "img": {"_type": "Image"}}
        meta = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
        table = table.replace_schema_metadata(meta)
    pq.write_table(table, name)

for bits in (8, 16, 32, 64):
    for kind in ("int", "uint"):
        write(f"{kind}{bits}.parquet", [9, 0, 3, 8], getattr(pa, f"{kind}{bits}")())
C = "airplane automobile bird cat deer dog frog horse ship truck".split()
write("names_reversed.parquet", [9, 0, 3, 8], pa.int64(), C[::-1])
write("names_foreign.parquet", [9, 0, 3, 8], pa.int64(), [f"flower {i}" for i in range(10)])
write("dictionary.parquet", pa.array(["cat", "dog"]).dictionary_encode(), pa.dictionary(pa.int32(), pa.string()))
write("decimal.parquet", pa.array([9, 0]).cast(pa.decimal128(20)), pa.decimal128(20))
write("large.parquet", [9, 2**64 - 1], pa.uint64())
