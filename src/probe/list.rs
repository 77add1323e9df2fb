//! The probes there are.

use super::knn::NearestNeighbours;
use super::logistic::Logistic;
use super::method::Probe;
use super::ridge::Ridge;

/// Every probe, the usual one first.
pub const PROBES: [&dyn Probe; 3] = [&Ridge, &Logistic, &NearestNeighbours];
