//! Evidence about one message, in any order.

use super::input::Input;
use super::rules;
use super::world::{OURS, THEIRS, now, ours, seen, theirs};
use chrono::TimeDelta;
use twinwire_core::model::{Act, BoundBy, Direction, Message, Parked, Side, Status};
use twinwire_core::observe::{AtHelpdesk, AtProvider, fold_helpdesk, fold_provider};
use twinwire_core::settle::{Result as Came, apply, begin, park};

const STATUSES: [Status; 8] = [
    Status::Queued,
    Status::Sending,
    Status::Sent,
    Status::Delivered,
    Status::Canceled,
    Status::Undelivered,
    Status::Failed,
    Status::Read,
];
const BY: [BoundBy; 3] = [BoundBy::Echo, BoundBy::Reference, BoundBy::Answer];

/// One piece of evidence about the message `id`. A time of change comes with a payload, as [`AtProvider`] asks for.
pub(crate) fn evidence(input: &mut Input<'_>, id: &str, direction: Direction) -> AtProvider {
    let (from, to) = if direction == Direction::Inbound { (THEIRS, OURS) } else { (OURS, THEIRS) };
    let data = input.maybe(&[1, 2, 3]);
    AtProvider {
        direction,
        from: input.maybe(&[from]).unwrap_or_default().to_owned(),
        to: input.maybe(&[to, to]).unwrap_or_default().to_owned(),
        body: input.maybe(&["Hello", "", "Hallo", "Sent from a trial account - Hello"]).map(str::to_owned),
        status: input.maybe(&STATUSES),
        error_code: input.maybe(&["30003", "30005"]).map(str::to_owned),
        error_message: input.maybe(&["gone", "away"]).map(str::to_owned),
        created_at: input.flag().then(|| input.time(now())),
        sent_at: input.flag().then(|| input.time(now())),
        updated_at: (data.is_some() && input.flag()).then(|| input.time(now())),
        reference: None,
        data: data.map(|data| serde_json::Value::from(data).into()),
        ..seen(id)
    }
}

pub(crate) fn at_helpdesk(input: &mut Input<'_>, row: &Message) -> AtHelpdesk {
    AtHelpdesk {
        external_id: Some(row.external_id.clone()),
        accepted_as: input.maybe(&["uid"]).map(str::to_owned),
        id: input.maybe(&["msg"]).map(str::to_owned),
        thread: None,
        conversation: None,
        created_at: None,
    }
}

#[derive(Clone)]
enum Piece {
    Provider(AtProvider, BoundBy),
    Helpdesk(AtHelpdesk),
}

/// Evidence in two orders, in the second some of it twice: the row ends the same.
pub(crate) fn order(data: &[u8]) {
    let mut input = Input(data);
    let start = start(&mut input);
    let (id, direction) = match start.origin {
        Side::Provider => (start.external_id.clone(), start.direction),
        Side::Helpdesk => ("SM1".to_owned(), Direction::Outbound),
    };
    let mut pieces = Vec::new();
    while !input.is_over() && pieces.len() < 6 {
        pieces.push(match (start.origin, input.byte() % 3) {
            // Of an agent's message the helpdesk has had its own id from the start.
            (Side::Provider, 2) => Piece::Helpdesk(at_helpdesk(&mut input, &start)),
            (Side::Provider, _) => Piece::Provider(evidence(&mut input, &id, direction), BoundBy::Answer),
            (Side::Helpdesk, _) => Piece::Provider(evidence(&mut input, &id, direction), input.pick(&BY)),
        });
    }
    joined(&pieces);
    let straight = folded(&start, &pieces);
    let mut again = pieces.clone();
    for _ in 0..pieces.len() {
        let (from, to) = (usize::from(input.byte()), usize::from(input.byte()));
        let (from, to) = (from % again.len(), to % again.len());
        again.swap(from, to);
        again.push(pieces[from % pieces.len()].clone());
    }
    again.rotate_left(pieces.len() / 2);
    assert_eq!(folded(&start, &again), straight);
}

fn start(input: &mut Input<'_>) -> Message {
    let row = if input.flag() { theirs() } else { ours() };
    let begun = begin(&row, Act::Deliver, now() - TimeDelta::seconds(90));
    match input.byte() % 6 {
        0 => row,
        1 => begun,
        2 => begin(&begun, Act::LookUp, now()),
        3 => park(&begun, Parked::Uncertain, now()),
        4 => park(&row, Parked::TooOld, now()),
        _ => apply(&begun, Act::Deliver, &Came::Unknown("?".to_owned()), now(), 0.5),
    }
}

/// As the engine folds: all that is known of the message so far. Without what the clock gives.
fn folded(start: &Message, pieces: &[Piece]) -> Message {
    let mut known = (start.origin == Side::Provider).then(|| {
        let (from, to) = (start.sender.clone(), start.recipient.clone());
        AtProvider {
            direction: start.direction,
            from,
            to,
            body: Some(start.body.clone()),
            ..seen(&start.external_id)
        }
    });
    let mut row = start.clone();
    for (second, piece) in (1..).zip(pieces) {
        let at = now() + TimeDelta::seconds(second);
        row = match piece {
            Piece::Helpdesk(seen) => fold_helpdesk(&row, seen, at),
            Piece::Provider(seen, by) => {
                let all = known.take().map_or_else(|| seen.clone(), |known| known.join(seen.clone()));
                let row = fold_provider(Some(&row), &all, *by, at);
                assert_eq!(
                    fold_provider(Some(&row), &all, *by, at + TimeDelta::seconds(1)),
                    row,
                    "folded twice"
                );
                known = Some(all);
                row
            }
        };
        rules::storable(&row);
    }
    Message { wake_at: None, ..row }
}

fn joined(pieces: &[Piece]) {
    let all: Vec<_> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Provider(seen, _) => Some(seen.clone()),
            Piece::Helpdesk(_) => None,
        })
        .collect();
    if let [a, b, c, ..] = &all[..] {
        let left = a.clone().join(b.clone()).join(c.clone());
        assert_eq!(left, a.clone().join(b.clone().join(c.clone())), "associative");
        assert_eq!(left, c.clone().join(b.clone()).join(a.clone()), "commutative");
        assert_eq!(left.clone().join(b.clone()), left, "idempotent");
    }
}
