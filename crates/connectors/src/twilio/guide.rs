//! The set-up of a channel on Twilio, as data. Words of its console as read in its documentation, 2026-11.

use super::config::{ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, PHONE, SERVICE};
use twinwire_core::setup::{Ask, Guide, Paste, Told, When};

/// The guide.
pub(super) static GUIDE: Guide = Guide {
    asks: &[
        Ask {
            setting: PHONE,
            help: "Under Phone Numbers, Active numbers, in Twilio's console. With + and country code; for WhatsApp with \
                   whatsapp: before it, as in whatsapp:+12015550123.",
            when: When::Always,
        },
        Ask {
            setting: ACCOUNT_SID,
            help: "On the first page of Twilio's console, under Account Info; it starts with AC.",
            when: When::Always,
        },
        Ask {
            setting: AUTH_TOKEN,
            help: "Beside the account SID: press Show to copy it. It also proves that a webhook comes from Twilio. Left \
                   empty, an API key is asked for, and messages come by polling alone, within a minute.",
            when: When::Always,
        },
        Ask {
            setting: API_KEY_SID,
            help: "Under Account, API keys & tokens; it starts with SK.",
            when: When::Without(AUTH_TOKEN),
        },
        Ask {
            setting: API_KEY_SECRET,
            help: "Shown once, when the API key is made.",
            when: When::With(API_KEY_SID),
        },
        Ask {
            setting: SERVICE,
            help: "Only if the number sends through a messaging service: its SID under Messaging, Services; it starts \
                   with MG. Otherwise leave it empty.",
            when: When::Always,
        },
    ],
    credentials: &[ACCOUNT_SID, AUTH_TOKEN, API_KEY_SID, API_KEY_SECRET],
    before: &[],
    connect: &[
        Told {
            words: "In Twilio's console open the number under Phone Numbers, Active numbers; or the messaging service, \
                    under Integration, if the number is in one; or the WhatsApp sender.",
            paste: None,
        },
        Told {
            words: "Under Messaging Configuration, where a message comes in, choose Webhook with HTTP POST, and paste:",
            paste: Some(Paste::Inbound),
        },
        Told { words: "Save.", paste: None },
    ],
    reads_hook: true,
};
