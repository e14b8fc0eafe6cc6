//! Files of messages at the providers whose APIs are Twilio's: how their webhooks and resources show them.

use crate::lenient::{text, word};
use chrono::TimeDelta;
use serde_json::Value;
use twinwire_core::connector::{Call, Content, Context};
use twinwire_core::http::{Answer, Method, Request};
use twinwire_core::media::File;
use twinwire_core::media::fit::essence;
use twinwire_core::outcome::{Outcome, Refusal, RefusalKind};
use url::Url;

/// Files of one message that are looked at; nobody sends more.
const MOST: usize = 20;
/// So long a file that is told of may not be there yet (Twilio, support article 44750147594523, read 2026-11).
const NOT_YET: TimeDelta = TimeDelta::minutes(2);

/// The files that a webhook shows, by number. Where one of them has no address the list of all has to be asked for, and
/// none is named: the list would bring it a second time.
pub(crate) fn in_hook(fields: &Value) -> Vec<File> {
    let files: Vec<File> = (0..count(fields, "NumMedia")).filter_map(|nth| numbered(fields, nth)).collect();
    let whole = files.iter().all(|file| file.url.is_some());
    if whole { files } else { File::unnamed(files.len()) }
}

fn numbered(fields: &Value, nth: usize) -> Option<File> {
    let content_type = word(fields, &format!("MediaContentType{nth}"));
    let url = word(fields, &format!("MediaUrl{nth}"));
    named(url, content_type)
}

/// As many files as a resource says there are; it does not name them.
pub(crate) fn in_resource(resource: &Value) -> Vec<File> {
    File::unnamed(count(resource, "num_media"))
}

fn count(fields: &Value, name: &str) -> usize {
    text(fields, name).and_then(|count| count.trim().parse().ok()).unwrap_or(0).min(MOST)
}

/// The files that a list of them names; none when it is no such list. `base` is where the API is. What has no address is
/// counted all the same.
pub(crate) fn in_list(body: &Value, base: &str) -> Option<Vec<File>> {
    let listed = body.get("media_list")?.as_array()?;
    let address = |uri: String| {
        let uri = uri.strip_suffix(".json").unwrap_or(&uri);
        if uri.starts_with('/') { format!("{base}{uri}") } else { uri.to_owned() }
    };
    let one = |media: &Value| {
        let content_type = word(media, "content_type").map(|content_type| essence(&content_type));
        let file = File { url: word(media, "uri").map(address), content_type, ..File::default() };
        if file.is_layout() { File { url: None, ..file } } else { file }
    };
    Some(listed.iter().take(MOST).map(one).collect())
}

fn named(url: Option<String>, content_type: Option<String>) -> Option<File> {
    let content_type = content_type.map(|content_type| essence(&content_type));
    let file = File { url, content_type, ..File::default() };
    (!file.is_layout()).then_some(file)
}

/// Where the files that go along can be fetched.
pub(crate) fn addresses<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a str> {
    context.files.iter().filter_map(|file| match &file.content {
        Content::Url(url) => Some(&**url),
        Content::Bytes(_) => None,
    })
}

/// The request for a file: with credentials only where the API has files of messages, and without at any other address over
/// TLS. Whether that host is to be trusted is for the sender to say, which knows the vendor's hosts.
pub(crate) fn request(url: &str, base: &str, credentials: Request) -> Result<Request, Refusal> {
    let nowhere = || Refusal::permanent(None, "its address is not one that can be fetched from");
    let (target, api) = (Url::parse(url).map_err(|_| nowhere())?, Url::parse(base).map_err(|_| nowhere())?);
    let plain = target.username().is_empty() && target.password().is_none();
    let accept = ("accept", "*/*".to_owned());
    let folder = format!("{}/", api.path().trim_end_matches('/'));
    let is_file = target.path().starts_with(&folder)
        && target.path().split_once("/Messages/").is_some_and(|(_, rest)| rest.contains("/Media/"));
    if plain && is_file && target.origin() == api.origin() {
        let mut headers = credentials.headers;
        headers.retain(|(name, _)| *name != "accept");
        headers.push(accept);
        return Ok(Request { url: target.into(), headers, ..credentials });
    }
    if plain && (target.scheme() == "https" || target.origin() == api.origin()) {
        let request = Request { url: target.into(), headers: vec![accept], ..credentials };
        return Ok(Request { method: Method::Get, body: Vec::new(), ..request });
    }
    Err(nowhere())
}

/// What it means that a file, or the list of a message's files, is not there; none when the answer says something else.
pub(crate) fn gone(call: &Call<'_>, context: &Context<'_>, answer: &Answer) -> Option<Outcome> {
    let (Call::File { message, .. } | Call::Files(message)) = call else { return None };
    let kind = match answer.status {
        404 if context.now - message.seen_at < NOT_YET => RefusalKind::Later,
        // Credentials that may not read files are the operator's to mend; there is a while for that.
        403 => {
            let message = "the vendor does not let us read it (403)".to_owned();
            return Some(Outcome::Refused(Refusal { kind: RefusalKind::Later, code: None, message }));
        }
        404 | 410 => RefusalKind::Permanent,
        _ => return None,
    };
    Some(Outcome::Refused(Refusal { kind, code: None, message: "it is not there any more".to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noon;
    use serde_json::json;

    const API: &str = "https://api.vendor.test";

    fn shown(files: &[File]) -> Vec<(Option<&str>, Option<&str>)> {
        files.iter().map(|file| (file.url.as_deref(), file.content_type.as_deref())).collect()
    }

    #[test]
    fn a_hook_names_its_files_by_number_and_a_layout_is_none() {
        let fields = json!({
            "NumMedia": "3", "MediaUrl0": "https://m.test/0", "MediaContentType0": " Image/JPEG; q=1 ",
            "MediaUrl1": "https://m.test/1", "MediaContentType1": "application/smil",
            "MediaUrl2": "https://m.test/2", "MediaUrl3": "https://m.test/3",
        });
        let expected = [(Some("https://m.test/0"), Some("image/jpeg")), (Some("https://m.test/2"), None)];
        assert_eq!(shown(&in_hook(&fields)), expected);
        for none in
            [json!({}), json!({"NumMedia": "0", "MediaUrl0": "https://m.test/0"}), json!({"NumMedia": "x"})]
        {
            assert_eq!(in_hook(&none), [], "{none}");
        }
    }

    /// The list that is asked for then names those with an address as well: the agent would see them twice.
    #[test]
    fn where_one_file_has_no_address_none_is_taken_from_the_hook() {
        let some =
            json!({"NumMedia": "2", "MediaUrl1": "https://m.test/1", "MediaContentType0": "image/png"});
        assert_eq!(in_hook(&some), File::unnamed(2));
        let more = json!({"NumMedia": 4_000_000_000_u32, "MediaUrl0": "https://m.test/0"});
        assert_eq!(in_hook(&more), File::unnamed(20));
    }

    #[test]
    fn a_resource_says_how_many_files_there_are_as_text_or_number() {
        for (count, expected) in [
            (json!("2"), 2),
            (json!(2), 2),
            (json!(" 2 "), 2),
            (json!("0"), 0),
            (json!(null), 0),
            (json!(-1), 0),
            (json!("many"), 0),
            (json!(9_999_999), 20),
        ] {
            assert_eq!(in_resource(&json!({"num_media": count})), File::unnamed(expected), "{count}");
        }
    }

    #[test]
    fn a_list_names_files_at_the_api_and_leaves_out_the_ending() {
        let list = json!({"media_list": [
            {"uri": "/2010-04-01/Media/ME1.json", "content_type": "image/png"},
            {"uri": "/2010-04-01/Media/ME2", "content_type": "APPLICATION/SMIL"},
            {"uri": "/2010-04-01/Media/ME3"},
            {"uri": null}, {}, 7, null,
        ]});
        let expected = [
            (Some("https://api.vendor.test/2010-04-01/Media/ME1"), Some("image/png")),
            (None, Some("application/smil")),
            (Some("https://api.vendor.test/2010-04-01/Media/ME3"), None),
            (None, None),
            (None, None),
            (None, None),
            (None, None),
        ];
        assert_eq!(shown(&in_list(&list, API).unwrap()), expected);
        assert_eq!(in_list(&json!({"media_list": []}), API), Some(Vec::new()));
        let many = json!({"media_list": vec![json!({"uri": "/x"}); 99]});
        assert_eq!(in_list(&many, API).unwrap().len(), 20);
        for none in [
            json!({}),
            json!([]),
            json!({"media_list": null}),
            json!({"media_list": {"uri": "/x"}}),
            json!("x"),
        ] {
            assert_eq!(in_list(&none, API), None, "{none}");
        }
    }

    fn of(url: &str) -> Result<Request, Refusal> {
        let credentials = Request {
            method: Method::Get,
            url: String::new(),
            headers: vec![
                ("authorization", "Basic hush".to_owned()),
                ("accept", "application/json".to_owned()),
            ],
            body: Vec::new(),
            timeout: std::time::Duration::from_secs(1),
        };
        request(url, API, credentials)
    }

    fn with_credentials(request: &Request) -> bool {
        request.headers.iter().any(|(name, _)| *name == "authorization")
    }

    #[test]
    fn credentials_go_with_a_file_to_the_apis_own_origin_alone() {
        for (url, ours) in [
            ("https://api.vendor.test/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1", true),
            ("https://API.vendor.test:443/v1/Messages/MM1/Media/ME1?x=y", true),
            (
                "https://api.vendor.test/2010-04-01/Accounts/AC1/Messages.json?Media=/Messages/x/Media/y",
                false,
            ),
            ("https://api.vendor.test/2010-04-01/Accounts/AC1/Media/Messages/x", false),
            ("https://api.vendor.test/x", false),
            ("https://api.vendor.test:8443/x", false),
            ("https://cdn.vendor.test/x", false),
            ("https://api.vendor.test.evil.test/x", false),
            ("https://evil.test/?https://api.vendor.test/", false),
            ("https://evil.test#@api.vendor.test", false),
        ] {
            let request = of(url).unwrap();
            assert_eq!(with_credentials(&request), ours, "{url}");
            assert_eq!(request.method, Method::Get);
            let accepted: Vec<_> = request.headers.iter().filter(|(name, _)| *name == "accept").collect();
            assert_eq!(accepted, [&("accept", "*/*".to_owned())], "{url}");
        }
    }

    #[test]
    fn a_file_is_not_asked_for_in_the_clear_nor_with_somebodys_credentials() {
        for url in [
            "http://api.vendor.test/x",
            "http://evil.test/x",
            "https://api.vendor.test@evil.test/x",
            "https://user:pw@api.vendor.test/x",
            "ftp://api.vendor.test/x",
            "file:///etc/passwd",
            "data:text/plain,x",
            "/2010-04-01/Media/ME1",
            "@evil.test/x",
            "",
        ] {
            assert_eq!(of(url).unwrap_err().kind, RefusalKind::Permanent, "{url}");
        }
    }

    /// Where it leads, the sender decides, which knows the vendor's hosts.
    #[test]
    fn an_address_in_a_list_that_leads_elsewhere_gets_no_credentials() {
        for uri in
            ["https://evil.test/x.json", "//evil.test/x", "@evil.test/x", ".evil.test/x", "\\\\evil.test\\x"]
        {
            let files = in_list(&json!({"media_list": [{"uri": uri}]}), API).unwrap();
            let Ok(request) = of(files[0].url.as_deref().unwrap()) else { continue };
            assert!(!with_credentials(&request), "{uri} leads to {}", request.url);
        }
    }

    #[test]
    fn what_goes_along_has_an_address() {
        let file = |content| twinwire_core::connector::Attachment {
            nth: 0,
            name: String::new(),
            content_type: String::new(),
            content,
        };
        let files = [file(Content::Bytes(vec![1])), file(Content::Url("https://h.test/1".to_owned()))];
        let settings = twinwire_core::setting::Settings::default();
        let context = Context {
            channel: None,
            settings: &settings,
            thread: None,
            files: &files,
            public_url: "",
            now: noon(),
            nonce: 0,
        };
        assert_eq!(addresses(&context).collect::<Vec<_>>(), ["https://h.test/1"]);
    }
}
