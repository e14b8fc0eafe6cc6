//! Requests that are made with what came from outside (of files in `files.rs`): our credentials go to the configured API and nowhere else.

use super::files;
use super::input::split;
use super::world::{
    FRONT, PUBLIC, SECRET, SIGNALWIRE, THEIRS, TWILIO, channel, context, now, ours, settings, theirs,
};
use twinwire_core::connector::{Call, Channel, Connector, Context};
use twinwire_core::http::{Answer, Reply, Request};
use twinwire_core::model::{Message, Side};
use twinwire_core::outcome::{Done, Outcome};
use url::Url;

/// Options: the API's address. Then anything: it is tried as a page, a redirection and every kind of id.
pub(crate) fn check(data: &[u8]) {
    let (mut options, text) = split(data);
    let api = options.pick(&[
        "https://acme.example.test",
        "http://127.0.0.1:8080/base",
        "https://api2.frontapp.com",
    ]);
    let text = String::from_utf8_lossy(text);
    for connector in [FRONT, SIGNALWIRE, TWILIO] {
        further(connector, api, &text);
        further(connector, api, &format!("{api}{text}"));
        further(connector, api, &format!("/api/laml/{text}"));
        further(connector, api, &format!("/2010-04-01/{text}"));
        ids(connector, api, &text);
        files::around(connector, api, &text);
    }
    redirected(api, &text);
}

/// A further page, as a former one named it.
pub(crate) fn further(connector: &dyn Connector, api: &str, page: &str) {
    let (settings, channel) = (settings(connector, api), channel());
    let context = context(&settings, &channel, Some("cnv_9d3f"));
    let message = if connector.side() == Side::Provider { ours() } else { theirs() };
    let calls =
        [Call::LookUp { message: &message, page: Some(page) }, Call::List { since: None, page: Some(page) }];
    for call in &calls {
        let Ok(request) = connector.build(call, &context) else { continue };
        let url = sound(&request);
        assert!(page.contains(SECRET) || !request.url.contains(SECRET), "a secret in the URL");
        let configured = Url::parse(api).unwrap_or_else(|_| unreachable!());
        if connector.side() == Side::Provider {
            assert_eq!(url.origin(), configured.origin(), "{page:?} leads to {url}");
            let root = if connector.name() == TWILIO.name() { "/2010-04-01/" } else { "/api/laml/" };
            let inside = format!("{}{root}", configured.path().trim_end_matches('/'));
            assert!(url.path().starts_with(&inside), "{page:?} leads out of the API to {url}");
        } else if url.origin() != configured.origin() {
            let host = url.host_str().unwrap_or_default();
            let at_front =
                url.scheme() == "https" && url.port().is_none() && host.ends_with(".api.frontapp.com");
            assert!(at_front, "{page:?} leads to {url}");
        }
    }
}

/// What every request with credentials is: a URL that reads in one way, without a user, and headers of one line.
pub(crate) fn sound(request: &Request) -> Url {
    let Ok(url) = Url::parse(&request.url) else { panic!("{:?} is no URL", request.url) };
    assert!(request.url.bytes().all(|b| b.is_ascii_graphic()), "{:?}", request.url);
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    for (name, value) in &request.headers {
        assert!(value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()), "{name}: {value:?}");
    }
    url
}

/// A conversation that moved: where Front's redirection leads, or nowhere.
fn redirected(api: &str, location: &str) {
    let (settings, channel) = (settings(FRONT, api), channel());
    let context = context(&settings, &channel, Some("cnv_9d3f"));
    let row = theirs();
    let headers = vec![("location".to_owned(), location.to_owned())];
    let reply = Reply::Answer(Answer { status: 301, headers, body: Vec::new() });
    let outcome = FRONT.judge(&Call::LookUp { message: &row, page: None }, &context, &reply);
    if let Outcome::Done(Done::Page(page)) = outcome {
        assert_eq!(page.observations, []);
        let next = page.next.unwrap_or_default();
        further(FRONT, api, &next);
        // One step only: a redirection in a circle comes to an end.
        let again = FRONT.judge(&Call::LookUp { message: &row, page: Some(&next) }, &context, &reply);
        assert!(matches!(again, Outcome::Refused(_)), "{again:?}");
    }
}

/// An id stays one part of the path, whatever is in it.
fn ids(connector: &dyn Connector, api: &str, id: &str) {
    let set_up = settings(connector, api);
    let (channel, odd) =
        (channel(), Channel { id: id.to_owned(), helpdesk_channel_id: Some(id.to_owned()), ..channel() });
    let known = Message {
        external_id: id.to_owned(),
        conversation: id.to_owned(),
        sender: id.to_owned(),
        ..theirs()
    };
    let order = Message { external_id: id.to_owned(), ..ours() };
    let plain = if connector.side() == Side::Provider { ours() } else { theirs() };
    let note = Call::Note { message: &known, external_id: id, text: id };
    let report = Call::Report { message: &known, reason: id };
    let cases = [
        (Call::Fetch { id }, &channel, None),
        (Call::LookUp { message: &plain, page: None }, &channel, Some(id)),
        (Call::Deliver(&plain), &odd, None),
        (Call::Deliver(&known), &channel, None),
        (Call::Deliver(&order), &channel, None),
        (note, &channel, None),
        (report, &channel, None),
    ];
    for (call, channel, thread) in &cases {
        let context =
            Context { thread: *thread, public_url: PUBLIC, now: now(), ..context(&set_up, channel, None) };
        let Ok(request) = connector.build(call, &context) else { continue };
        let url = sound(&request);
        assert!(request.url.starts_with(&format!("{api}/")), "{}", request.url);
        let plain_id = |text: &str| text.replace(['/', '.', '?', '#', '\\'], "_");
        let tame = Tame::of(&plain_id(id));
        let Ok(expected) = connector.build(&tame.call(call), &tame.context(&context)) else { continue };
        let parts = |url: &Url| url.path().split('/').count();
        assert_eq!(parts(&url), parts(&sound(&expected)), "{call:?}: {id:?} makes {url}");
    }
}

/// The same call with an id that means nothing in a path.
struct Tame {
    id: String,
    row: Message,
    channel: Channel,
}

impl Tame {
    fn of(id: &str) -> Self {
        let id = if id.is_empty() { "x".to_owned() } else { id.to_owned() };
        let row = Message { external_id: id.clone(), conversation: id.clone(), ..theirs() };
        Self { channel: Channel { helpdesk_channel_id: Some(id.clone()), ..channel() }, row, id }
    }

    fn call<'a>(&'a self, call: &Call<'a>) -> Call<'a> {
        match *call {
            Call::Fetch { .. } => Call::Fetch { id: &self.id },
            Call::Report { reason, .. } => Call::Report { message: &self.row, reason },
            Call::Note { text, .. } => Call::Note { message: &self.row, external_id: &self.id, text },
            Call::Deliver(message) if message.recipient == THEIRS => Call::Deliver(message),
            Call::Deliver(_) => Call::Deliver(&self.row),
            other => other,
        }
    }

    fn context<'a>(&'a self, context: &Context<'a>) -> Context<'a> {
        Context { channel: Some(&self.channel), thread: context.thread.map(|_| &*self.id), ..*context }
    }
}
