//! The set-up of a channel on SignalWire, as data. Words of its dashboard as read in its documentation, 2026-11.

use super::config::{PHONE, PROJECT, SIGNING_KEY, SPACE, TOKEN};
use twinwire_core::setup::{Ask, Guide, Paste, Told, When};

/// The guide.
pub(super) static GUIDE: Guide = Guide {
    asks: &[
        Ask {
            setting: PHONE,
            help: "Under Phone Numbers in your SignalWire space. With + and country code, as in +12015550123.",
            when: When::Always,
        },
        Ask {
            setting: SPACE,
            help: "The name before .signalwire.com in the address of your dashboard; the whole address will do.",
            when: When::Always,
        },
        Ask { setting: PROJECT, help: "Under API in your space: Project ID.", when: When::Always },
        Ask {
            setting: TOKEN,
            help: "Under API in your space: make a token with the scope Messaging, and the scope Numbers if the \
                   number's webhook is to be set from here. Press Show to copy it; it starts with PT.",
            when: When::Always,
        },
        Ask {
            setting: SIGNING_KEY,
            help: "Under API in your space: Signing Key; it starts with PSK_. It proves that a webhook comes from \
                   SignalWire. Left empty, messages come by polling alone, within a minute.",
            when: When::Always,
        },
    ],
    credentials: &[SPACE, PROJECT, TOKEN],
    before: &[],
    connect: &[
        Told {
            words: "Open Phone Numbers in your space, choose the number, and edit its settings.",
            paste: None,
        },
        Told {
            words: "Under Messaging Settings, handle messages using LaML (cXML) webhooks, and paste this for when a \
                    message comes in, with the method POST:",
            paste: Some(Paste::Inbound),
        },
        Told { words: "Save.", paste: None },
    ],
    reads_hook: true,
};
