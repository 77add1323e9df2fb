//! Ray: a task is a job, by the Jobs REST interface (docs.ray.io, "Ray Jobs REST API").

mod answer;
mod request;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use ureq::http::{HeaderValue, Uri};

use super::error::Error;
use super::interface::{Ended, Ends, Engine, Kind, Living, NewJob};
use crate::fetch::Timeouts;
use crate::rest::{Access, Client, Failure};
use crate::secret::Secrets;
use answer::Job;

pub const KIND: Kind = Kind {
    name: NAME,
    open: |address| Ok(Box::new(Ray::at(address)?)),
};

const NAME: &str = "ray";
/// Where the interface is; Ray insists on the slash at the end of the list.
const JOBS: &str = "api/jobs/";
/// The token that Ray's own commands send too.
const TOKEN: &str = "RAY_AUTH_TOKEN";
/// It looks a cluster's jobs up one after the other: so many times a tracker's time.
const PATIENCE: f64 = 12.0;
/// A run whose task fails is submitted again so often.
const TRIES: usize = 3;
/// Jobs of the same runs, one after the other; more are a mistake.
const MOST_JOBS: usize = 1000;

/// The Ray whose head is at an address.
struct Ray {
    client: Client,
}

impl Ray {
    fn at(address: Option<&str>) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Place {
            engine: NAME,
            example: "http://HEAD:8265",
            why: why.to_owned(),
        };
        let address = address.ok_or_else(|| wrong("it needs an address"))?;
        let uri = address.parse::<Uri>().ok();
        let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
        let authority = uri.as_ref().and_then(Uri::authority);
        match authority {
            None => return Err(wrong("its address begins with http:// or https://")),
            Some(authority) if authority.as_str().contains('@') => {
                return Err(wrong(&format!("a token for it is read from {TOKEN}")));
            }
            Some(_) => {}
        }
        let patience = Timeouts::factor().map_err(|error| wrong(&error.to_string()))?;
        let client = Client::new("Ray", address, access()?, patience * PATIENCE);
        match client.warning() {
            Some(why) => Err(wrong(&why)),
            None => Ok(Ray { client }),
        }
    }

    /// A job, by its id.
    fn job(&self, id: &str) -> Result<Job, Failure> {
        Ok(Job::of(&self.client.get(&format!("{JOBS}{id}"), None)?))
    }

    /// Those of these jobs that Ray knows.
    fn known(&self, jobs: &[&str]) -> Result<Vec<Job>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.client.get(JOBS, None);
        let all = all.map_err(|failure| self.refused(failure))?;
        let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
        let known = all.iter().map(Job::of);
        Ok(known.filter(|job| jobs.contains(&&*job.id)).collect())
    }

    /// Keeps what a job has said; what cannot be had is only missed.
    fn keep_log(&self, job: &str, logs: &Path) {
        let said = self.client.get(&format!("{JOBS}{job}/logs"), None);
        let said = said.unwrap_or_default();
        if let Some(text) = said.get("logs").and_then(Value::as_str) {
            let _ = fs::write(logs.join(format!("{job}.log")), text);
        }
    }

    fn refused(&self, failure: Failure) -> Error {
        let program = format!("Ray at {}", self.client.address());
        match failure {
            Failure::Down(said) => Error::Down { program, said },
            Failure::Refused { text: said, .. } => Error::Refused { program, said },
        }
    }
}

/// Who asks, as the environment says.
fn access() -> Result<Access, Error> {
    let token = std::env::var(TOKEN).unwrap_or_default().trim().to_owned();
    let header = match token.is_empty() {
        true => None,
        false => {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            let mut value = value.map_err(|_| Error::Token { variable: TOKEN })?;
            value.set_sensitive(true);
            Some(value)
        }
    };
    Ok(Access {
        secrets: Secrets::of([&*token]),
        header,
        hint: "RAY_AUTH_TOKEN is for access; `ray get-auth-token` prints it",
    })
}

impl Engine for Ray {
    fn name(&self) -> &'static str {
        NAME
    }

    fn label(&self) -> String {
        format!("{NAME}={}", self.client.address())
    }

    fn most_tasks(&self) -> Result<usize, Error> {
        Ok(1)
    }

    fn most_failures(&self) -> Option<usize> {
        Some(TRIES)
    }

    fn submit(&self, job: &NewJob<'_>) -> Result<String, Error> {
        let mut body = request::body(job)?;
        let base = request::id(job);
        for earlier in 0..MOST_JOBS {
            let id = match earlier {
                0 => base.clone(),
                earlier => format!("{base}-{earlier}"),
            };
            body.insert("submission_id".into(), Value::String(id.clone()));
            let refusal = match self.client.post(JOBS, &Value::Object(body.clone())) {
                Ok(_) => return Ok(id),
                Err(failure) => failure,
            };
            match self.job(&id) {
                // Of the same runs: one that was not recorded, or whose answer was lost.
                Ok(job) if job.stage().is_some() => return Ok(id),
                Ok(_) => {}
                Err(_) => return Err(self.refused(refusal)),
            }
        }
        Err(Error::Refused {
            program: format!("Ray at {}", self.client.address()),
            said: format!("it has {MOST_JOBS} jobs like {base} already"),
        })
    }

    fn living(&self, jobs: &[&str]) -> Result<Living, Error> {
        let known = self.known(jobs)?.into_iter();
        let stages = known.filter_map(|job| job.stage().map(|stage| ((job.id, 0), stage)));
        Ok(stages.collect())
    }

    fn ends(&self, jobs: &[&str], logs: &Path) -> Ends {
        let known = self.known(jobs).unwrap_or_default();
        let ended = known.into_iter().filter(|job| job.stage().is_none());
        let end = |job: Job| {
            let (how, is_failure) = (job.how(), job.is_failure());
            if is_failure {
                self.keep_log(&job.id, logs);
            }
            ((job.id, 0), Ended { how, is_failure })
        };
        ended.map(end).collect::<HashMap<_, _>>()
    }

    fn cancel(&self, jobs: &[&str]) -> Result<(), Error> {
        for job in jobs {
            let stopped = self.client.post(&format!("{JOBS}{job}/stop"), &Value::Null);
            stopped.map_err(|failure| self.refused(failure))?;
        }
        Ok(())
    }
}
