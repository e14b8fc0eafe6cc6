//! The admin API of a server elsewhere, over HTTP, with a token.

use super::{Answer, Asked};
use crate::Failure;
use crate::config::Config;
use anyhow::{Context, anyhow};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use url::{Host, Url};

/// How long a server may take to be reached, and to answer: asking a vendor about a message takes it some seconds.
const REACHED_WITHIN: Duration = Duration::from_secs(10);
const ANSWERS_WITHIN: Duration = Duration::from_secs(90);

/// A server.
pub(super) struct There {
    client: reqwest::Client,
    /// Without a slash at its end.
    url: String,
    token: SecretString,
}

impl There {
    /// # Errors
    /// When the address or the token cannot be used, with what to set.
    pub(super) fn new(url: &str, config: &Config) -> Result<Self, Failure> {
        let parsed = checked(url, config.plain_http).map_err(Failure::Usage)?;
        // Never the machine's own TWINWIRE_ADMIN_TOKEN: whoever stands behind another address must not be given that.
        let token = config.token.clone().ok_or_else(|| {
            Failure::Usage(
                "TWINWIRE_TOKEN is not set: --url needs a token of that server, and TWINWIRE_ADMIN_TOKEN is this \
                 machine's own; on the server, `twinwire tokens create <name> --scope read` makes one"
                    .to_owned(),
            )
        })?;
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("twinwire/", env!("CARGO_PKG_VERSION")))
            // The token must not go where a redirect leads.
            .redirect(Policy::none())
            .connect_timeout(REACHED_WITHIN)
            .timeout(ANSWERS_WITHIN);
        if is_loopback(&parsed) {
            client = client.no_proxy();
        }
        let url = parsed.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client: client.build()?, url, token })
    }

    pub(super) async fn ask(&self, asked: Asked) -> Result<Answer, Failure> {
        let Asked { method, path, body } = asked;
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request.bearer_auth(self.token.expose_secret());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let unreachable = || format!("{} cannot be asked (--url or TWINWIRE_URL)", self.url);
        let response = request.send().await.map_err(reqwest::Error::without_url).with_context(unreachable)?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            let to = to.split_once("/v1/").map_or(to, |(base, _)| base);
            return Err(Failure::Failed(anyhow!(
                "{} answers with a redirect to {to}, which is not followed with a token; if that is your server, \
                 name it with --url",
                self.url
            )));
        }
        let body = response.bytes().await.map_err(reqwest::Error::without_url).with_context(unreachable)?;
        Ok(Answer { status: status.as_u16(), body: body.into() })
    }
}

/// The address of a server, if a token may be sent to it.
fn checked(text: &str, plain_http: bool) -> Result<Url, String> {
    let wrong = || format!("--url must be an address such as https://twinwire.example.com, and is `{text}`");
    let url = Url::parse(text).ok().filter(Url::has_host).ok_or_else(wrong)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("--url must not hold a name or a password; the token goes into TWINWIRE_TOKEN".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if plain_http || is_loopback(&url) => Ok(url),
        "http" => Err(format!(
            "{url} would carry the token unencrypted: use https://, or --plain-http if the network is your own"
        )),
        _ => Err(wrong()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn a_token_goes_over_tls_or_stays_on_the_machine_unless_said_otherwise() {
        for fine in
            ["https://twinwire.example.com", "http://127.0.0.1:8080/", "http://localhost", "http://[::1]:80"]
        {
            assert!(checked(fine, false).is_ok(), "{fine}");
        }
        for wrong in ["http://twinwire.example.com", "http://10.0.0.5:8080", "http://localhost.evil.example"]
        {
            let said = checked(wrong, false).unwrap_err();
            assert!(said.contains("--plain-http"), "{said}");
            assert!(checked(wrong, true).is_ok(), "{wrong}");
        }
        for wrong in
            ["twinwire", "ftp://x.example", "https://", "https://x.example/?a=b", "https://me:pw@x.example"]
        {
            let said = checked(wrong, true).unwrap_err();
            assert!(!said.contains("pw") || wrong != "https://me:pw@x.example", "{said}");
        }
    }
}
