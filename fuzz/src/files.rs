//! Files of messages: addresses from outside, to which our credentials must not follow.

use super::pages::sound;
use super::rules;
use super::world::{TWILIO, channel, context, ours, settings, theirs};
use twinwire_core::connector::{Attachment, Call, Connector, Content};
use twinwire_core::http::Method;
use twinwire_core::media::File;
use twinwire_core::media::fit::essence;
use twinwire_core::model::{Message, Side};
use url::Url;

/// Files of one message that are looked at, by the side where it was born.
fn most(side: Side) -> usize {
    match side {
        Side::Provider => 20,
        Side::Helpdesk => 50,
    }
}

/// What a connector read of a message's files.
pub(crate) fn read(connector: &dyn Connector, api: &str, files: &[File]) {
    assert!(files.len() <= most(connector.side()), "{} files are looked at", files.len());
    // Where some have no address the list is asked for, and it would bring the others once more.
    let named = files.iter().filter(|file| file.url.is_some()).count();
    assert!(named == 0 || named == files.len(), "only {named} of {} files have an address", files.len());
    for file in files {
        [&file.url, &file.content_type, &file.name].into_iter().flatten().for_each(|said| rules::text(said));
        assert!(file.content_type.as_ref().is_none_or(|kind| essence(kind) == *kind), "{file:?}");
        if let Some(url) = &file.url {
            fetched(connector, api, url);
        }
    }
}

/// The request for a file: our credentials go to the vendor alone.
pub(crate) fn fetched(connector: &dyn Connector, api: &str, url: &str) {
    let (settings, channel) = (settings(connector, api), channel());
    let context = context(&settings, &channel, None);
    let message = born(connector);
    let Ok(request) = connector.build(&Call::File { message: &message, url }, &context) else { return };
    assert!(request.method == Method::Get && request.body.is_empty(), "{url:?} is more than read");
    let (target, configured) = (sound(&request), Url::parse(api).unwrap_or_else(|_| unreachable!()));
    let credentials = request.headers.iter().any(|(name, _)| *name == "authorization");
    let host = target.host_str().unwrap_or_default();
    let at_front = connector.side() == Side::Helpdesk
        && target.scheme() == "https"
        && target.port().is_none()
        && host.ends_with(".api.frontapp.com");
    let at_the_vendor = at_front || target.origin() == configured.origin();
    let is_file = ["/Media/", "/download/"].iter().any(|part| target.path().contains(part));
    assert!(!credentials || (at_the_vendor && is_file), "{url:?} leads to {target}");
    assert!(at_the_vendor || target.scheme() == "https", "{url:?} is fetched in the clear");
}

/// The list of a message's files, whatever its id is.
pub(crate) fn listed(connector: &dyn Connector, api: &str, id: &str) {
    let (settings, channel) = (settings(connector, api), channel());
    let message = Message { provider_message_id: Some(id.to_owned()), ..theirs() };
    let Ok(request) = connector.build(&Call::Files(&message), &context(&settings, &channel, None)) else {
        return;
    };
    assert_eq!((request.method, connector.side()), (Method::Get, Side::Provider));
    assert!(request.url.starts_with(&format!("{api}/")), "{}", request.url);
    assert!(sound(&request).path().ends_with(&format!("/Messages/{id}/Media.json")), "{}", request.url);
}

/// A message from the side of a connector.
fn born(connector: &dyn Connector) -> Message {
    if connector.side() == Side::Provider { theirs() } else { ours() }
}

/// A file as it goes to a provider.
pub(crate) fn on_the_way() -> Attachment {
    Attachment {
        nth: 0,
        name: "map.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        content: Content::Url("https://hooks.example.test/v1/files/f1".to_owned()),
    }
}

/// Addresses that look like the API's and are others.
pub(crate) fn around(connector: &dyn Connector, api: &str, text: &str) {
    let root = if connector.name() == TWILIO.name() { "2010-04-01" } else { "api/laml" };
    for url in [text.to_owned(), format!("{api}{text}"), format!("{api}/{root}/{text}")] {
        fetched(connector, api, &url);
    }
    listed(connector, api, text);
}
