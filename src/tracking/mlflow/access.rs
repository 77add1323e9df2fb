//! Who logs to an MLflow server, by MLflow's own variables.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::http::HeaderValue;

use crate::rest::Access;
use crate::secret::Secrets;

/// As the environment says.
pub(super) fn from_env() -> Access {
    let variable = |name: &str| std::env::var(name).ok();
    let header = secret(variable);
    Access {
        secrets: secrets(variable, header.as_ref()),
        header,
        hint: "MLFLOW_TRACKING_USERNAME with MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, are for access",
    }
}

/// The `Authorization` header of MLflow's variables, in the order that MLflow itself looks at them.
fn secret(variable: impl Fn(&str) -> Option<String>) -> Option<HeaderValue> {
    let set = |name| variable(name).filter(|text| !text.is_empty());
    let user = set("MLFLOW_TRACKING_USERNAME").zip(set("MLFLOW_TRACKING_PASSWORD"));
    let basic = |(user, password): (String, String)| {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        format!("Basic {pair}")
    };
    let token = || set("MLFLOW_TRACKING_TOKEN").map(|token| format!("Bearer {}", token.trim()));
    let mut value = HeaderValue::from_str(&user.map(basic).or_else(token)?).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Everything of MLflow's variables that must not be shown, however a server repeats it.
fn secrets(variable: impl Fn(&str) -> Option<String>, header: Option<&HeaderValue>) -> Secrets {
    let names = ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"];
    let mut all: Vec<String> = names.into_iter().filter_map(variable).collect();
    let header = header.and_then(|header| header.to_str().ok());
    let pair = header.and_then(|header| header.strip_prefix("Basic "));
    all.extend(pair.map(str::to_owned));
    Secrets::of(all.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_as_mlflow_reads_them_and_not_shown() {
        let header = |set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|(known, _)| *known == name);
            let header = secret(|name| find(name).map(|(_, value)| (*value).to_owned()))?;
            assert!(!format!("{header:?}").contains("Aladdin"));
            Some(header.to_str().unwrap().to_owned())
        };
        let user = ("MLFLOW_TRACKING_USERNAME", "Aladdin");
        let password = ("MLFLOW_TRACKING_PASSWORD", "open sesame");
        let token = ("MLFLOW_TRACKING_TOKEN", "t");
        // Expected: RFC 7617, section 2.
        let basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(header(&[user, password, token]).as_deref(), Some(basic));
        assert_eq!(header(&[user, token]).as_deref(), Some("Bearer t"));
        assert_eq!(header(&[user]), None);
        assert_eq!(header(&[("MLFLOW_TRACKING_TOKEN", "a\r\nb")]), None);
    }
}
