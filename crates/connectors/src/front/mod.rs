//! Front, by its Channel API for application channels.
//!
//! Front posts every message that an agent writes to the URL we named when the channel was connected, and takes
//! messages from us with a token that we sign ourselves. One secret, the app's, does both.
//!
//! | file | what |
//! |---|---|
//! | `config.rs` | the settings |
//! | `guide.rs` | what is asked and told in a set-up |
//! | `setup.rs` | checking the answers of the set-up |
//! | `hook.rs` | what Front posts to us: verified, then read |
//! | `request.rs` | what we ask of Front |
//! | `response.rs` | what we answer Front, and what Front's answers mean |
//! | `id.rs` | how a message is named on either side |
//! | `json.rs` | Front's JSON, read leniently |
//! | `multipart.rs` | requests with files |
//! | `README.md` | Front's rules, where they come from, and what is not known |

mod config;
mod guide;
mod hook;
mod id;
mod json;
mod multipart;
mod request;
mod response;
mod setup;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use std::time::Duration;
use twinwire_core::caps::{Caps, LookUp, Worse};
use twinwire_core::connector::{
    Call, Channel, Connector, Context, Prepared, Reading, Unreadable, Unverified,
};
use twinwire_core::http::{Answer, Hook, Method, Reply, Request};
use twinwire_core::media::fit::Limits;
use twinwire_core::model::{Message, Side};
use twinwire_core::outcome::{Outcome, Refusal};
use twinwire_core::pace::Pace;
use twinwire_core::setting::{Setting, Settings};
use twinwire_core::setup::Guide;

/// Front.
#[derive(Clone, Copy, Debug)]
pub struct Front;

/// A customer's message that never reaches the agent is worse than one that is there twice.
static CAPS: Caps = Caps {
    look_up: LookUp::KnownThread,
    worse: Worse::Never,
    // An upload may take 60 s, and its last bytes leave 35 s before anybody looks.
    settling: Duration::from_secs(90),
    longest_text: None,
    keeps_opt_outs: false,
    shows_standing: true,
};

impl Connector for Front {
    fn name(&self) -> &'static str {
        "front"
    }

    fn title(&self) -> &'static str {
        "Front"
    }

    fn side(&self) -> Side {
        Side::Helpdesk
    }

    fn caps(&self) -> &'static Caps {
        &CAPS
    }

    fn pace(&self, settings: &Settings) -> Result<Pace, String> {
        config::pace(settings)
    }

    fn media(&self, _: &Message) -> Option<&'static Limits> {
        Some(&config::FILES)
    }

    fn file_hosts(&self) -> &'static [&'static str] {
        config::FILE_HOSTS
    }

    fn settings(&self) -> &'static [Setting] {
        config::SETTINGS
    }

    fn guide(&self) -> &'static Guide {
        &guide::GUIDE
    }

    fn hook_methods(&self) -> &'static [Method] {
        &[Method::Post, Method::Delete]
    }

    fn prepare(&self, answers: &Settings) -> Result<Prepared, String> {
        setup::prepare(answers)
    }

    fn verify(&self, hook: &Hook<'_>, settings: &Settings, now: DateTime<Utc>) -> Result<(), Unverified> {
        hook::verify(hook, settings, now)
    }

    fn read(&self, hook: &Hook<'_>, channel: &Channel, _: &Settings) -> Result<Reading, Unreadable> {
        hook::read(hook, channel)
    }

    fn answer(
        &self,
        hook: &Hook<'_>,
        reading: &Reading,
        channel: &Channel,
        rows: &[Message],
        public_url: &str,
    ) -> Answer {
        response::answer(hook, reading, channel, rows, public_url)
    }

    fn error(&self, _: &Hook<'_>, status: u16, message: &str) -> Answer {
        response::error(status, message)
    }

    fn build(&self, call: &Call<'_>, context: &Context<'_>) -> Result<Request, Refusal> {
        request::build(call, context)
    }

    fn judge(&self, call: &Call<'_>, context: &Context<'_>, reply: &Reply) -> Outcome {
        response::judge(call, context, reply)
    }
}
