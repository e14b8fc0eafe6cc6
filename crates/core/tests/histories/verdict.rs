//! What has to be true when a history is over.

use crate::shell::Shell;
use crate::world::{OURS, Sms, at};
use std::collections::{BTreeMap, BTreeSet};
use twinwire_core::caps::Worse;
use twinwire_core::identity::could_be;
use twinwire_core::model::{BoundBy, Direction, Message, Need, Parked, Side, Status, Told};

pub(crate) fn of(shell: &Shell) -> Result<(), String> {
    let accepted = accepted(shell);
    for row in &shell.rows {
        let times = accepted.get(&*row.external_id).map_or(0, Vec::len);
        let blind = shell.blind.get(&row.external_id).copied().unwrap_or_default();
        delivered(shell, row, times, blind).map_err(|why| format!("{why} (accepted {times}x): {row:?}"))?;
        told(shell, row, blind).map_err(|why| format!("{why}: {row:?}"))?;
    }
    one_row_each(shell)?;
    shell.provider.messages.iter().try_for_each(|sms| represented(shell, sms, &accepted))?;
    in_order(shell, &accepted)
}

/// When each row's message was taken at its destination, as places in that side's own order.
fn accepted(shell: &Shell) -> BTreeMap<&str, Vec<usize>> {
    let mut accepted: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, sms) in shell.provider.messages.iter().enumerate() {
        if let Some(id) = &sms.sent_for {
            accepted.entry(id).or_default().push(place);
        }
    }
    for (place, import) in shell.helpdesk.imports.iter().enumerate() {
        accepted.entry(&import.external_id).or_default().push(place);
    }
    accepted
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn delivered(shell: &Shell, row: &Message, times: usize, blind: u32) -> Result<(), String> {
    ensure(times <= 1 + usize::try_from(blind).unwrap(), "delivered twice")?;
    let there = row.destination_id().is_some();
    ensure(there || row.parked.is_some(), "neither delivered nor put aside")?;
    ensure(!there || row.parked.is_none(), "put aside, and it is there")?;
    // A late echo may tell that an older attempt arrived; a file is fetched before the first one.
    let whole = row.media.iter().all(|medium| medium.key().is_some());
    ensure(row.origin == Side::Provider || !there || whole, "sent without its file")?;
    let caps = if row.destination() == Side::Helpdesk { shell.setup.helpdesk } else { shell.setup.provider };
    let given_up = row.parked == Some(Parked::GaveUp);
    ensure(!given_up || caps.worse == Worse::Twice, "given up where never is worse")?;
    ensure(times == 0 || row.parked != Some(Parked::Refused), "said to be refused, and it was delivered")?;
    let seen = row.provider_message_id.as_ref().map(|id| &shell.seen[id]);
    ensure(seen.is_none_or(|seen| seen.status == row.provider_status), "the status of another message")?;
    // Another app's message with the same text to the same person, sent in the same minute, cannot be told from ours.
    let twin = row.bound_by == Some(BoundBy::Echo) && row.origin == Side::Helpdesk;
    ensure(!there || times > 0 || twin, "believed to be delivered, and it is not")?;
    ensure(row.wake_at.is_none() && row.need() == Need::Nothing, "work is left")
}

fn told(shell: &Shell, row: &Message, blind: u32) -> Result<(), String> {
    let marked = u32::from(shell.helpdesk.marks.contains(&row.external_id));
    let noted = shell.helpdesk.notes.get(&row.external_id).copied().unwrap_or_default();
    ensure(marked + noted <= 1 + blind, "the helpdesk was told twice")?;
    let failed = row.parked.is_some() || row.provider_status.is_some_and(Status::is_failure);
    let due = failed && row.origin == Side::Helpdesk;
    ensure(
        !due || marked + noted > 0 || row.helpdesk_status == Some(Told::Untold),
        "the helpdesk was not told",
    )?;
    let others = shell
        .provider
        .messages
        .iter()
        .any(|sms| sms.direction == Direction::Outbound && sms.sent_for.is_none());
    let had_to = failed || others || shell.ever_parked.contains(&row.external_id);
    ensure(had_to || marked + noted == 0, "the helpdesk was told of a failure that was none")?;
    ensure(
        row.origin == Side::Helpdesk || marked + noted == 0,
        "the helpdesk was told of a message that was not its own",
    )
}

fn one_row_each(shell: &Shell) -> Result<(), String> {
    let mut bound = BTreeSet::new();
    for id in shell.rows.iter().filter_map(|row| row.provider_message_id.as_ref()) {
        ensure(bound.insert(id), &format!("two rows have {id}"))?;
    }
    Ok(())
}

/// Every message at the provider that was ever shown is one row's, and only what others sent is brought into the helpdesk.
fn represented(shell: &Shell, sms: &Sms, accepted: &BTreeMap<&str, Vec<usize>>) -> Result<(), String> {
    let Some(seen) = shell.seen.get(&sms.id) else { return Ok(()) };
    let imported = accepted.get(&*sms.id).map_or(0, Vec::len);
    let row = shell.rows.iter().find(|row| row.provider_message_id.as_ref() == Some(&sms.id));
    if let Some(id) = &sms.sent_for {
        let is_twin = |other: &Sms| {
            let same = (&other.customer, &other.text) == (&sms.customer, &sms.text);
            same && other.direction == Direction::Outbound && other.sent_for.is_none()
        };
        let excused = shell.blind.contains_key(id) || shell.provider.messages.iter().any(is_twin);
        return ensure(imported == 0 || excused, &format!("our own message was imported: {}", sms.id));
    }
    let held = shell.rows.iter().any(|row| row.parked.is_some() && could_be(seen, row));
    let ours = row.is_some_and(|row| row.origin == Side::Helpdesk && row.bound_by == Some(BoundBy::Echo));
    let parked = row.is_some_and(|row| row.parked.is_some());
    let blind = shell.blind.contains_key(&sms.id);
    let fine = imported == 1 || (imported == 0 && (held || ours || parked)) || (imported > 1 && blind);
    ensure(fine, &format!("{} from {} was imported {imported} times: {row:?}", sms.id, at(0)))?;
    ensure(row.is_none_or(|row| row.sender == OURS || row.recipient == OURS), "a row of another address")
}

/// Messages of one conversation that go the same way arrive in the order of their rows, except for those put aside.
fn in_order(shell: &Shell, accepted: &BTreeMap<&str, Vec<usize>>) -> Result<(), String> {
    let mut last: BTreeMap<(&str, Side, bool), (usize, &str)> = BTreeMap::new();
    for row in shell.rows.iter().filter(|row| !shell.ever_parked.contains(&row.external_id)) {
        let Some(place) = accepted.get(&*row.external_id).and_then(|places| places.first()) else { continue };
        let lane = (&*row.conversation, row.origin, row.direction == Direction::Inbound);
        if let Some((before, earlier)) = last.insert(lane, (*place, &row.external_id)) {
            ensure(before < *place, &format!("out of order: {} came before {earlier}", row.external_id))?;
        }
    }
    Ok(())
}
