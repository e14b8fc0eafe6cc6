//! A small world that is as it should be, and what it is made of.

use super::super::super::ledger::Taken;
use super::super::super::plan::{Ending, PutIn};
use super::super::rows::{Row, Rows};
use super::super::world::{InFront, Place, Sms, World};
use super::super::{Asked, Findings, Known, judge};

pub(super) const NUMBER: &str = "+12015550000";
pub(super) const CUSTOMER: &str = "+12125550001";
pub(super) const PROVIDER: &str = "SignalWire";

pub(super) fn place(phone: &str) -> Place {
    (NUMBER.to_owned(), phone.to_owned())
}

pub(super) fn taken(nth: usize, text: &str, ending: Ending) -> Taken {
    let (id, uid) = (format!("msg_{nth}"), format!("uid_{nth}"));
    Taken { id, uid, text: text.to_owned(), files: Vec::new(), ending, at_home: true }
}

pub(super) fn name(nth: usize) -> String {
    format!("msg_{nth}-{CUSTOMER}")
}

pub(super) fn sent(nth: usize, text: &str) -> Sms {
    Sms { sid: format!("out{nth}"), reference: name(nth), text: text.to_owned(), ..Sms::default() }
}

/// One of a customer, whose webhook was answered at once.
pub(super) fn texted(sid: &str, text: &str, second: i64) -> Sms {
    let created = chrono::DateTime::from_timestamp(second, 0).unwrap();
    let (sid, text) = (sid.to_owned(), text.to_owned());
    Sms { sid, text, inbound: true, created, taken: Some(created), ..Sms::default() }
}

pub(super) fn foreign(sid: &str, text: &str) -> Sms {
    Sms { sid: sid.to_owned(), text: text.to_owned(), foreign: true, ..Sms::default() }
}

pub(super) fn shown(external_id: &str, text: &str, inbound: bool) -> InFront {
    let (external_id, text) = (external_id.to_owned(), text.to_owned());
    let uid = format!("shown_{external_id}");
    InFront { uid, external_id, text, inbound, synced: true, ..InFront::default() }
}

pub(super) fn written(nth: usize, text: &str, failed: bool) -> InFront {
    let (uid, external_id, text) = (format!("uid_{nth}"), name(nth), text.to_owned());
    InFront { uid, external_id, text, failed, ..InFront::default() }
}

pub(super) fn parked(external_id: &str, reason: &str) -> (String, Row) {
    let (external_id, parked) = (external_id.to_owned(), Some(reason.to_owned()));
    (external_id.clone(), Row { external_id, parked, ..Row::default() })
}

/// Everything that a verdict is about.
pub(super) struct Case {
    pub(super) asked: Asked,
    pub(super) world: World,
    pub(super) rows: Rows,
}

impl Case {
    /// A greeting, two agents' "OK", one refused and one that failed later, two customers' "OK" and another one, and one
    /// of another application.
    pub(super) fn clean() -> Self {
        let all = vec![
            taken(0, "Hello", Ending::Delivered),
            taken(1, "OK", Ending::Delivered),
            taken(2, "OK", Ending::Delivered),
            taken(3, "no", Ending::Refused),
            taken(4, "lame", Ending::FailsLater),
        ];
        let provider = vec![
            sent(0, "Hello"),
            sent(1, "OK"),
            texted("in1", "OK", 10),
            texted("in2", "OK", 20),
            sent(2, "OK"),
            texted("in3", "Bye", 30),
            sent(4, "lame"),
            foreign("app1", "Your parcel"),
        ];
        let mut front = vec![written(0, "Hello", false), written(1, "OK", false)];
        front.extend([shown("in1", "OK", true), shown("in2", "OK", true), shown("in3", "Bye", true)]);
        front.extend([written(2, "OK", false), written(3, "no", true), written(4, "lame", false)]);
        front.push(shown("app1", "Your parcel", false));
        front.push(shown(&format!("{}_failed", name(4)), "SMS failed to send.", true));
        let known = Known { place: place(CUSTOMER), provider: PROVIDER, taken: all, passer_by: false };
        let planned =
            [(PROVIDER, PutIn { agents: 4, customers: 3, applications: 1, ..PutIn::default() })].into();
        Self {
            asked: Asked { conversations: vec![known], strangers: Vec::new(), planned },
            world: World {
                front: [(place(CUSTOMER), front)].into(),
                providers: [((PROVIDER, place(CUSTOMER)), provider)].into(),
                complaints: Vec::new(),
            },
            rows: Rows([parked(&name(3), "refused")].into()),
        }
    }

    pub(super) fn front(&mut self) -> &mut Vec<InFront> {
        self.world.front.get_mut(&place(CUSTOMER)).unwrap()
    }

    pub(super) fn provider(&mut self) -> &mut Vec<Sms> {
        self.world.providers.get_mut(&(PROVIDER, place(CUSTOMER))).unwrap()
    }

    pub(super) fn in_front(&mut self, external_id: &str) -> &mut InFront {
        self.front().iter_mut().find(|message| message.external_id == external_id).unwrap()
    }

    /// What was planned at the provider.
    pub(super) fn planned(&mut self) -> &mut PutIn {
        self.asked.planned.get_mut(PROVIDER).unwrap()
    }

    pub(super) fn judged(self) -> Findings {
        judge(&self.asked, self.world, &self.rows)
    }
}

/// Each kind of offence that there is, with its count.
pub(super) fn offences(found: &Findings) -> Vec<(&'static str, usize)> {
    let offences = found.offences().into_iter().filter(|(_, offences)| offences.count > 0);
    offences.map(|(what, offences)| (what, offences.count)).collect()
}
