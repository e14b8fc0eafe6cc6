//! `twinwire healthcheck`

use crate::config::Config;
use crate::{Failure, Outcome};
use anyhow::{Context, anyhow};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// For images without a shell: asks `/healthz` where `TWINWIRE_LISTEN` says. Exit code 0 if the server answers.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(config: &Config, _args: &Args) -> Outcome {
    let address = reachable(&config.listen).await?;
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
    let asked = client.get(format!("http://{address}/healthz")).send().await;
    let status = asked.with_context(|| format!("no server answers at {address} (TWINWIRE_LISTEN)"))?.status();
    if !status.is_success() {
        return Err(Failure::Failed(anyhow!("the server at {address} answered {status}")));
    }
    Ok(())
}

/// Where a server is reached that listens there: one that listens everywhere is at home.
async fn reachable(listen: &str) -> anyhow::Result<SocketAddr> {
    let mut found = tokio::net::lookup_host(listen)
        .await
        .with_context(|| format!("{listen} is no address to listen on (TWINWIRE_LISTEN)"))?;
    let mut address = found.next().ok_or_else(|| anyhow!("{listen} is nowhere (TWINWIRE_LISTEN)"))?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_listens_everywhere_is_asked_at_home() {
        for (listen, asked) in
            [("0.0.0.0:8080", "127.0.0.1:8080"), ("[::]:8080", "[::1]:8080"), ("127.0.0.2:9", "127.0.0.2:9")]
        {
            assert_eq!(reachable(listen).await.unwrap().to_string(), asked);
        }
        assert!(reachable("nonsense").await.unwrap_err().to_string().contains("TWINWIRE_LISTEN"));
    }
}
