//! Who comes to a set-up by the page: a link for one use, and the visitor that it becomes.

use super::session::Session;
use super::{SetupError, random};
use crate::Engine;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use hmac::Mac;
use twinwire_store::setups;

/// How long a link to it can be used.
const LINK: TimeDelta = TimeDelta::minutes(30);

/// A link to the page of a set-up, to be used once and soon.
pub async fn link(engine: &Engine, session: &Session) -> Result<String, SetupError> {
    let link = random("", 32);
    setups::set_link(engine.pool(), session.id(), &link, engine.now() + LINK).await?;
    Ok(format!("{}/v1/install/{}/setup?link={link}", engine.public_url(), session.setup.pair))
}

/// Whether a link of this pair can still be used. It stays usable.
pub async fn knows_link(engine: &Engine, pair: &str, link: &str) -> Result<bool, SetupError> {
    Ok(setups::knows_link(engine.pool(), pair, link, engine.now()).await?)
}

/// Exchanges a link, once, for a visitor's token; none where the link is not good any more.
pub async fn spend_link(engine: &Engine, pair: &str, link: &str) -> Result<Option<String>, SetupError> {
    let visitor = random("", 32);
    let spent = setups::spend_link(engine.pool(), pair, link, &visitor, engine.now()).await?;
    Ok(spent.map(|_| visitor))
}

/// A visitor's token for a set-up, in place of a former one.
pub async fn visit(engine: &Engine, session: &Session) -> Result<String, SetupError> {
    let visitor = random("", 32);
    setups::set_visitor(engine.pool(), session.id(), &visitor).await?;
    Ok(visitor)
}

/// The set-up of a visitor.
pub async fn of_visitor(engine: &Engine, pair: &str, visitor: &str) -> Result<Option<String>, SetupError> {
    Ok(setups::of_visitor(engine.pool(), pair, visitor, engine.now()).await?)
}

/// What a visitor's forms carry: whoever has it has seen a page of theirs.
pub fn form_token(engine: &Engine, visitor: &str) -> String {
    let mut mac = engine.key().derived("forms of a set-up");
    mac.update(visitor.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}
