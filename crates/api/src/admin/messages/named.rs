//! Which message is meant: operators name it by any of its ids.

use crate::App;
use crate::admin::problem::Problem;
use twinwire_store::story::{self, Found};

/// Messages of one name at most: one helpdesk message to more people than that is not looked at one by one.
const MOST: i64 = 100;
/// How an operator finds a message.
const FIND: &str = "  twinwire sql \"select seq, occurred_at, direction, helpdesk_message_id,
    provider_message_id from messages where external_conversation_id = '+1…'
    order by occurred_at desc limit 20\"";

/// Every message of a name.
pub(super) async fn all(app: &App, name: &str) -> Result<Vec<Found>, Problem> {
    let name = name.trim();
    // What Postgres cannot hold is nobody's id.
    if name.is_empty() || name.contains('\0') {
        return Err(Problem::wrong("The message's id is empty, or no id."));
    }
    let found = story::find(app.engine.pool(), name, MOST).await?;
    if found.is_empty() { Err(unknown(app, name).await?) } else { Ok(found) }
}

/// The one message of a name.
pub(super) async fn one(app: &App, name: &str) -> Result<Found, Problem> {
    let mut found = all(app, name).await?;
    if found.len() > 1 {
        let list: Vec<String> = found.iter().map(|one| one.seq.to_string()).collect();
        return Err(Problem::wrong(format!(
            "{name} is {} messages, one to each recipient or part: name one of {}; `twinwire why {name}` shows them",
            found.len(),
            list.join(", ")
        )));
    }
    // There is at least one, or it would have been unknown.
    found.pop().ok_or_else(super::gone)
}

async fn unknown(app: &App, name: &str) -> Result<Problem, Problem> {
    let there = match story::at_provider(app.engine.pool(), name).await? {
        Some(true) => {
            " The provider has it, and it may be a send of unknown outcome: it waits until that is settled."
        }
        Some(false) => " The provider has it, but it is no message of a channel.",
        None => "",
    };
    Ok(Problem::not_found(format!(
        "no message is named {}: it is none of our ids, none of the helpdesk's, none of the provider's and no number of a \
         message.{there} Find it by the customer's number:",
        name.escape_debug()
    ))
    .hint(FIND))
}
