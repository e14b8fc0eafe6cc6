//! What a file is, and what it is called.

use twinwire_core::media::fit::essence;
use twinwire_core::media::{File, Medium};

/// Types that say nothing.
const ANYTHING: [&str; 3] = ["application/octet-stream", "binary/octet-stream", ""];

/// What a page of the web is.
const PAGE: &str = "text/html";

/// A file's type: as it was served, else as its vendor announced it, else by its name.
pub fn of(served: &str, medium: &Medium) -> String {
    let served = essence(served);
    let announced = medium.file.content_type.as_deref().map(essence).unwrap_or_default();
    let named = || {
        let name = medium.file.name.as_deref().unwrap_or_default();
        mime_guess::from_path(name).first_raw().unwrap_or(ANYTHING[0]).to_owned()
    };
    let says_something = |kind: &String| !ANYTHING.contains(&kind.as_str());
    let kind = [served, announced].into_iter().find(says_something).unwrap_or_else(named);
    // The one name that is common and wrong; the lists of what providers take do not have it.
    if kind == "image/jpg" { "image/jpeg".to_owned() } else { kind }
}

/// Whether what was served is a page in place of the file, as proxies and worn-out storages have it, with status 200.
pub fn is_page_instead(served: &str, medium: &Medium) -> bool {
    let announced = medium.file.content_type.as_deref().map(essence).unwrap_or_default();
    essence(served) == PAGE && announced != PAGE && !ANYTHING.contains(&announced.as_str())
}

/// What a file is called: as its vendor calls it, else by what it is and its place in the message.
pub fn name(file: &File, nth: usize, content_type: &str) -> String {
    if let Some(name) = &file.name {
        return name.clone();
    }
    let what = match content_type.split('/').next() {
        Some("image") => "picture",
        Some("video") => "video",
        Some("audio") => "audio",
        _ => "file",
    };
    format!("{what}-{}{}", nth + 1, ending(content_type))
}

fn ending(content_type: &str) -> String {
    // The common one of several that are known.
    let common = match content_type {
        "image/jpeg" => Some("jpg"),
        "image/tiff" => Some("tif"),
        "text/plain" => Some("txt"),
        "text/vcard" | "text/x-vcard" => Some("vcf"),
        "audio/mpeg" => Some("mp3"),
        "audio/mp4" => Some("m4a"),
        "audio/amr" => Some("amr"),
        "video/mp4" => Some("mp4"),
        "video/3gpp" => Some("3gp"),
        "video/quicktime" => Some("mov"),
        _ => mime_guess::get_mime_extensions_str(content_type).and_then(|all| all.first().copied()),
    };
    common.map(|ending| format!(".{ending}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medium(content_type: &str, name: Option<&str>) -> Medium {
        File { content_type: Some(content_type.to_owned()), name: name.map(str::to_owned), ..File::default() }
            .into()
    }

    #[test]
    fn a_type_is_what_says_most() {
        for (served, announced, name, is) in [
            ("image/png; x=y", "image/jpeg", None, "image/png"),
            ("application/octet-stream", "Image/JPG", None, "image/jpeg"),
            ("", "", Some("plan.pdf"), "application/pdf"),
            ("binary/octet-stream", "", None, "application/octet-stream"),
            ("", "image/png\r\nX-Evil: 1", Some("a.png"), "image/png"),
            ("", "picture", None, "application/octet-stream"),
        ] {
            assert_eq!(of(served, &medium(announced, name)), is, "{served} {announced}");
        }
    }

    #[test]
    fn a_page_that_nobody_announced_is_not_the_file() {
        for (served, announced, is) in [
            ("text/html; charset=utf-8", "image/png", true),
            ("Text/HTML", "text/plain", true),
            ("text/html", "text/html", false),
            ("text/html", "", false),
            ("text/html", "application/octet-stream", false),
            ("image/png", "image/jpeg", false),
        ] {
            assert_eq!(is_page_instead(served, &medium(announced, None)), is, "{served} {announced}");
        }
    }

    #[test]
    fn a_file_without_a_name_gets_one_that_says_what_it_is() {
        for (content_type, called) in [
            ("image/jpeg", "picture-1.jpg"),
            ("video/mp4", "video-1.mp4"),
            ("audio/amr", "audio-1.amr"),
            ("application/pdf", "file-1.pdf"),
            ("application/x-never-heard-of", "file-1"),
        ] {
            assert_eq!(name(&File::default(), 0, content_type), called);
        }
        assert_eq!(name(&medium("image/png", Some("cat.png")).file, 3, "image/png"), "cat.png");
    }
}
