//! `[tracking]`.

use ureq::http::Uri;

use super::check::Check;
use crate::spec::types::Spec;

const KEY: &str = "tracking.mlflow";

pub(super) fn check(spec: &Spec, check: &mut Check) {
    let Some(address) = &spec.tracking.mlflow else {
        return;
    };
    let uri = address.parse::<Uri>().ok();
    let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    let Some(uri) = uri.filter(|uri| uri.host().is_some_and(|host| !host.is_empty())) else {
        return check.problem_with_help(
            KEY,
            format!("`{KEY}` must be an http:// or https:// address"),
            "name the server as `mlflow server` does, e.g. mlflow = \"http://localhost:5000\"",
        );
    };
    if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
        check.problem_with_help(
            KEY,
            format!("`{KEY}` must not hold a user or password: specs are kept with the results"),
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
        );
    } else if uri.query().is_some() {
        let message = format!("`{KEY}` must be the server's own address, without `?`");
        check.problem(KEY, message);
    }
}
