//! Whether a file arrived as it should: in Front as it was sent, on a phone as something that can be looked at.

use crate::commands::demo::expected::{Expected, Route};
use image::ImageFormat;
use twinwire_sandbox::MediaFile;
use twinwire_sandbox::front::Message;
use twinwire_sandbox::signalwire::SmsMessage;

/// What SignalWire takes of one picture, in bytes.
const MOST: usize = 500_000;

/// What is wrong with the file of a message, or with its having one.
pub(super) fn wrong(one: &Expected, front: Option<&Message>, sms: Option<&SmsMessage>) -> Option<String> {
    let attachments = front.map(|message| message.attachments.as_slice()).unwrap_or_default();
    let media = sms.map(|message| message.media.as_slice()).unwrap_or_default();
    match (&one.file, attachments, media) {
        (None, [], []) => None,
        (Some(sent), [inside], [_]) if one.route == Route::Customer => {
            let same = inside.bytes == sent.bytes && inside.content_type == sent.content_type;
            (!same).then(|| "the file in Front is not the one that the customer sent".to_owned())
        }
        (Some(sent), [_], [on_phone]) => wrong_on_phone(sent, &on_phone.content_type, &on_phone.bytes),
        (sent, attachments, media) => Some(format!(
            "{} files in Front and {} at SignalWire, not {}",
            attachments.len(),
            media.len(),
            usize::from(sent.is_some())
        )),
    }
}

/// It must be a picture of the same shape, and no larger than SignalWire takes.
fn wrong_on_phone(sent: &MediaFile, content_type: &str, bytes: &[u8]) -> Option<String> {
    if bytes.len() > MOST {
        return Some(format!("the picture has {} bytes, and SignalWire takes {MOST}", bytes.len()));
    }
    let format = ImageFormat::from_mime_type(content_type);
    let read = format.and_then(|format| image::load_from_memory_with_format(bytes, format).ok());
    let (Ok(sent), Some(got)) = (image::load_from_memory(&sent.bytes), read) else {
        return Some(format!("the picture cannot be read as {content_type}"));
    };
    let [wide, high] = [sent.width() * got.height(), sent.height() * got.width()].map(f64::from);
    ((wide / high - 1.0).abs() > 0.02).then(|| "the picture has another shape".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::demo::pictures::{house, map};

    #[test]
    fn a_picture_is_readable_as_what_it_is_said_to_be_of_its_shape_and_light_enough() {
        let house = house().unwrap();
        let wrong = |content_type: &str, bytes: &[u8]| wrong_on_phone(&house, content_type, bytes);
        assert_eq!(wrong("image/png", &house.bytes), None);
        assert!(wrong("image/jpeg", &house.bytes).unwrap().contains("image/jpeg"));
        assert!(wrong("image/png", &house.bytes[..house.bytes.len() / 2]).is_some());
        assert!(wrong("text/html", b"<p>").is_some());
        assert!(wrong("image/png", &map().unwrap().bytes).unwrap().contains("takes 500000"));
        let mut small = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(10, 10).write_to(&mut small, ImageFormat::Png).unwrap();
        assert_eq!(wrong("image/png", small.get_ref()).unwrap(), "the picture has another shape");
    }
}
