//! Predictions → columns.

use polars::prelude::{
    Column, DataFrame, DataType, Float32Type, IntoColumn, IntoSeries, ListBuilderTrait,
    ListPrimitiveChunkedBuilder, PolarsResult, Schema,
};

use crate::label_sets::LabelSets;
use crate::run::PartPredictions;
use crate::train::Prediction;

/// The column that says which part of the dataset an image belongs to.
pub(super) const PART: &str = "part";

/// The column of every class's probability, in the order of the labels; null for images of which they are not kept.
pub(super) const PROBABILITIES: &str = "probabilities";

/// The type of the columns with several numbers per image.
pub(super) fn lists() -> DataType {
    DataType::List(Box::new(DataType::Float32))
}

/// The columns' names and types, in order.
pub(super) fn schema() -> Schema {
    Schema::from_iter(
        [
            ("run", DataType::String),
            (PART, DataType::String),
            ("index", DataType::Int32),
            ("file", DataType::String),
            ("label", DataType::String),
            ("predicted", DataType::String),
            ("probability", DataType::Float32),
            ("label_probability", DataType::Float32),
            ("top5", DataType::String),
            ("top5_probabilities", lists()),
            (PROBABILITIES, lists()),
            ("image", DataType::Binary),
        ]
        .map(|(name, dtype)| (name.into(), dtype)),
    )
}

/// One run's table.
pub(super) fn frame(
    run: &str,
    classes: &[String],
    predictions: &PartPredictions,
) -> PolarsResult<DataFrame> {
    let each = &predictions.answers.each;
    let rows = each.len();
    let name = |class: u32| classes.get(class as usize).map(String::as_str);
    let strings = |column: &str, value: &dyn Fn(usize, &Prediction) -> Option<String>| {
        let values = each.iter().enumerate().map(|(i, p)| value(i, p));
        Column::new(column.into(), values.collect::<Vec<_>>())
    };
    let floats = |column: &str, value: fn(&Prediction) -> f32| {
        Column::new(column.into(), each.iter().map(value).collect::<Vec<_>>())
    };
    let file = |i: usize| predictions.files.as_ref()?.get(i).cloned();
    let names = |p: &Prediction| {
        let names = p.top.iter().filter_map(|(class, _)| name(*class));
        serde_json::to_string(&names.collect::<Vec<_>>()).ok()
    };
    let owned = |class: u32| name(class).map(str::to_owned);
    let indices: Vec<i32> = (0..).take(rows).collect();
    let pictures: Vec<Option<&[u8]>> = (0..rows)
        .map(|i| predictions.pictures.get(&i).map(Vec::as_slice))
        .collect();
    let columns = vec![
        Column::new("run".into(), vec![run; rows]),
        Column::new(PART.into(), vec![predictions.part.as_str(); rows]),
        Column::new("index".into(), indices),
        strings("file", &|i, _| file(i)),
        strings("label", &|_, p| match &p.several {
            Some(several) => Some(LabelSets::names(&several.labels, classes)),
            None => owned(p.label),
        }),
        strings("predicted", &|_, p| match &p.several {
            Some(several) => Some(LabelSets::names(&several.predicted, classes)),
            None => owned(p.first()?.0),
        }),
        // Of several labels no single one has a probability.
        floats("probability", |p| match p.several {
            Some(_) => f32::NAN,
            None => p.first().map_or(f32::NAN, |(_, p)| p),
        }),
        floats("label_probability", |p| p.label_probability),
        // As JSON: pandas cannot read the lists of text that polars writes.
        strings("top5", &|_, p| names(p)),
        top_probabilities(each),
        probabilities(predictions, classes.len()),
        Column::new("image".into(), pictures),
    ];
    DataFrame::new(rows, columns)
}

fn top_probabilities(each: &[Prediction]) -> Column {
    let mut lists = list_builder("top5_probabilities", each.len(), 5);
    for prediction in each {
        let values: Vec<f32> = prediction.top.iter().map(|(_, p)| *p).collect();
        lists.append_slice(&values);
    }
    lists.finish().into_series().into_column()
}

fn probabilities(predictions: &PartPredictions, classes: usize) -> Column {
    let answers = &predictions.answers;
    let images = answers.each.len();
    let mut lists = list_builder(
        PROBABILITIES,
        images.div_ceil(answers.probabilities.every()),
        classes,
    );
    for image in 0..images {
        lists.append_opt_slice(answers.probabilities.of(image));
    }
    lists.finish().into_series().into_column()
}

/// For so many lists of so many numbers.
fn list_builder(
    name: &str,
    lists: usize,
    numbers: usize,
) -> ListPrimitiveChunkedBuilder<Float32Type> {
    let all = lists.saturating_mul(numbers);
    ListPrimitiveChunkedBuilder::new(name.into(), lists, all, DataType::Float32)
}
