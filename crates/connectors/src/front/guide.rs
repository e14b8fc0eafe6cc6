//! The set-up of a channel in Front, as data. Words of its settings as in its developer documentation (Create, manage, and
//! publish apps; Fundamentals of Application Channels; read 2026-11).

use twinwire_core::setup::{Guide, Paste, Told};

/// The guide. A channel asks for nothing here: what Front needs is set once for the installation.
pub(super) static GUIDE: Guide = Guide {
    asks: &[],
    credentials: &[],
    before: &[
        Told {
            words: "In Front, as an admin, open Settings, Company, Developers, and choose Create app; or open the app that \
                    is there.",
            paste: None,
        },
        Told {
            words: "Under Features, add a feature of the kind Channel type, with API token as its authorization method, and \
                    this server URL:",
            paste: Some(Paste::Server),
        },
        Told {
            words: "Under Basic information, copy the App UID and the App secret into the settings of this installation, \
                    and start the server anew.",
            paste: None,
        },
    ],
    connect: &[
        Told {
            words: "In your Front app (Settings, Company, Developers) the server URL of the channel type has to be:",
            paste: Some(Paste::Server),
        },
        Told {
            words: "In Front's settings, open Inboxes, add a channel of your app to the inbox, and paste this key as its \
                    token:",
            paste: Some(Paste::Key),
        },
    ],
    reads_hook: false,
};
