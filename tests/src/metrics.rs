//! What `/metrics` says.

use std::collections::BTreeMap;

/// Every line of a reading: name with labels, and value.
#[derive(Clone, Debug)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Asks a server, as Prometheus would.
    ///
    /// # Panics
    /// When it does not answer as it should.
    pub async fn of(base: &str, token: Option<&str>) -> Self {
        let request = reqwest::Client::new().get(format!("{base}/metrics"));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{base}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
        Self::read(&answer.text().await.unwrap())
    }

    fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(
            lines
                .map(|line| {
                    let (name, value) = line.rsplit_once(' ').unwrap();
                    (name.to_owned(), value.parse().unwrap())
                })
                .collect(),
        )
    }

    /// A value, by name and labels as they are written; none where it is not there.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// A value that is there.
    ///
    /// # Panics
    /// When it is not, with what is.
    pub fn value(&self, name: &str) -> f64 {
        self.get(name).unwrap_or_else(|| panic!("{name} is not there: {:#?}", self.0))
    }

    /// Every name, without labels.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| name.split('{').next().unwrap_or_default())
    }

    /// Everything that stands in labels.
    pub fn labels(&self) -> String {
        self.0.keys().cloned().collect::<Vec<_>>().join("\n")
    }
}
