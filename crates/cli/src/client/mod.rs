//! The client of the admin API. Every verb of an operator is a request; where it goes is no matter of the verb: to the
//! routes in this process ([`here`]), or to a server elsewhere ([`there`], with `--url`).

mod here;
mod there;

use crate::commands::named::wrapped;
use crate::config::Config;
use crate::{Failure, Outcome, output};
use here::Here;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use there::There;
use twinwire_api::admin::ROOT;
use twinwire_api::admin::problem::ErrorBody;
use twinwire_engine::Engine;

/// What may stand in a part of a path as it is.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where the set-up is.
const SETUP: &str = "/v1/setup";

/// Speaks the admin API.
pub(crate) struct Client(Way);

enum Way {
    Here(Box<Here>),
    There(There),
}

/// A request before it goes anywhere.
struct Asked {
    method: Method,
    /// Path and query.
    path: String,
    body: Option<Vec<u8>>,
}

/// What came back.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// An error of the server's, in its words.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
struct Refused {
    status: u16,
    words: String,
}

/// Whether the server said that somebody else was faster.
pub(crate) fn is_conflict(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == 409)
}

/// Whether a server answered, and said no.
pub(crate) fn is_refused(error: &anyhow::Error) -> bool {
    error.is::<Refused>()
}

/// Runs a verb with a client, and closes the client however it ends.
pub(crate) async fn with(config: &Config, verb: impl AsyncFnOnce(&Client) -> Outcome) -> Outcome {
    run(Client::open(config, Begins::No).await?, verb).await
}

/// The same for a verb with which people begin: on this machine the schema is made where there is none.
pub(crate) async fn with_new(config: &Config, verb: impl AsyncFnOnce(&Client) -> Outcome) -> Outcome {
    run(Client::open(config, Begins::Yes).await?, verb).await
}

/// Whether people begin with a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    Yes,
    No,
}

async fn run(client: Client, verb: impl AsyncFnOnce(&Client) -> Outcome) -> Outcome {
    let outcome = verb(&client).await;
    // What the verb said is what people have to know first.
    match (outcome, client.close().await) {
        (Err(failure), Err(error)) => {
            output::complain(&format!("warning: the database was not closed in order: {error:#}"));
            Err(failure)
        }
        (outcome, closed) => outcome.and(closed.map_err(Into::into)),
    }
}

impl Client {
    /// Of the server that `--url` names; without it, of this machine's own database.
    async fn open(config: &Config, begins: Begins) -> Result<Self, Failure> {
        Ok(Self(match &config.url {
            Some(url) => Way::There(There::new(url, config)?),
            None => Way::Here(Box::new(Here::open(config, begins).await?)),
        }))
    }

    async fn close(self) -> anyhow::Result<()> {
        match self.0 {
            Way::Here(here) => here.close().await,
            Way::There(_) => Ok(()),
        }
    }

    /// The engine, where the routes are in this process: for a verb that sees work through where no server runs.
    pub(crate) fn here(&self) -> Option<&Engine> {
        match &self.0 {
            Way::Here(here) => Some(here.engine()),
            Way::There(_) => None,
        }
    }

    /// Looks at something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &Path) -> Result<T, Failure> {
        self.ask(Method::GET, path, None::<&Value>).await
    }

    /// Asks for something to be done.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &Path,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Asks for something to be removed.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &Path) -> Result<T, Failure> {
        self.ask(Method::DELETE, path, None::<&Value>).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &Path,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let body = body.map(serde_json::to_vec).transpose()?;
        let asked = Asked { method, path: path.text()?, body };
        let answer = match &self.0 {
            Way::Here(here) => here.ask(asked).await?,
            Way::There(there) => there.ask(asked).await?,
        };
        answer.read()
    }
}

impl Answer {
    fn read<T: DeserializeOwned>(self) -> Result<T, Failure> {
        if (200..300).contains(&self.status) {
            return serde_json::from_slice(&self.body).map_err(|error| {
                let words = "the server's answer cannot be read: is it of another version than this program?";
                Failure::Failed(anyhow::Error::new(error).context(words))
            });
        }
        let Ok(ErrorBody { error, hint }) = serde_json::from_slice(&self.body) else {
            let status = self.status;
            return Err(Failure::Failed(anyhow::anyhow!(
                "it answered {status} and not as Twinwire does: is something else behind that address?"
            )));
        };
        let words = sentence(&error, hint.as_deref());
        if self.status == 400 {
            return Err(Failure::Usage(words));
        }
        Err(Refused { status: self.status, words }.into())
    }
}

/// The server's words. With a hint they are a text of several lines, without one a line for `grep`.
fn sentence(error: &str, hint: Option<&str>) -> String {
    let Some(hint) = hint else { return error.to_owned() };
    // What complains puts a word of its own before the first line.
    let error = wrapped(error, "error: ", "").join("\n");
    // What is set off is a command, to be copied as it is.
    let lines = |line: &str| {
        if line.starts_with(' ') { vec![line.to_owned()] } else { wrapped(line, "", "") }
    };
    let lines: Vec<String> = hint.lines().flat_map(lines).collect();
    format!("{}\n{}", error.trim_start_matches("error: "), lines.join("\n"))
}

/// Where in the admin API: the parts of a path, and what is asked for in the query.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    root: &'static str,
    parts: Vec<String>,
    query: Vec<(&'static str, String)>,
}

impl Path {
    /// A path of parts, whatever stands in them.
    pub(crate) fn of(parts: &[&str]) -> Self {
        Self { root: ROOT, parts: parts.iter().map(|part| (*part).to_owned()).collect(), query: Vec::new() }
    }

    /// A path of the set-up's, which has addresses of its own.
    pub(crate) fn of_setup(parts: &[&str]) -> Self {
        Self { root: SETUP, ..Self::of(parts) }
    }

    /// The same with something in the query, where there is something.
    pub(crate) fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// As it stands in a request.
    fn text(&self) -> Result<String, Failure> {
        let mut text = self.root.to_owned();
        for part in &self.parts {
            // An address has no place for these: `/./` is no part of a path.
            if matches!(part.trim(), "" | "." | "..") {
                return Err(Failure::Usage(format!("`{part}` is no id; it is empty or dots alone")));
            }
            text.push('/');
            text.extend(utf8_percent_encode(part.trim(), &PLAIN));
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        let query = query.finish();
        Ok(if query.is_empty() { text } else { format!("{text}?{query}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_id_holds_stays_one_part_of_the_path() {
        for (id, text) in [
            ("chn_a", "/v1/admin/channels/chn_a"),
            ("msg_1-+12025550147.2", "/v1/admin/channels/msg_1-%2B12025550147.2"),
            ("a/../b?c=d#e", "/v1/admin/channels/a%2F..%2Fb%3Fc%3Dd%23e"),
            (" é\0 ", "/v1/admin/channels/%C3%A9%00"),
        ] {
            assert_eq!(Path::of(&["channels", id]).text().unwrap(), text);
        }
        for none in ["", " ", ".", ".."] {
            assert!(matches!(Path::of(&["channels", none]).text(), Err(Failure::Usage(_))), "{none:?}");
        }
        let path = Path::of(&["messages"])
            .with("limit", Some(5))
            .with("before", None::<&str>)
            .with("q", Some("a&b"));
        assert_eq!(path.text().unwrap(), "/v1/admin/messages?limit=5&q=a%26b");
    }

    fn read(status: u16, body: &str) -> Result<Value, Failure> {
        Answer { status, body: body.as_bytes().to_vec() }.read()
    }

    #[test]
    fn an_error_is_the_servers_words_and_wrong_usage_only_where_it_says_so() {
        let body = r#"{"error":"There is no channel x.","hint":"`twinwire channels` lists them."}"#;
        let words = "There is no channel x.\n`twinwire channels` lists them.";
        assert!(matches!(read(404, body), Err(Failure::Failed(error)) if error.to_string() == words));
        assert!(matches!(read(400, body), Err(Failure::Usage(said)) if said == words));
        for (status, body) in [(502, "<html>Bad Gateway</html>"), (200, "<html>"), (204, "")] {
            assert!(matches!(read(status, body), Err(Failure::Failed(_))), "{status}");
        }
        assert_eq!(read(200, "[1]").ok(), Some(serde_json::json!([1])));
    }
}
