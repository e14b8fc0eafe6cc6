//! Files: of agents' messages, which we fetch, and of customers', which we put into Front.

use super::*;
use twinwire_core::connector::{Attachment, Content};
use twinwire_core::media::{File, Medium, State};
use twinwire_core::parts::Part;

fn attached(other: &Value) -> Value {
    json!({"attachments": [
        {"id": "fil_1", "url": "https://tern.api.frontapp.com/messages/msg_1/download/fil_1", "filename": "map.pdf",
         "content_type": "Application/PDF; v=1", "size": 81_234, "metadata": {"is_inline": false}},
        {"id": "fil_2", "url": "https://tern.api.frontapp.com/messages/msg_1/download/fil_2", "filename": "logo.png",
         "metadata": {"is_inline": true, "cid": "logo"}},
    ], "text": other, "signature": {"body": "<img src=\"cid:logo\">"}})
}

#[test]
fn an_agents_files_are_named_and_pictures_of_a_signature_are_none() {
    let order = &orders(&message(&attached(&json!("Here"))))[0];
    let map = File {
        url: Some("https://tern.api.frontapp.com/messages/msg_1/download/fil_1".to_owned()),
        content_type: Some("application/pdf".to_owned()),
        name: Some("map.pdf".to_owned()),
        size: Some(81_234),
    };
    assert_eq!((order.body.as_str(), &order.files), ("Here", &vec![map]));
    let pasted = json!({"attachments": [
        {"url": "https://tern.api.frontapp.com/messages/msg_1/download/fil_3", "metadata": {"is_inline": true, "cid": "shot"}},
    ], "text": "Look", "signature": {"body": "<img src=\"cid:logo\">"}});
    assert_eq!(orders(&message(&pasted))[0].files.len(), 1, "what was pasted into the text is meant to go");
    let many = json!({"attachments": vec![json!({"url": "https://tern.api.frontapp.com/x"}); 99]});
    assert_eq!(orders(&message(&many))[0].files.len(), 50);
}

#[test]
fn a_file_alone_is_a_message_without_a_text() {
    for (text, body) in [
        (json!(""), Value::Null),
        (json!(" \n"), Value::Null),
        (json!("Attachment"), Value::Null),
        (json!(" Attachment\n"), json!("<p>Attachment</p>")),
        (Value::Null, Value::Null),
        (Value::Null, json!("")),
        (Value::Null, json!("Attachment")),
        (Value::Null, json!("<div>Attachment</div>")),
        (Value::Null, json!("<p>&nbsp;</p><img src=\"cid:logo\">")),
    ] {
        let mut written = attached(&text);
        written["body"] = body;
        let order = &orders(&message(&written))[0];
        assert_eq!((order.body.as_str(), order.files.len()), ("", 1), "{written}");
    }
    let beside = orders(&message(&attached(&json!("Attachment 2 follows")))).remove(0);
    assert_eq!(beside.body, "Attachment 2 follows");
    let plain =
        json!({"text": null, "body": "Here it is", "attachments": [{"url": "https://x.api.frontapp.com/1"}]});
    assert_eq!(orders(&message(&plain))[0].body, "Here it is");
    // Without a file the word is what somebody wrote.
    assert_eq!(orders(&message(&json!({"text": "Attachment"})))[0].body, "Attachment");
}

#[test]
fn a_text_that_is_html_alone_is_not_lost_beside_its_files() {
    for body in ["<p>Look at <b>this</b></p>", "Fish &amp; chips", "<div>Attachment</div><p>and words</p>"] {
        let mut written = attached(&Value::Null);
        written["body"] = body.into();
        assert!(unreadable(&message(&written)).contains("HTML alone"), "{body}");
    }
}

#[test]
fn a_file_without_an_address_is_asked_for_in_vain_so_that_the_agent_is_told() {
    for file in [json!({"id": "fil_1", "filename": "map.pdf"}), json!({"url": null}), json!({"url": " "})] {
        let order = &orders(&message(&json!({"attachments": [file]})))[0];
        assert_eq!(order.files[0].url.as_deref(), Some(""), "{file}");
        let (message, url) = (ordered(), order.files[0].url.as_deref().unwrap());
        let refusal = build(&Call::File { message: &message, url }).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent);
    }
    let odd = json!({"attachments": [{"url": "https://x.api.frontapp.com/1", "size": "7", "filename": 7, "content_type": {}}]});
    let file = orders(&message(&odd)).remove(0).files.remove(0);
    assert_eq!((file.size, file.name.as_deref(), file.content_type), (Some(7), Some("7"), None));
    let negative = json!({"attachments": [{"url": "https://x.api.frontapp.com/1", "size": -1}]});
    assert_eq!(orders(&message(&negative))[0].files[0].size, None);
}

// ---- fetching

#[test]
fn a_file_is_fetched_with_a_token_at_front_alone() {
    let message = ordered();
    for url in [
        "https://tern-supply.api.frontapp.com/messages/msg_1/download/fil_1?a=b",
        "https://api2.frontapp.com/download/fil_1",
    ] {
        let request = build(&Call::File { message: &message, url }).unwrap();
        assert_eq!((request.method, request.url.as_str(), request.body.len()), (Method::Get, url, 0));
        let header =
            |name| request.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        assert!(header("authorization").unwrap().starts_with("Bearer ey"));
        assert_eq!((header("accept"), header("content-type")), (Some("*/*"), None));
    }
    for url in [
        "http://tern.api.frontapp.com/download/fil_1",
        "http://api2.frontapp.com/download/fil_1",
        "https://tern.api.frontapp.com:8443/download/fil_1",
        "https://user:pw@tern.api.frontapp.com/download/fil_1",
        "https://tern.api.frontapp.com@evil.test/fil_1",
        "https://tern.api.frontapp.com.evil.test/fil_1",
        "https://evilapi.frontapp.com/fil_1",
        "https://frontapp.com/fil_1",
        "https://bucket.s3.amazonaws.com/fil_1",
        "file:///etc/passwd",
        "/download/fil_1",
        "",
    ] {
        let refusal = build(&Call::File { message: &message, url }).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{url}");
    }
    assert_eq!(build(&Call::Files(&message)).unwrap_err().kind, RefusalKind::Permanent);
}

#[test]
fn a_file_that_is_not_there_is_lost_and_the_channel_goes_on() {
    let message = ordered();
    let call = Call::File { message: &message, url: "https://tern.api.frontapp.com/x" };
    for (status, expected) in [
        (400, "never"),
        (401, "credentials"),
        (403, "never"),
        (404, "never"),
        (410, "never"),
        (429, "throttled"),
        (302, "later"),
        (408, "later"),
        (500, "later"),
    ] {
        assert_eq!(word(&judge(&call, &http(status, ""))), expected, "{status}");
    }
    assert_eq!(word(&judge(&call, &Reply::NoAnswer("timed out".to_owned()))), "later");
}

// ---- putting into Front

fn picture(name: &str, content_type: &str) -> Attachment {
    let content = Content::Bytes(b"\xff\xd8--\r\nbytes".to_vec());
    Attachment { nth: 0, name: name.to_owned(), content_type: content_type.to_owned(), content }
}

fn put(message: &Message, files: &[Attachment]) -> Request {
    let (channel, settings) = (channel(), settings());
    let context = Context { files, ..context(&channel, &settings) };
    Front.build(&Call::Deliver(message), &context).unwrap()
}

/// The content type and the parts of a body, each without the line's end before the next boundary.
fn parts(request: &Request) -> (String, Vec<String>) {
    let types: Vec<_> = request.headers.iter().filter(|(name, _)| *name == "content-type").collect();
    let [(_, content_type)] = types[..] else { panic!("{types:?}") };
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let text = String::from_utf8_lossy(&request.body);
    let whole = text.strip_suffix(&format!("--{boundary}--\r\n")).unwrap();
    let opening = format!("--{boundary}\r\n");
    let parts = whole.split(&*opening).skip(1);
    (boundary.to_owned(), parts.map(|part| part.strip_suffix("\r\n").unwrap().to_owned()).collect())
}

#[test]
fn a_customers_files_go_in_parts_with_the_names_that_front_gives_nested_fields() {
    let request = put(&inbound(), &[picture("cat.jpg", "image/jpeg"), picture("dog.jpg", "image/jpeg")]);
    assert_eq!(request.url, "https://api2.frontapp.com/channels/cha_7k2p/inbound_messages");
    assert_eq!((request.method, request.timeout), (Method::Post, Duration::from_secs(60)));
    let (boundary, parts) = parts(&request);
    assert_eq!(boundary, "twinwire-000000000000000000000000abcd1234");
    let field =
        |name: &str, value: &str| format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}");
    let file = |name: &str| {
        format!(
            "Content-Disposition: form-data; name=\"attachments[]\"; filename=\"{name}\"\r\nContent-Type: \
             image/jpeg\r\n\r\n\u{fffd}\u{fffd}--\r\nbytes"
        )
    };
    let expected = [
        field("body", "Thank you!"),
        field("delivered_at", "1699999990"),
        field("metadata[external_conversation_id]", "+12015550123"),
        field("metadata[external_id]", "SM0c5e"),
        field("sender[handle]", "+12015550123"),
        file("cat.jpg"),
        file("dog.jpg"),
    ];
    assert_eq!(parts, expected);
}

#[test]
fn what_was_sent_elsewhere_names_its_recipients_by_number() {
    let (_, parts) = parts(&put(&outbound(), &[picture("cat.jpg", "image/jpeg")]));
    assert!(
        parts.iter().any(|part| part.contains("name=\"to[0][handle]\"\r\n\r\n+12015550123")),
        "{parts:?}"
    );
    assert!(parts.iter().all(|part| !part.contains("sender")), "{parts:?}");
}

#[test]
fn a_name_or_type_adds_no_header_and_no_part() {
    let odd = "k\u{e4}t\"z\r\nX-Injected: yes\r\n\r\n.jpg";
    let (_, named) = parts(&put(&inbound(), &[picture(odd, "image/jpeg\r\nX-Injected: yes")]));
    assert_eq!(
        named.last().unwrap().split("\r\n\r\n").next().unwrap(),
        "Content-Disposition: form-data; name=\"attachments[]\"; \
         filename=\"k\u{e4}t%22z%0D%0AX-Injected: yes%0D%0A%0D%0A.jpg\"\r\nContent-Type: application/octet-stream"
    );
    for (given, written) in [("image/svg+xml; a=b", "image/svg+xml; a=b"), ("", "application/octet-stream")] {
        let (_, parts) = parts(&put(&inbound(), &[picture("x", given)]));
        assert!(parts.last().unwrap().contains(&format!("\r\nContent-Type: {written}\r\n\r\n")), "{given}");
    }
}

fn with_media(states: Vec<State>) -> Message {
    let name = |nth: usize| Some(format!("file-{nth}.jpg"));
    let medium = |(nth, state)| Medium { file: File { name: name(nth), ..File::default() }, state };
    Message { media: states.into_iter().enumerate().map(medium).collect(), ..inbound() }
}

#[test]
fn every_file_that_does_not_go_along_has_a_line_in_the_text() {
    let kept = || State::Kept { key: "k".to_owned() };
    let message =
        with_media(vec![kept(), State::Missing { why: "it is not there any more".to_owned() }, kept()]);
    let lines = "[file-1.jpg is not here: it is not there any more]\n[file-2.jpg is not here: it could not be \
                 brought along]";
    let (_, parts) = parts(&put(&message, &[picture("file-0.jpg", "image/jpeg")]));
    let body = format!("name=\"body\"\r\n\r\nThank you!\n{lines}");
    assert!(parts[0].ends_with(&body), "{parts:?}");
    // Where none goes, it is the JSON of always.
    let (_, json) = sent(&Call::Deliver(&with_media(vec![State::Wanted])));
    assert_eq!(json["body"], "Thank you!\n[file-0.jpg is not here: it could not be fetched in time]");
}

#[test]
fn a_message_without_a_text_says_where_to_look() {
    let empty = |states| Message { body: " ".to_owned(), ..with_media(states) };
    let kept = vec![State::Kept { key: "k".to_owned() }];
    let (_, parts) = parts(&put(&empty(kept), &[picture("cat.jpg", "image/jpeg")]));
    assert!(parts[0].ends_with("(see the attachment)"), "{parts:?}");
    let said = Message { body: "From a file".to_owned(), ..with_media(vec![State::Said]) };
    assert_eq!(sent(&Call::Deliver(&said)).1["body"], "From a file");
    assert_eq!(sent(&Call::Deliver(&empty(Vec::new()))).1["body"], "(no text)");
}

#[test]
fn a_failure_of_a_later_part_is_marked_on_the_whole_message() {
    let whole = ordered();
    let part = Message {
        external_id: format!("{}.2", whole.external_id),
        part: Part { nth: 2, of: 3 },
        ..whole.clone()
    };
    let reported = |message: &Message| sent(&Call::Report { message, reason: "phone is off" });
    assert_eq!(reported(&part), reported(&whole));
    assert!(reported(&part).0.ends_with("/messages/msg_1-%2B12015550123/status"));
}
