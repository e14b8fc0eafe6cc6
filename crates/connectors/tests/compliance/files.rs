//! Files of messages.

use super::*;
use twinwire_core::connector::{Attachment, Content};
use twinwire_core::http::Method;
use twinwire_core::media::fit::{Limits, Way, essence};
use twinwire_core::media::{File, Medium, State};

/// Recipients in every network that a connector may know, each with our own address there.
const PEOPLE: [(&str, &str); 2] = [(THEIRS, OURS), ("whatsapp:+12015550188", "whatsapp:+12015550123")];

/// A message that any connector of this side can deliver, of which all files are there.
fn with_files(side: Side, recipient: &str, count: usize) -> Message {
    let medium = Medium { file: File::default(), state: State::Kept { key: "k".to_owned() } };
    let message = plain(side);
    let recipient = if side == Side::Provider { recipient.to_owned() } else { message.recipient.clone() };
    Message { media: vec![medium; count], recipient, ..message }
}

/// As many files as go into one message, in the way that they get there.
fn attachments(limits: &Limits) -> Vec<Attachment> {
    let content = |nth| match limits.way {
        Way::Uploaded => Content::Bytes(format!("bytes of {nth:02}").into_bytes()),
        Way::ByUrl => Content::Url(format!("https://hooks.example.test/files/{nth}?a=b&c=d")),
    };
    let file = |nth| Attachment {
        nth,
        name: format!("file-{nth}.jpg"),
        content_type: "image/jpeg".to_owned(),
        content: content(nth),
    };
    (0..limits.most).map(file).collect()
}

fn has_credentials(request: &Request) -> bool {
    request.headers.iter().any(|(name, value)| *name != "accept" && !value.starts_with("multipart/"))
}

/// If this fails, every file is asked for at the vendor's own network and its limits are not what the vendor says.
#[test]
fn what_a_message_may_carry_makes_sense() {
    for connector in ALL {
        for (recipient, _) in PEOPLE {
            let Some(limits) = connector.media(&with_files(connector.side(), recipient, 1)) else { continue };
            let about = format!("{} to {recipient}", connector.name());
            assert!(limits.most > 0 && limits.total > 0 && !limits.types.is_empty(), "{about}");
            for (nth, (pattern, most)) in limits.types.iter().enumerate() {
                assert!(*most > 0 && *most <= limits.total, "{about}: {most} bytes of {pattern}");
                assert_eq!(
                    (essence(pattern), pattern.matches('/').count()),
                    ((*pattern).to_owned(), 1),
                    "{about}"
                );
                let earlier = limits.types[..nth].iter().any(|(other, _)| other == pattern);
                assert!(!earlier, "{about}: {pattern} comes twice");
            }
        }
        for host in connector.file_hosts() {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
            let name = host.strip_prefix('.').unwrap_or(host);
            assert!(host.bytes().all(plain) && name.contains('.') && !name.starts_with('.'), "{host}");
        }
    }
}

#[test]
fn a_message_with_as_many_files_as_it_may_have_can_be_delivered() {
    for connector in ALL {
        let settings = settings(*connector);
        for (recipient, ours) in PEOPLE {
            let channel = Channel { address: ours.to_owned(), ..channel() };
            let one = with_files(connector.side(), recipient, 1);
            let Some(limits) = connector.media(&one) else { continue };
            let (message, files) =
                (with_files(connector.side(), recipient, limits.most), attachments(limits));
            let context = Context { files: &files, ..context(&settings, Some(&channel), Some("cnv_1")) };
            for message in [Message { body: String::new(), ..message.clone() }, message] {
                let call = Call::Deliver(&message);
                // A network that the vendor does not have is refused.
                let Ok(request) = connector.build(&call, &context) else {
                    assert_ne!(recipient, THEIRS, "{}", connector.name());
                    continue;
                };
                requests::assert_sound(*connector, &call, &request);
                assert_eq!(request.method, Method::Post);
                assert_each_is_in(&request, &files, connector.name());
            }
        }
    }
}

fn assert_each_is_in(request: &Request, files: &[Attachment], name: &str) {
    let values: Vec<_> = form_urlencoded::parse(&request.body).map(|(_, value)| value.into_owned()).collect();
    let has = |bytes: &[u8]| request.body.windows(bytes.len()).filter(|window| *window == bytes).count() == 1;
    for file in files {
        match &file.content {
            Content::Url(url) => assert!(values.contains(url), "{name}: {url} is not in the form"),
            Content::Bytes(bytes) => {
                let named = format!("filename=\"{}\"", file.name);
                assert!(has(bytes) && has(named.as_bytes()), "{name}: {} is not in the body", file.name);
            }
        }
    }
}

#[test]
fn a_file_is_never_fetched_in_the_clear_from_a_stranger() {
    for connector in ALL {
        let (settings, channel, message) = (settings(*connector), channel(), plain(connector.side()));
        let context = context(&settings, Some(&channel), Some("cnv_1"));
        for url in [
            "http://evil.test/base/x",
            "http://vendor.test/base/x",
            "http://vendor.test:443/base/x",
            "http://127.0.0.1/x",
            "http://169.254.169.254/latest",
            "ftp://vendor.test/base/x",
            "file:///etc/passwd",
            "data:text/plain,x",
            "x",
            "",
        ] {
            let refusal = connector.build(&Call::File { message: &message, url }, &context).unwrap_err();
            assert_eq!(refusal.kind, RefusalKind::Permanent, "{} {url}", connector.name());
            assert!(!refusal.message.trim().is_empty() && !refusal.message.contains("evil"), "{url}");
        }
    }
}

#[test]
fn credentials_never_follow_a_file_to_a_stranger() {
    for connector in ALL {
        let (settings, channel, message) = (settings(*connector), channel(), plain(connector.side()));
        let context = context(&settings, Some(&channel), Some("cnv_1"));
        for url in [
            "https://evil.test/base/x",
            "https://vendor.test:8443/base/x",
            "https://vendor.test.evil.test/base/x",
            "https://vendor.test@evil.test/base/x",
            "https://user:pw@vendor.test/base/x",
            "https://evil.test#@vendor.test/base/x",
            "https://evil.test/\r\nHost: vendor.test",
            "https://evil.test\\@vendor.test/x",
            "//evil.test/x",
            "https://[::1]/x",
        ] {
            let Ok(request) = connector.build(&Call::File { message: &message, url }, &context) else {
                continue;
            };
            let target = Url::parse(&request.url).unwrap();
            assert_eq!((target.scheme(), request.method, request.body.len()), ("https", Method::Get, 0));
            assert!(!has_credentials(&request), "{} sends them to {target}", connector.name());
            assert!(target.username().is_empty() && target.password().is_none(), "{target}");
        }
        let own =
            Call::File { message: &message, url: "https://vendor.test/base/Messages/m/Media/download/x" };
        let request = connector.build(&own, &context).unwrap();
        requests::assert_sound(*connector, &own, &request);
        assert!(has_credentials(&request), "{} asks for its own files without them", connector.name());
    }
}

#[test]
fn the_list_of_a_messages_files_is_asked_for_or_refused_in_words() {
    for connector in ALL {
        let (settings, channel) = (settings(*connector), channel());
        let context = context(&settings, Some(&channel), Some("cnv_1"));
        let known = incoming(THEIRS, "Hi", Direction::Inbound);
        for message in odd().into_iter().chain([known.clone()]) {
            let call = Call::Files(&message);
            match connector.build(&call, &context) {
                Ok(request) => {
                    assert_eq!((request.method, request.body.len()), (Method::Get, 0));
                    requests::assert_sound(*connector, &call, &request);
                }
                Err(refusal) => assert!(!refusal.message.trim().is_empty(), "{}", connector.name()),
            }
        }
        let can_be_asked = connector.build(&Call::Files(&known), &context).is_ok();
        assert!(can_be_asked || connector.side() == Side::Helpdesk, "{} names no files", connector.name());
    }
}

#[test]
fn a_text_is_split_into_what_one_message_takes() {
    for connector in ALL {
        let settings = settings(*connector);
        let Some(at) = connector.splits_at(&settings) else { continue };
        assert!(connector.caps().longest_text.is_none_or(|longest| at <= longest), "{}", connector.name());
        let channel = channel();
        let context = context(&settings, Some(&channel), None);
        let message = outgoing(THEIRS, &"x".repeat(at));
        assert!(connector.build(&Call::Deliver(&message), &context).is_ok(), "{}", connector.name());
    }
}
