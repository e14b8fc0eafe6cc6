//! Requests to Twilio. Credentials go to the configured address and nowhere else.

use super::config::{
    AUTH_TOKEN, Account, INBOUND, LONGEST_TEXT, NAME, SERVICE, STATUS, TIMEOUT, is_http, is_id,
};
use super::hook::REFERENCE;
use crate::media;
use crate::texts::is_smart;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use twinwire_core::connector::{Call, Context};
use twinwire_core::http::{Method, Request};
use twinwire_core::model::Message;
use twinwire_core::outcome::Refusal;
use twinwire_core::phone::{can_be_texted, network};

/// Everything but what RFC 3986 calls unreserved, so that nobody on the way has a reason to encode it again.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Five more tries within the 15 seconds that Twilio takes in all, whatever went wrong.
const TRIES: &str = "#rc=5&rp=all";

/// Further pages come from here.
const API: &str = "/2010-04-01/";

/// Makes the request for a call.
pub(super) fn build(call: &Call<'_>, context: &Context<'_>) -> Result<Request, Refusal> {
    if let Call::Deliver(message) = call {
        check(message, context)?;
    }
    let account = Account::of(context.settings)?;
    match *call {
        Call::Deliver(message) => Ok(deliver(&account, message, context)),
        Call::LookUp { page: Some(page), .. } | Call::List { page: Some(page), .. } => {
            further(&account, page)
        }
        Call::LookUp { message, page: None } => Ok(look_up(&account, message, context)),
        // A date filter goes by the time of sending, and a message that has none yet would be missing. The list comes
        // newest first: the reader stops when it gets to messages created before the time it asks about.
        Call::List { page: None, .. } => Ok(list(&account, &[("PageSize", "500")])),
        Call::Check => Ok(list(&account, &[("PageSize", "1")])),
        Call::Fetch { id } if is_id(id) => Ok(get(&account, account.messages(&format!("/{id}.json")))),
        Call::Files(message) => match message.provider_message_id.as_deref().filter(|id| is_id(id)) {
            Some(id) => Ok(get(&account, account.messages(&format!("/{id}/Media.json")))),
            None => Err(Refusal::permanent(None, "this is not a message of Twilio's")),
        },
        Call::File { url, .. } => media::request(url, account.base, get(&account, String::new())),
        Call::Fetch { .. } => Err(Refusal::permanent(None, "this is not an id of a Twilio message")),
        Call::ReadHook => Ok(get(
            &account,
            account.numbers(&format!(".json?{}", form(&[("PhoneNumber", number_of(context)?.0)]))),
        )),
        Call::SetHook { id } => set_hook(&account, id, &number_of(context)?.1),
        Call::Report { .. } | Call::Note { .. } | Call::Show { .. } => {
            Err(Refusal::permanent(None, "not supported: Twilio has no one to tell"))
        }
    }
}

/// What Twilio would refuse for certain is not sent; the codes are the ones that it would give.
fn check(message: &Message, context: &Context<'_>) -> Result<(), Refusal> {
    let refuse = |code: &str, words: &str| Err(Refusal::permanent(Some(code.to_owned()), words));
    let length = message.body.chars().count();
    if message.body.trim().is_empty() && media::addresses(context).next().is_none() {
        return refuse("21602", "the message has neither text nor file to send");
    }
    if length > LONGEST_TEXT {
        let words =
            format!("the text has {length} characters, {LONGEST_TEXT} are possible: send it in parts");
        return refuse("21617", &words);
    }
    let (theirs, number) = network(&message.recipient);
    // No short code is on WhatsApp.
    if !can_be_texted(number) || (!theirs.is_empty() && !number.starts_with('+')) {
        return refuse(
            "21211",
            "the recipient is neither a phone number with its country code nor a short code",
        );
    }
    if theirs != network(ours(message, context)).0 {
        let words =
            "the recipient and the channel's own number are not in the same network: one is on WhatsApp";
        return refuse("63007", words);
    }
    Ok(())
}

fn deliver(account: &Account<'_>, message: &Message, context: &Context<'_>) -> Request {
    let callback = callback(message, context);
    // The sender is named beside the service, too: a customer's thread stays with one number, and what the service has
    // is told apart by it.
    let mut fields = vec![("From", ours(message, context)), ("To", &message.recipient)];
    if !message.body.trim().is_empty() {
        fields.push(("Body", &message.body));
    }
    fields.extend(media::addresses(context).map(|url| ("MediaUrl", url)));
    fields.extend(context.settings.get(SERVICE).map(|service| ("MessagingServiceSid", service)));
    fields.extend(callback.as_deref().map(|url| ("StatusCallback", url)));
    if is_smart(context.settings) {
        fields.push(("SmartEncoded", "true"));
    }
    let mut request = get(account, account.messages(".json"));
    request.method = Method::Post;
    request.headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
    request.body = form(&fields).into_bytes();
    request
}

/// Where the fate of the message is to be told, with our own id in it. A callback that could not be checked
/// is not asked for: the polls bring the same.
fn callback(message: &Message, context: &Context<'_>) -> Option<String> {
    context.settings.get(AUTH_TOKEN)?;
    let channel = context.channel.filter(|_| is_http(context.public_url))?;
    let reference = utf8_percent_encode(&message.external_id, ENCODED);
    Some(format!("{}?{REFERENCE}={reference}", channel.provider_url(context.public_url, NAME, STATUS)))
}

/// Without a date, for the reason given at the list; and by the recipient alone where a messaging service sends, whose
/// messages have no sender at first.
fn look_up(account: &Account<'_>, message: &Message, context: &Context<'_>) -> Request {
    let mut filters = vec![("To", message.recipient.as_str())];
    if context.settings.get(SERVICE).is_none() {
        filters.push(("From", ours(message, context)));
    }
    filters.push(("PageSize", "100"));
    list(account, &filters)
}

/// Our own address.
pub(super) fn ours<'a>(message: &'a Message, context: &Context<'a>) -> &'a str {
    context.channel.map_or(&message.sender, |channel| &channel.address)
}

/// The channel's number, and where its messages are to go. What a `WhatsApp` sender or a messaging service does with them
/// stands elsewhere, and the number's own webhook may not be asked then.
pub(super) fn number_of<'a>(context: &Context<'a>) -> Result<(&'a str, String), Refusal> {
    let by_hand = |words: &str| Err(Refusal::permanent(None, words));
    let Some(channel) = context.channel else { return by_hand("a number's webhook is that of a channel") };
    if !network(&channel.address).0.is_empty() {
        return by_hand("the webhook of a WhatsApp sender is set in Twilio's console");
    }
    if context.settings.get(SERVICE).is_some() {
        return by_hand("the messaging service has a webhook of its own, which is set in Twilio's console");
    }
    if !channel.address.starts_with('+') {
        return by_hand("the webhook of a short code is set in Twilio's console");
    }
    Ok((&channel.address, channel.provider_url(context.public_url, NAME, INBOUND)))
}

/// An application at the number would be asked in place of its own URL, so it is taken off. The fragment has Twilio try
/// again for a while.
fn set_hook(account: &Account<'_>, id: &str, url: &str) -> Result<Request, Refusal> {
    if !is_id(id) {
        return Err(Refusal::permanent(None, "this is not an id of a Twilio number"));
    }
    let url = format!("{url}{TRIES}");
    let fields = [("SmsUrl", url.as_str()), ("SmsMethod", "POST"), ("SmsApplicationSid", "")];
    let mut request = get(account, account.numbers(&format!("/{id}.json")));
    request.method = Method::Post;
    request.headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
    request.body = form(&fields).into_bytes();
    Ok(request)
}

fn list(account: &Account<'_>, filters: &[(&str, &str)]) -> Request {
    get(account, account.messages(&format!(".json?{}", form(filters))))
}

/// A further page, as a former one named it. It is text from outside: anything that does not lead to the API
/// at the configured address gets no credentials. Compared as text, so that no two readings of a URL can
/// differ.
fn further(account: &Account<'_>, page: &str) -> Result<Request, Refusal> {
    let path = page.strip_prefix(account.base).unwrap_or(page);
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    // Who sends it takes an encoded dot for a dot.
    let dots = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let inside = path.split('?').next().is_some_and(|path| !path.split('/').any(dots));
    if path.starts_with(API) && plain && inside {
        Ok(get(account, format!("{}{path}", account.base)))
    } else {
        Err(Refusal::permanent(None, "the next page is not at Twilio's API"))
    }
}

fn get(account: &Account<'_>, url: String) -> Request {
    let (user, password) = account.caller;
    let credentials = STANDARD.encode(format!("{user}:{password}"));
    let headers =
        vec![("authorization", format!("Basic {credentials}")), ("accept", "application/json".to_owned())];
    Request { method: Method::Get, url, headers, body: Vec::new(), timeout: TIMEOUT }
}

fn form(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}
