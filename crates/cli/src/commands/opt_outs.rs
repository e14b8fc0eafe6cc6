//! `twinwire opt-outs`

use super::named::masked;
use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::listing::Listing;
use crate::{Outcome, output};
use twinwire_api::admin::MOST;
use twinwire_api::admin::opt_outs::{OptOutView, OptOuts};
use twinwire_store::consents::Source;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Show phone numbers whole; only their last two digits otherwise
    #[arg(long, global = true)]
    full: bool,
    /// Print JSON, with whole numbers
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List who does not want to be texted, the latest first; as without a word
    List(Filters),
}

#[derive(Debug, Default, clap::Args)]
struct Filters {
    /// From this channel's number alone, chn_…
    #[arg(long)]
    channel: Option<String>,
    /// How many at most [default: 50]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST)))]
    limit: Option<u16>,
    /// The next page: what the page before named
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| match &args.verb {
        None => list(client, &Filters::default(), args).await,
        Some(Verb::List(filters)) => list(client, filters, args).await,
    })
    .await
}

async fn list(client: &Client, filters: &Filters, args: &Args) -> Outcome {
    let path = Path::of(&["opt-outs"])
        .with("channel", filters.channel.as_ref())
        .with("limit", filters.limit)
        .with("before", filters.before.as_ref());
    let found: OptOuts = client.get(&path).await?;
    listing(filters, args.full).print_page(&found.opt_outs, found.next.as_deref(), &found, args.json)
}

fn listing(filters: &Filters, full: bool) -> Listing<OptOutView, 4> {
    let row = move |one: &OptOutView| {
        let address = if full { one.address.clone() } else { masked(&one.address) };
        let by = match one.source {
            Source::Customer => "the customer",
            Source::Provider => "the provider",
        };
        [address, one.channel.clone(), output::time(one.since), by.to_owned()]
    };
    let none = match &filters.channel {
        Some(channel) => {
            format!("Nobody has opted out of texts from channel {channel}; `twinwire opt-outs` lists all.")
        }
        None => "Nobody has opted out.".to_owned(),
    };
    Listing::new(["customer", "channel", "since (UTC)", "says"], row, none)
}
