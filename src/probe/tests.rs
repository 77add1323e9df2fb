//! Probes against scikit-learn 1.9.1 on made-up features. The script:
//!
//! ```python
//! def data(n, d, start, classes=3):
//!     labels = np.array([(i*i + i//3) % classes for i in range(start, start + n)])
//!     return np.array([[((i*7 + j*13 + i*j*3) % 17) / 4 + (1.0 if labels[i-start] == j % classes else 0)
//!                       for j in range(d)] for i in range(start, start + n)], np.float32), labels
//! x, y = data(n, d, 0); v, _ = data(40, d, 1000); s = StandardScaler().fit(x); x, v = s.transform(x), s.transform(v)
//! RidgeClassifierCV(alphas=PENALTIES).fit(x, y); LogisticRegression(C=c, tol=1e-8, max_iter=5000).fit(x, y)
//! KNeighborsClassifier(k, metric="cosine").fit(x, y)
//! ```

use super::logistic::fitted;
use super::method::{Parts, Probe};
use super::pass::Pooled;
use super::ridge::{Ridge, Weights};
use super::{PROBES, Row, advise};

const CLASSES: usize = 3;

fn data(images: usize, dimensions: usize, start: usize) -> (Pooled, Vec<u32>) {
    let label = |i: usize| (i * i + i / 3) % CLASSES;
    let value = |i: usize, j: usize| {
        let own = f32::from(u8::from(label(i) == j % CLASSES));
        ((i * 7 + j * 13 + i * j * 3) % 17) as f32 / 4.0 + own
    };
    let all = start..start + images;
    let values = all
        .clone()
        .flat_map(|i| (0..dimensions).map(move |j| value(i, j)));
    let pooled = Pooled {
        dimensions,
        values: values.collect(),
    };
    (pooled, all.map(|i| label(i) as u32).collect())
}

fn parts(images: usize, dimensions: usize) -> Parts {
    let (training, labels) = data(images, dimensions, 0);
    let (others, of_others) = data(40, dimensions, 1000);
    let tables = [training, others.clone(), others];
    Parts::new(tables, [labels, of_others.clone(), of_others], CLASSES)
}

fn near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() < within, "{found}, not {expected}");
}

fn text(classes: &[u32]) -> String {
    classes.iter().map(u32::to_string).collect()
}

/// The first two coefficients of each class, and the intercepts.
type Expected = ([[f64; 2]; 3], [f64; 3]);

fn check_ridge(parts: &Parts, (slopes, biases): Expected, classes: &str) {
    let found = Weights::fit(parts).unwrap();
    for (class, slopes) in slopes.iter().enumerate() {
        near(found.bias[class], biases[class], 1e-9);
        for (feature, slope) in slopes.iter().enumerate() {
            near(found.weights.row(feature)[class], *slope, 1e-6);
        }
    }
    assert_eq!(text(&Ridge.fit(parts).unwrap().validation), classes);
}

#[test]
fn ridge_regression_is_that_of_scikit_learn_with_many_images() {
    let expected = (
        [
            [0.20155392573604677, -0.052925696993296203],
            [0.03438075536725568, 0.24787761688391446],
            [-0.23593468110330237, -0.19495191989061844],
        ],
        [
            -0.3666666666666667,
            -0.29999999999999993,
            -0.33333333333333326,
        ],
    );
    check_ridge(
        &parts(60, 5),
        expected,
        "1120012012100020201210120101000202012111",
    );
}

#[test]
fn ridge_regression_is_that_of_scikit_learn_with_few_images() {
    let expected = (
        [
            [0.07924733690025583, -0.03849274631734415],
            [-0.03256506492013521, 0.12805340037084592],
            [-0.046682271980120635, -0.08956065405350176],
        ],
        [
            -0.46666666666666656,
            -0.1999999999999999,
            -0.3333333333333335,
        ],
    );
    check_ridge(
        &parts(15, 40),
        expected,
        "1110220221110220221112222221112222201112",
    );
}

#[test]
fn logistic_regression_is_that_of_scikit_learn() {
    // (images, dimensions, C, the first two coefficients of the first class, its intercept), centred over the classes.
    for (images, dimensions, inverse, slopes, bias) in [
        (
            60,
            5,
            1e-2,
            [0.06172948874259036, -0.029322902276031664],
            -0.058962882452256456,
        ),
        (
            60,
            5,
            1.0,
            [0.9814233742114519, -0.051192686707882226],
            -0.1903526443915774,
        ),
        (
            15,
            40,
            1e-2,
            [0.015636768631503643, -0.004001212055933298],
            -0.2161673214168913,
        ),
        (
            15,
            40,
            1.0,
            [0.09743446108870395, -0.04787526359925161],
            -0.40199964660989945,
        ),
    ] {
        let found = fitted(&parts(images, dimensions), inverse).unwrap();
        // As far as the gradient is brought down.
        near(found[0], slopes[0], 2e-3);
        near(found[CLASSES], slopes[1], 2e-3);
        near(found[dimensions * CLASSES], bias, 2e-3);
    }
}

#[test]
fn neighbours_are_those_of_scikit_learn() {
    let [.., neighbours] = PROBES;
    // Of 1, 5 and 10 neighbours the last are right most often: 0.975.
    let found = neighbours.fit(&parts(15, 40)).unwrap();
    assert_eq!(
        text(&found.validation),
        "1111220001112220001112220001112220001112"
    );
    assert_eq!(found.test, found.validation);
}

#[test]
fn a_feature_that_is_always_the_same_is_left_out() {
    let (mut training, labels) = data(15, 2, 0);
    training
        .values
        .iter_mut()
        .skip(1)
        .step_by(2)
        .for_each(|value| *value = 0.1);
    let tables = [training.clone(), training.clone(), training];
    let parts = Parts::new(tables, [labels.clone(), labels.clone(), labels], CLASSES);
    for probe in PROBES {
        probe.fit(&parts).unwrap();
    }
    let constant = parts.training.features.values.iter().skip(1).step_by(2);
    assert!(constant.copied().all(|value| value == 0.0));
}

fn row(boundary: &str, layers: usize, accuracy: f64) -> Row {
    Row {
        backbone: "net".into(),
        boundary: boundary.into(),
        layers,
        is_linear: true,
        val_accuracy: accuracy,
        val_std: 0.02,
        classes: 10,
        training_operations: 100 - layers as u64,
        ..Row::default()
    }
}

#[test]
fn the_deepest_boundary_that_is_as_good_as_the_best_comes_first() {
    let rows = [
        row("a", 1, 0.5),
        row("b", 2, 0.7),
        row("c", 3, 0.72),
        row("d", 4, 0.71),
        row("e", 5, 0.6),
    ];
    let advice = advise(&rows);
    assert_eq!(advice[0].best.0, "c");
    assert_eq!(advice[0].boundaries, ["d", "c", "b", "none"]);
    assert!(
        advice[0].reason.contains("60.0 % at e"),
        "{}",
        advice[0].reason
    );
}

#[test]
fn nothing_is_advised_where_probes_guess() {
    let rows = [row("a", 1, 0.12), row("b", 2, 0.13)];
    let advice = advise(&rows);
    assert!(advice[0].boundaries.is_empty());
    assert!(advice[0].reason.contains("better than guessing"));
}

#[test]
fn a_backbone_that_gets_better_to_its_end_needs_a_head_alone() {
    let rows = [row("a", 1, 0.5), row("b", 2, 0.7), row("c", 3, 0.9)];
    let advice = advise(&rows);
    assert_eq!(advice[0].boundaries, ["c", "b"]);
    let pooled = Row {
        training_operations: rows[2].training_operations,
        ..row("d", 4, 0.9)
    };
    let advice = advise(&[rows.as_slice(), &[pooled]].concat());
    assert_eq!(advice[0].boundaries, ["d", "b"]);
    assert!(advice[0].reason.contains("a head on it is the cheapest"));
}

/// So few images that the first penalties leave nothing but the classes' shares.
#[test]
fn the_strength_of_logistic_regression_is_chosen_behind_those_that_learn_nothing() {
    let parts = parts(30, 3);
    let probe = PROBES.iter().find(|probe| probe.name() == "logistic");
    let found = probe.unwrap().fit(&parts).unwrap().validation;
    let ridge = Ridge.fit(&parts).unwrap().validation;
    let right = |found: &[u32]| {
        let pairs = found.iter().zip(&parts.validation.labels);
        pairs.filter(|(found, label)| found == label).count()
    };
    assert!(found.iter().any(|class| *class != found[0]), "{found:?}");
    assert!(
        right(&found) + 3 >= right(&ridge),
        "{} and {}",
        right(&found),
        right(&ridge)
    );
}
