//! What `SignalWire` takes as a file (list of accepted media types and error codes, read 2026-11).

use crate::sms::collect::MediaRules;

/// For local numbers. Whether a megabyte has 10^6 bytes or 2^20 is not documented; who keeps to the smaller one is safe.
const TOTAL: usize = 1_200_000;

pub(super) const MEDIA: MediaRules = MediaRules {
    looks_first: false,
    kinds: &[
        "audio/mp4",
        "audio/mpeg",
        "audio/mpeg3",
        "audio/ogg",
        "audio/vorbis",
        "audio/vnd.wav",
        "audio/ac3",
        "audio/amr",
        "audio/midi",
        "image/jpeg",
        "image/gif",
        "image/png",
        "image/bmp",
        "text/plain",
        "text/calendar",
        "text/vcard",
        "text/x-vcard",
        "video/mpeg",
        "video/mp4",
        "video/quicktime",
        "video/h264",
        "video/3gp",
    ],
    largest: |_| TOTAL,
    total: TOTAL,
    not_there: (63019, "Media failed to download"),
    redirects: (53603, "The media URL could not be processed"),
    // No code of its own is known for it.
    too_large: (21620, "The media is not valid"),
    kind: (21612, "The media is not supported"),
};
