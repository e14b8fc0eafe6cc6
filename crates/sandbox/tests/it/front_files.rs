//! Files in Front: what the server syncs in, and what agents send.

use axum::http::StatusCode;
use serde_json::{Value, json};
use twinwire_sandbox::front::Message;
use twinwire_sandbox::{AgentMessage, Fault, FileFault, Front, FrontOptions, MediaFile, Operation, Rule};

use crate::fetch::{fetch, location};
use crate::support::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot really";

fn cat() -> MediaFile {
    MediaFile::new("cat.png", "image/png", PNG)
}

/// A form with the fields of a message and these files: field name, file name, content.
fn form(fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, value) in fields {
        let part = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        form.extend(part.into_bytes());
    }
    for (field, name, bytes) in files {
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        form.extend(head.into_bytes());
        form.extend(*bytes);
        form.extend(b"\r\n");
    }
    form.extend(b"--edge--\r\n");
    form
}

const FROM_ADA: [(&str, &str); 5] = [
    ("sender[handle]", ADA),
    ("sender[name]", "Ada"),
    ("body", "A cat"),
    ("metadata[external_id]", "mms-1"),
    ("metadata[external_conversation_id]", "c"),
];

/// Syncs a form in. None when the connection ends without an answer.
async fn sync(front: &Front, channel: &str, form: Vec<u8>) -> Option<StatusCode> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("{}/channels/{channel}/inbound_messages", front.url()))
        .header("authorization", token(SECRET, APP, channel, 25))
        .header("content-type", "multipart/form-data; boundary=edge")
        .body(form);
    Some(request.send().await.ok()?.status())
}

async fn imported(front: &Front, channel: &str) -> Message {
    until("imported", || front.all_messages(channel).last().is_some_and(|message| message.id.is_some()))
        .await;
    front.all_messages(channel).pop().unwrap()
}

async fn read(front: &Front, channel: &str, path: &str) -> Value {
    let got = as_channel(front, channel, "GET", path, &json!(null)).await.unwrap();
    assert_eq!(got.status, 200, "{}", got.text);
    got.json
}

#[tokio::test]
async fn files_are_kept_with_their_bytes_whatever_way_their_field_is_named() {
    let server = Server::polite().await;
    for names in
        [["attachments[]", "attachments[]"], ["attachments[0]", "attachments[1]"], ["attachments"; 2]]
    {
        let (front, channel) = front(&server).await;
        let files: [(&str, &str, &[u8]); 2] = [(names[0], "cat.png", PNG), (names[1], "dot.png", b"\0")];
        let status = sync(&front, &channel.id, form(&FROM_ADA, &files)).await.unwrap();
        assert_eq!(status, 202, "{names:?}");
        let message = imported(&front, &channel.id).await;
        assert_eq!((message.handle("from"), message.body.as_str()), (ADA, "A cat"));
        assert_eq!(message.recipients[0].name.as_deref(), Some("Ada"));
        let kept: Vec<_> = message
            .attachments
            .iter()
            .map(|file| (file.filename.as_str(), file.content_type.as_str(), &*file.bytes, file.size))
            .collect();
        assert_eq!(kept, [("cat.png", "image/png", PNG, 18), ("dot.png", "image/png", b"\0".as_slice(), 1)]);

        let id = message.id.unwrap();
        let one = read(&front, &channel.id, &format!("/messages/{id}")).await;
        let all = format!("/conversations/{}/messages", message.conversation_id);
        let all = read(&front, &channel.id, &all).await;
        assert_eq!(one["attachments"], all["_results"][0]["attachments"]);
        let file = &message.attachments[0].id;
        let shown = json!({
            "id": file, "filename": "cat.png", "content_type": "image/png", "size": 18,
            "url": format!("{}/messages/{id}/download/{file}", front.url()),
            "metadata": { "is_inline": false },
        });
        assert_eq!(one["attachments"][0], shown);
    }
}

#[tokio::test]
async fn a_part_without_a_name_or_a_type_is_refused() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let mut fields = FROM_ADA.to_vec();
    fields.push(("attachments[]", "meow"));
    assert_eq!(sync(&front, &channel.id, form(&fields, &[])).await.unwrap(), 400);
    assert!(front.all_messages(&channel.id).is_empty());
}

#[tokio::test]
async fn no_more_than_twenty_five_megabytes_are_taken() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let most = 25 * 1024 * 1024 - form(&FROM_ADA, &[("attachments[]", "cat.png", b"")]).len();
    for (size, expected) in [(most, 202), (most + 1, 413)] {
        let bytes = vec![b'x'; size];
        let got = sync(&front, &channel.id, form(&FROM_ADA, &[("attachments[]", "cat.png", &bytes)])).await;
        assert_eq!(got.unwrap(), expected, "{size}");
    }
    assert_eq!(imported(&front, &channel.id).await.attachments[0].size, most);
    let log = front.requests();
    assert_eq!(log.iter().map(|request| request.status).collect::<Vec<_>>(), [Some(202), Some(413)]);
    assert!(log.iter().all(|request| request.body.len() < 100_000), "files are not kept twice");
}

#[tokio::test]
async fn an_agents_files_are_announced_and_given_to_their_channel_only() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let other = front.connect("api-key-2").await.unwrap();
    let message = AgentMessage::to(&[ADA]).text("Look").with(cat()).with(cat().inline("cid-1"));
    let sent = front.agent_sends(&channel.id, message).await.unwrap();
    assert_eq!(sent.message.error, None);
    assert_eq!(&*sent.message.attachments[0].bytes, PNG);
    let payload = &server.of_type("message")[0].json()["payload"];
    let file = &payload["attachments"][0];
    let link = file["url"].as_str().unwrap();
    let (id, name) = (payload["id"].as_str().unwrap(), file["id"].as_str().unwrap());
    assert!(name.starts_with("fil_"), "{name}");
    assert_eq!(link, format!("{}/messages/{id}/download/{name}", front.url()));
    assert_eq!((&file["filename"], &file["content_type"]), (&json!("cat.png"), &json!("image/png")));
    assert_eq!((&file["size"], &file["metadata"]), (&json!(18), &json!({ "is_inline": false })));
    assert_eq!(payload["attachments"][1]["metadata"], json!({ "is_inline": true, "cid": "cid-1" }));

    let good = token(SECRET, APP, &channel.id, 25);
    let cases = [
        (link.to_owned(), String::new(), 401),
        (link.to_owned(), token(SECRET, APP, &channel.id, -5), 401),
        (link.to_owned(), token(SECRET, APP, &other.id, 25), 401),
        (link.to_owned(), "Bearer api-key-1".to_owned(), 401),
        (link.replace(name, "fil_other"), good.clone(), 404),
        (link.replace(id, "msg_other"), good.clone(), 404),
        (link.to_owned(), good.clone(), 302),
    ];
    for (url, auth, expected) in cases {
        assert_eq!(fetch(&url, &auth).await.unwrap().status, expected, "{url} {auth}");
    }
    let stored = fetch(link, &good).await.unwrap();
    let stored = location(&stored);
    assert!(stored.starts_with(&front.storage_url()) && front.storage_url() != front.url());
    let got = fetch(stored, "").await.unwrap();
    assert_eq!((got.status, &*got.bytes), (200, PNG));
    assert_eq!(got.headers["content-type"], "image/png");
    assert_eq!(front.storage_refused(), 0);
    assert_eq!(fetch(stored, &good).await.unwrap().status, 400);
    assert_eq!(front.storage_refused(), 1);
}

#[tokio::test]
async fn an_agents_message_may_have_files_only() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let first = AgentMessage::to(&[ADA]).with(cat());
    front.agent_sends(&channel.id, first).await.unwrap();
    let thread = front.conversations(&channel.id).remove(0).id;
    let second = AgentMessage::reply(&thread).text("").body("Attachment").with(cat());
    let sent = front.agent_sends(&channel.id, second).await.unwrap();
    assert_eq!(sent.message.conversation_id, thread);
    let seen = server.of_type("message");
    let said =
        |n: usize| (seen[n].json()["payload"]["text"].clone(), seen[n].json()["payload"]["body"].clone());
    assert_eq!((said(0), said(1)), ((Value::Null, json!("")), (json!(""), json!("Attachment"))));
    assert!(front.agent_sends(&channel.id, AgentMessage::reply("nobody's")).await.is_err());
    let order = front.order_of(&channel.id, AgentMessage::reply(&thread).with(cat())).unwrap();
    assert_eq!(server.of_type("message").len(), 2, "it is not posted yet");
    assert!(order.request.body.contains("cat.png"));
}

#[tokio::test]
async fn front_can_give_files_itself() {
    let server = Server::polite().await;
    let front = Front::start(FrontOptions {
        app_id: APP.into(),
        app_secret: SECRET.into(),
        server_url: Some(server.url.clone()),
        gives_files_itself: true,
        ..FrontOptions::default()
    });
    let front = front.await.unwrap();
    let channel = front.connect("api-key-1").await.unwrap();
    front.agent_sends(&channel.id, AgentMessage::to(&[ADA]).with(cat())).await.unwrap();
    let payload = &server.of_type("message")[0].json()["payload"];
    let link = payload["attachments"][0]["url"].as_str().unwrap();
    let got = fetch(link, &token(SECRET, APP, &channel.id, 25)).await.unwrap();
    assert_eq!((got.status, &*got.bytes), (200, PNG));
}

#[tokio::test]
async fn an_agents_file_can_be_gone_too_large_or_lead_elsewhere() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let elsewhere = "http://127.0.0.1:9/secret".to_owned();
    for (fault, expected) in [
        (FileFault::Gone, 404),
        (FileFault::RedirectTo(elsewhere.clone()), 302),
        (FileFault::StorageRedirectsTo(elsewhere.clone()), 302),
        (FileFault::LargerBy(1_000), 302),
        (FileFault::RedirectLoop, 302),
    ] {
        let message = AgentMessage::to(&[ADA]).text("Look").with(cat().but(fault.clone()));
        let sent = front.agent_sends(&channel.id, message).await.unwrap().message;
        assert_eq!(sent.attachments[0].size, PNG.len(), "what is announced stays the same");
        let payload = server.of_type("message").pop().unwrap().json()["payload"].clone();
        let link = payload["attachments"][0]["url"].as_str().unwrap();
        let auth = || token(SECRET, APP, &channel.id, 25);
        let got = fetch(link, &auth()).await.unwrap();
        assert_eq!(got.status, expected, "{fault:?}");
        match &fault {
            FileFault::Gone => {}
            FileFault::RedirectTo(to) => assert_eq!(location(&got), to),
            FileFault::RedirectLoop => assert_eq!(location(&got), link),
            FileFault::StorageRedirectsTo(to) => {
                assert_eq!(location(&fetch(location(&got), "").await.unwrap()), to);
            }
            _ => assert_eq!(fetch(location(&got), "").await.unwrap().bytes.len(), PNG.len() + 1_000),
        }
        assert!(front.spoil_file(&sent.attachments[0].id, None));
        let got = fetch(link, &auth()).await.unwrap();
        assert_eq!(fetch(location(&got), "").await.unwrap().bytes, PNG);
    }
}

#[tokio::test]
async fn downloads_and_the_storage_meet_faults_like_any_other_request() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let message = AgentMessage::to(&[ADA]).text("Look").with(cat());
    let stored =
        front.agent_sends(&channel.id, message).await.unwrap().message.attachments[0].stored_url.clone();
    let payload = &server.of_type("message")[0].json()["payload"];
    let link = payload["attachments"][0]["url"].as_str().unwrap();
    let good = token(SECRET, APP, &channel.id, 25);
    for (operation, url, auth) in
        [(Operation::DownloadFile, link, good.as_str()), (Operation::FetchStored, &stored, "")]
    {
        front.faults().add(Rule::new(Fault::ServerErrorBefore(503)).on(operation).with(ADA).saying("ook"));
        assert_eq!(fetch(url, auth).await.unwrap().status, 503, "{operation:?}");
        front.faults().add(Rule::new(Fault::ResetBefore).on(operation));
        assert!(fetch(url, auth).await.is_none(), "{operation:?}");
        front.faults().add(Rule::new(Fault::TooManyRequests { retry_after_secs: 2 }).on(operation));
        assert_eq!(fetch(url, auth).await.unwrap().headers["retry-after"], "2");
    }
    let logged = front.requests().into_iter().filter(|seen| seen.operation == Some(Operation::DownloadFile));
    assert_eq!(logged.count(), 3);
}
