//! Integers of 8 and 16 bits in Parquet files, read as those of 32.
//!
//! Parquet stores them in 32 bits; polars, as it is built here, has no columns of theirs.

use std::sync::Arc;

use polars::io::parquet::metadata::FileMetadataRef;
use polars_parquet::parquet::metadata::SchemaDescriptor;
use polars_parquet::parquet::schema::types::{ParquetType, PhysicalType, PrimitiveType};

/// The key under which Arrow keeps its own schema, which repeats the narrow types.
const ARROW_SCHEMA: &str = "ARROW:schema";

/// The same file with 32 bits for every column of narrow integers.
pub(super) fn widened(metadata: FileMetadataRef) -> FileMetadataRef {
    let schema = metadata.schema();
    if !schema.fields().iter().any(is_narrow) {
        return metadata;
    }
    let fields = schema.fields().iter().map(widen).collect();
    let mut widened = (*metadata).clone();
    widened.schema_descr = SchemaDescriptor::new(schema.name().into(), fields);
    if let Some(pairs) = &mut widened.key_value_metadata {
        pairs.retain(|pair| pair.key != ARROW_SCHEMA);
    }
    Arc::new(widened)
}

/// [`widened`], by what Parquet itself says of the columns: text that Arrow keeps by a dictionary is text.
pub(super) fn plain(metadata: FileMetadataRef) -> FileMetadataRef {
    let mut plain = (*widened(metadata)).clone();
    if let Some(pairs) = &mut plain.key_value_metadata {
        pairs.retain(|pair| pair.key != ARROW_SCHEMA);
    }
    Arc::new(plain)
}

fn is_narrow(field: &ParquetType) -> bool {
    widen(field) != *field
}

/// A plain column of 32 bits means what is stored, with its sign.
fn widen(field: &ParquetType) -> ParquetType {
    use polars_parquet::parquet::schema::types::{
        IntegerType::{Int8, Int16, UInt8, UInt16},
        PrimitiveConvertedType as Converted, PrimitiveLogicalType as Logical,
    };
    let ParquetType::PrimitiveType(primitive) = field else {
        return field.clone();
    };
    let by_logical = matches!(
        primitive.logical_type,
        Some(Logical::Integer(Int8 | Int16 | UInt8 | UInt16))
    );
    let by_converted = matches!(
        primitive.converted_type,
        Some(Converted::Int8 | Converted::Int16 | Converted::Uint8 | Converted::Uint16)
    );
    if primitive.physical_type != PhysicalType::Int32 || !(by_logical || by_converted) {
        return field.clone();
    }
    ParquetType::PrimitiveType(PrimitiveType {
        logical_type: None,
        converted_type: None,
        ..primitive.clone()
    })
}
