//! What has to hold for any input, as functions over bytes: one for each target of the fuzzer, and for the test that
//! runs the seeds through them (`crates/connectors/tests/seeds.rs`), which takes this file in by its path.
//!
//! Every input begins with one line of options, so that seeds can be read and written by hand.

mod answers;
mod doors;
mod files;
mod hooks;
mod input;
mod life;
mod pages;
mod rows;
mod rules;
mod setups;
mod values;
mod world;

/// A target of the fuzzer.
pub type Target = fn(&[u8]);

/// Every target, by the name of its seeds' folder.
pub const TARGETS: &[(&str, Target)] = &[
    ("front_answer", front_answer),
    ("front_authorization", front_authorization),
    ("front_autoreply", front_autoreply),
    ("front_delete", front_delete),
    ("front_imported", front_imported),
    ("front_message", front_message),
    ("order", order),
    ("page", page),
    ("retry", retry),
    ("row", row),
    ("setup", setup),
    ("signalwire_answer", signalwire_answer),
    ("signalwire_inbound", signalwire_inbound),
    ("signalwire_status", signalwire_status),
    ("signature", signature),
    ("twilio_answer", twilio_answer),
    ("twilio_inbound", twilio_inbound),
    ("twilio_status", twilio_status),
    ("value", value),
];

/// Front's notice that a user connects the channel.
pub fn front_authorization(data: &[u8]) {
    hooks::front("authorization", data);
}

/// An agent's message.
pub fn front_message(data: &[u8]) {
    hooks::front("message", data);
}

/// An automatic reply.
pub fn front_autoreply(data: &[u8]) {
    hooks::front("message_autoreply", data);
}

/// Front's notice of a message that we put there.
pub fn front_imported(data: &[u8]) {
    hooks::front("message_imported", data);
}

/// Front's notice that a user removes the channel.
pub fn front_delete(data: &[u8]) {
    hooks::front("delete", data);
}

/// A customer's text.
pub fn signalwire_inbound(data: &[u8]) {
    hooks::provider(&hooks::BY_SIGNALWIRE, "inbound", data);
}

/// What became of a message of ours.
pub fn signalwire_status(data: &[u8]) {
    hooks::provider(&hooks::BY_SIGNALWIRE, "status", data);
}

/// Front's answers to our calls.
pub fn front_answer(data: &[u8]) {
    answers::check(world::FRONT, data);
}

/// SignalWire's answers to our calls.
pub fn signalwire_answer(data: &[u8]) {
    answers::check(world::SIGNALWIRE, data);
}

/// A customer's text, by Twilio.
pub fn twilio_inbound(data: &[u8]) {
    hooks::provider(&hooks::BY_TWILIO, "inbound", data);
}

/// What became of a message of ours, by Twilio.
pub fn twilio_status(data: &[u8]) {
    hooks::provider(&hooks::BY_TWILIO, "status", data);
}

/// Twilio's answers to our calls.
pub fn twilio_answer(data: &[u8]) {
    answers::check(world::TWILIO, data);
}

/// Signatures, addresses and headers from anybody.
pub fn signature(data: &[u8]) {
    doors::check(data);
}

/// Ids and addresses of pages that come from outside and go into requests that carry credentials.
pub fn page(data: &[u8]) {
    pages::check(data);
}

/// A person's answers of the set-up.
pub fn setup(data: &[u8]) {
    setups::check(data);
}

/// Phone numbers, texts, segments.
pub fn value(data: &[u8]) {
    values::check(data);
}

/// Waits: what a vendor asks for, and our own.
pub fn retry(data: &[u8]) {
    values::retry(data);
}

/// Evidence about one message, in two orders.
pub fn order(data: &[u8]) {
    rows::order(data);
}

/// The life of one row: evidence, acts, crashes.
pub fn row(data: &[u8]) {
    life::check(data);
}
