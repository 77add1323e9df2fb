//! Types of Parquet columns, in words and by the names that pyarrow gives them.

use polars::prelude::ArrowDataType as Type;

/// Whether values of this type are whole numbers.
pub(in crate::data::sources) fn is_integer(kind: &Type) -> bool {
    use Type::{Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
    matches!(
        kind,
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64
    )
}

pub(in crate::data::sources) fn is_binary(kind: &Type) -> bool {
    use Type::{Binary, BinaryView, FixedSizeBinary, LargeBinary};
    matches!(kind, Binary | LargeBinary | BinaryView | FixedSizeBinary(_))
}

/// Whether values of this type are structs with binary `bytes`.
pub(in crate::data::sources) fn has_bytes(kind: &Type) -> bool {
    let Type::Struct(fields) = kind else {
        return false;
    };
    let mut fields = fields.iter();
    fields.any(|field| field.name == "bytes" && is_binary(field.dtype()))
}

/// The type of a list's values; none of what is no list.
pub(in crate::data::sources) fn in_list(kind: &Type) -> Option<&Type> {
    match kind {
        Type::List(of) | Type::LargeList(of) | Type::FixedSizeList(of, _) => Some(of.dtype()),
        _ => None,
    }
}

/// `numbers with decimals (double)`
pub(in crate::data::sources) fn in_words(kind: &Type) -> String {
    let (words, name) = match kind {
        Type::Boolean => ("true and false", "bool".into()),
        Type::Float16 => ("numbers with decimals", "halffloat".into()),
        Type::Float32 => ("numbers with decimals", "float".into()),
        Type::Float64 => ("numbers with decimals", "double".into()),
        Type::Decimal(digits, scale) => {
            ("decimal numbers", format!("decimal128({digits}, {scale})"))
        }
        Type::Utf8 | Type::LargeUtf8 | Type::Utf8View => ("text", "string".into()),
        kind if is_binary(kind) => ("bytes", "binary".into()),
        kind if is_integer(kind) => ("whole numbers", format!("{kind:?}").to_lowercase()),
        Type::Dictionary(_, values, _) => {
            return format!("{}, by a dictionary", in_words(values));
        }
        Type::Date32 | Type::Date64 => ("dates", "date".into()),
        Type::Timestamp(..) => ("points in time", "timestamp".into()),
        Type::Time32(_) | Type::Time64(_) => ("times of day", "time".into()),
        Type::Duration(_) | Type::Interval(_) => ("spans of time", "duration".into()),
        Type::List(of) | Type::LargeList(of) | Type::FixedSizeList(of, _) => {
            return format!("lists of {}", in_words(of.dtype()));
        }
        Type::Struct(fields) => {
            let names: Vec<String> = fields.iter().map(|field| field.name.to_string()).collect();
            return format!("structs of {}", names.join(", "));
        }
        Type::Null => ("nothing but nulls", "null".into()),
        _ => return "values of a type that is not read".into(),
    };
    format!("{words} ({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_names_that_those_who_write_files_know() {
        for (kind, words) in [
            (Type::Float64, "numbers with decimals (double)"),
            (Type::Int64, "whole numbers (int64)"),
            (Type::Decimal(20, 0), "decimal numbers (decimal128(20, 0))"),
            (Type::Utf8View, "text (string)"),
        ] {
            assert_eq!(in_words(&kind), words);
        }
    }
}
