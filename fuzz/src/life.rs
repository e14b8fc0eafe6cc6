//! The life of one row under evidence, acts, crashes and waits.

use super::input::Input;
use super::rows::{at_helpdesk, evidence};
use super::rules;
use super::world::{FRONT, OURS, SIGNALWIRE, THEIRS, now, ours, theirs};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use twinwire_core::identity::{Identity, Known, identify};
use twinwire_core::media::{Fetched, File, Medium, next};
use twinwire_core::model::{Act, Begun, BoundBy, Direction, Message, Need, Parked, Side};
use twinwire_core::observe::{
    AtHelpdesk, AtProvider, Ordered, fold_helpdesk, fold_order, fold_provider, release,
};
use twinwire_core::outcome::{Refusal, RefusalKind};
use twinwire_core::plan::{Action, End, FETCH_WITHIN, Facts, Policy, plan};
use twinwire_core::settle::{Result as Came, apply, begin, park, tidy};

/// A row and what is known around it.
struct Life {
    row: Message,
    known: Vec<AtProvider>,
    now: DateTime<Utc>,
    /// A delivery was begun, and nobody has said yet that it certainly did not happen.
    open: bool,
}

/// Any sequence of evidence, acts, crashes and waits.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input(data);
    let start = input.byte();
    let mut row = if start & 1 == 1 { theirs() } else { ours() };
    if start & 2 == 2 {
        // The first of two files still has to be asked for by name.
        let named = File { url: Some("https://files.example/2".to_owned()), ..File::default() };
        row.media = [File::default(), named].map(Medium::from).to_vec();
    }
    let mut life = Life { row, known: Vec::new(), now: now(), open: false };
    for _ in 0..80 {
        if input.is_over() {
            break;
        }
        let before = life.row.clone();
        let settled = match input.byte() % 8 {
            0 => life.ordered(),
            1 | 2 => life.provider(&mut input),
            3 => life.helpdesk(&mut input),
            4 => life.waits(&mut input),
            _ => life.step(&mut input),
        };
        life.sound(&before, settled);
    }
}

/// Whether a doubt about the delivery may have gone by what was just done, though no id came.
type Settled = bool;

impl Life {
    /// The helpdesk's order again: nothing new.
    fn ordered(&mut self) -> Settled {
        if self.row.origin == Side::Helpdesk {
            let order = Ordered {
                external_id: self.row.external_id.clone(),
                second_choice: None,
                helpdesk_message_id: "msg_1q5x".to_owned(),
                thread: None,
                recipient: THEIRS.to_owned(),
                body: "Hello".to_owned(),
                files: Vec::new(),
                part: twinwire_core::parts::Part::WHOLE,
                data: serde_json::Value::Null.into(),
                occurred_at: Some(now()),
            };
            let after = fold_order(Some(&self.row), &order, OURS, self.now);
            assert_eq!(after, self.row, "the same order changes nothing");
        }
        false
    }

    /// The provider shows a message: this one, or another to the same person.
    fn provider(&mut self, input: &mut Input<'_>) -> Settled {
        let ours = self.row.origin == Side::Helpdesk;
        let id = if ours { input.pick(&["SM1", "SM2"]) } else { "SM0c5e" };
        let direction = if ours { Direction::Outbound } else { self.row.direction };
        let mut seen = evidence(input, id, direction);
        seen.reference = (ours && id == "SM1" && input.flag()).then(|| self.row.external_id.clone());
        let all = match self.known.iter_mut().find(|known| known.id == seen.id) {
            Some(known) => {
                *known = known.clone().join(seen);
                known.clone()
            }
            None => {
                self.known.push(seen.clone());
                seen
            }
        };
        self.place(&all);
        false
    }

    fn place(&mut self, seen: &AtProvider) {
        let row = &self.row;
        let bound = row.provider_message_id.as_deref();
        let rivals: Vec<_> = self.known.iter().filter(|other| bound != Some(&other.id)).cloned().collect();
        let uncertain = std::slice::from_ref(row);
        let known = Known {
            by_id: (bound == Some(&seen.id)).then_some(row),
            by_reference: seen.reference.as_ref().map(|_| row),
            uncertain: if row.origin == Side::Helpdesk { uncertain } else { &[] },
            rivals: &rivals,
        };
        match identify(seen, OURS, known) {
            Identity::Row(_, by) => {
                let after = fold_provider(Some(row), seen, by, self.now);
                assert_eq!(fold_provider(Some(&after), seen, by, self.now), after, "folded twice");
                assert!(after.bound_by >= row.bound_by, "a certainty went down");
                let same = bound == after.provider_message_id.as_deref();
                assert!(!same || after.provider_status >= row.provider_status, "a status went down");
                self.row = after;
            }
            Identity::Moved { .. } => panic!("there is one row"),
            Identity::New | Identity::Hold | Identity::Copy(_) | Identity::Foreign => {}
        }
    }

    fn helpdesk(&mut self, input: &mut Input<'_>) -> Settled {
        // The helpdesk cannot show what was never tried, and answers come with the call.
        if self.row.attempted_at.is_some() {
            let seen = at_helpdesk(input, &self.row);
            self.row = fold_helpdesk(&self.row, &seen, self.now);
        }
        // A guess that proves wrong.
        if self.row.bound_by == Some(BoundBy::Echo) && input.flag() {
            self.row = release(&self.row, self.now);
            self.known.clear();
            self.open = self.row.attempted_at.is_some();
        }
        false
    }

    fn waits(&mut self, input: &mut Input<'_>) -> Settled {
        let unit = input.pick(&[1, 60, 3_600, 86_400]);
        self.now += TimeDelta::seconds(i64::from(input.byte()) * unit);
        false
    }

    fn step(&mut self, input: &mut Input<'_>) -> Settled {
        let policy = Policy { give_up_after: input.pick(&[50, 1, 3, 1000]), ..Policy::default() };
        let rest = |input: &mut Input<'_>| (input.byte() % 8 == 7).then(|| self.now + TimeDelta::minutes(1));
        let facts = Facts {
            active: input.byte() % 8 != 7,
            turn: input.byte() % 8 != 7,
            thread_known: input.flag(),
            opted_out: false,
            broken_off: false,
            helpdesk: End { caps: FRONT.caps(), paused_until: rest(input) },
            provider: End { caps: SIGNALWIRE.caps(), paused_until: rest(input) },
            policy: &policy,
        };
        let action = plan(&self.row, &facts, self.now);
        assert_eq!(action, plan(&self.row, &facts, self.now));
        match action {
            Action::Do(act) => return self.act(act, input),
            Action::Park(why) => {
                assert_ne!(why, Parked::Refused, "only a vendor refuses");
                self.row = park(&self.row, why, self.now);
            }
            Action::WaitUntil(until) => {
                assert!(until > self.now, "a wait until the past");
                // As the database keeps it, and not before.
                let kept = until.trunc_subsecs(6);
                self.now = if kept < until { kept + TimeDelta::microseconds(1) } else { kept };
            }
            Action::Nothing if self.row.in_flight.is_some() && self.row.need() == Need::Nothing => {
                self.row = tidy(&self.row);
            }
            Action::Nothing | Action::WaitTurn | Action::WaitChannel => {}
        }
        false
    }

    fn act(&mut self, act: Act, input: &mut Input<'_>) -> Settled {
        let twice_is_worse = self.row.destination() == Side::Provider;
        if act == Act::Deliver {
            assert!(!(self.open && twice_is_worse), "sent again without knowing what became of it");
            assert_eq!(self.row.destination_id(), None, "delivered again");
            let late = self.row.origin == Side::Provider && self.now - self.row.seen_at >= FETCH_WITHIN;
            assert!(late || next(&self.row).is_none(), "delivered without its files");
        }
        let carried =
            self.row.origin == Side::Provider && self.row.media.iter().any(|medium| medium.key().is_some());
        let was_open = self.open;
        let doubt = self.row.standing_doubt();
        self.row = begin(&self.row, act, self.now);
        rules::storable(&self.row);
        if act == Act::Deliver {
            self.open = true;
        }
        self.now += TimeDelta::seconds(i64::from(input.byte() % 31));
        // Evidence may come during the call; and the process may die.
        if input.byte() % 4 == 3 {
            self.provider(input);
        }
        let came = match input.byte() % 8 {
            0 => return false,
            1 | 2 if act == Act::Fetch => self.fetched(input),
            1 | 2 => self.done(act, doubt, input),
            3 if act == Act::LookUp => Came::NotThere,
            4 if act == Act::LookUp => Came::Ambiguous,
            5 => Came::Unknown("timed out".to_owned()),
            _ => Came::Refused(refusal(input)),
        };
        // The vendor answers nobody at present.
        let came = if input.byte() % 8 == 7 { came.while_away() } else { came };
        let about_delivery = act == Act::Deliver || doubt.is_some_and(|doubt| doubt.act == Act::Deliver);
        self.row = apply(&self.row, act, &came, self.now, f64::from(input.byte()) / 256.0);
        assert_eq!(self.row.in_flight, None);
        let certain = match (act, &came) {
            (Act::Deliver, Came::Refused(_) | Came::Away { perhaps: false, .. }) => !was_open,
            (Act::LookUp, Came::NotThere) => about_delivery,
            _ => false,
        };
        if certain {
            self.open = false;
        }
        if let (Act::Deliver, Came::Refused(Refusal { kind: RefusalKind::Permanent, .. })) = (act, &came) {
            // A customer's message is tried again without its files.
            let left = carried && self.row.media.iter().all(|medium| medium.key().is_none());
            assert!(
                self.row.destination_id().is_some() || self.row.parked.is_some() || left,
                "refused for good and not put aside"
            );
        }
        certain
    }

    /// What came of fetching: the list of names, the file, its text, or nothing.
    fn fetched(&self, input: &mut Input<'_>) -> Came {
        let Some((_, Medium { file, .. })) = next(&self.row) else { panic!("nothing is to be fetched") };
        let named = || File { url: Some("https://files.example/1".to_owned()), ..File::default() };
        Came::Fetched(match (&file.url, input.byte() % 4) {
            (_, 0) => Fetched::Missing { why: "it is gone".to_owned() },
            (None, 1) => Fetched::Listed(Vec::new()),
            (None, _) => Fetched::Listed(vec![named()]),
            (Some(url), 1) => Fetched::Said { url: url.clone(), text: "Hello".to_owned() },
            (Some(url), _) => {
                Fetched::Kept { url: url.clone(), key: "chn_1/f1".to_owned(), file: file.clone() }
            }
        })
    }

    /// A success; a delivery and its look-up bring evidence along, or are not believed.
    fn done(&mut self, act: Act, doubt: Option<Begun>, input: &mut Input<'_>) -> Came {
        let about_note = doubt.is_some_and(|doubt| doubt.act == Act::Note);
        if act == Act::Deliver || (act == Act::LookUp && !about_note) {
            match (self.row.destination(), input.byte() % 4) {
                (_, 3) => {}
                (Side::Provider, _) => {
                    let mut answer = evidence(input, "SM1", Direction::Outbound);
                    answer.reference = Some(self.row.external_id.clone());
                    self.known.retain(|known| known.id != answer.id);
                    self.known.push(answer.clone());
                    self.place(&answer);
                }
                (Side::Helpdesk, _) => {
                    let seen =
                        AtHelpdesk { accepted_as: Some("uid".to_owned()), ..at_helpdesk(input, &self.row) };
                    self.row = fold_helpdesk(&self.row, &seen, self.now);
                }
            }
        }
        Came::Done
    }

    /// What holds after every event.
    fn sound(&mut self, before: &Message, settled: Settled) {
        let row = &self.row;
        rules::storable(row);
        if row.destination_id().is_some() {
            self.open = false;
            rules::settled(row);
        }
        let in_doubt = |row: &Message| row.standing_doubt().is_some_and(|doubt| doubt.act == Act::Deliver);
        let hidden = row.parked == Some(Parked::Uncertain) && row.standing_doubt().is_some();
        let gone = in_doubt(before) && !in_doubt(row) && !hidden;
        assert!(
            !gone || settled || row.destination_id().is_some(),
            "a doubt went by itself: {before:?} to {row:?}"
        );
        if before.destination_id().is_some() && row.bound_by == before.bound_by {
            assert!(row.destination_id().is_some(), "an id is lost");
        }
        if row.need() == Need::Nothing && row.in_flight.is_none() {
            assert_eq!(row.wake_at, None, "awake with nothing to do");
        }
        assert!(row.failures <= 1_000);
    }
}

fn refusal(input: &mut Input<'_>) -> Refusal {
    let kinds =
        [RefusalKind::Later, RefusalKind::Permanent, RefusalKind::Credentials, RefusalKind::Throttled(None)];
    Refusal {
        kind: input.pick(&kinds),
        code: input.maybe(&["21610"]).map(str::to_owned),
        message: "no".to_owned(),
    }
}
