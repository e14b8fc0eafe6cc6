//! Everything that can be found wrong. Each has a section of its own in docs/OPERATIONS.md.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is as it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
}

impl Level {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

macro_rules! troubles {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $level:ident;)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Trouble { $($(#[$doc])* $name,)* }

        impl Trouble {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its word: the heading of its section in docs/OPERATIONS.md.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// How bad it is.
            pub fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)* }
            }
        }
    };
}

troubles! {
    /// The database cannot be opened.
    DatabaseAway = "database-away", Fail;
    /// Postgres may lose what it has acknowledged.
    DatabaseUnsafe = "database-unsafe", Fail;
    /// Postgres may lose the last moments in a crash.
    DatabaseAsynchronous = "database-asynchronous", Warn;
    /// An extension is missing.
    ExtensionMissing = "extension-missing", Fail;
    /// The schema is older than the program.
    MigrationsMissing = "migrations-missing", Fail;
    /// The schema is newer than the program.
    MigrationsUnknown = "migrations-unknown", Warn;
    /// Two clocks are somewhat apart.
    ClockDrifts = "clock-drifts", Warn;
    /// Two clocks are so far apart that signatures and tokens are refused.
    ClockWrong = "clock-wrong", Fail;
    /// Others can read the key of the secrets.
    KeyReadable = "key-readable", Fail;
    /// Others can write into the data folder.
    FolderWritable = "folder-writable", Warn;
    /// The folder or the key cannot be looked at.
    FolderUnreadable = "folder-unreadable", Warn;
    /// The disk of Twinwire's own Postgres gets full.
    DiskLow = "disk-low", Warn;
    /// The disk of Twinwire's own Postgres is full.
    DiskFull = "disk-full", Fail;
    /// A setting of a connector is missing.
    SettingMissing = "setting-missing", Fail;
    /// The server and the command line are of different versions.
    VersionDiffers = "version-differs", Warn;
    /// The server of `--url` does not answer as it should.
    ServerAway = "server-away", Fail;
    /// No process works.
    NoWorker = "no-worker", Fail;
    /// The public address is not set.
    PublicUrlUnset = "public-url-unset", Fail;
    /// The public address is not encrypted.
    PublicUrlPlain = "public-url-plain", Warn;
    /// The public address leads into a private network.
    PublicUrlPrivate = "public-url-private", Warn;
    /// The public address has a name that leads nowhere.
    PublicUrlUnresolved = "public-url-unresolved", Fail;
    /// Nothing answers at the public address.
    PublicUrlUnreachable = "public-url-unreachable", Fail;
    /// Something else answers at the public address.
    PublicUrlElsewhere = "public-url-elsewhere", Fail;
    /// The vendor refuses the credentials.
    CredentialsRefused = "credentials-refused", Fail;
    /// The credentials could not be tried.
    CredentialsUntried = "credentials-untried", Warn;
    /// The vendor could not be asked.
    VendorAway = "vendor-away", Fail;
    /// A number's messages go to another application.
    WebhookElsewhere = "webhook-elsewhere", Fail;
    /// Nobody is told of a number's messages.
    WebhookUnset = "webhook-unset", Warn;
    /// Where a number's messages go cannot be read.
    WebhookUnknown = "webhook-unknown", Warn;
    /// There is no key with which webhooks could be believed.
    WebhookUnsigned = "webhook-unsigned", Warn;
    /// An account was told to wait.
    AccountRests = "account-rests", Warn;
    /// An account rests because its credentials were refused.
    AccountRefused = "account-refused", Fail;
    /// Unverified webhooks are taken.
    LogOnly = "log-only", Warn;
    /// A channel was never connected in the helpdesk.
    ChannelUnconnected = "channel-unconnected", Warn;
    /// Messages are due and not worked.
    MessagesStuck = "messages-stuck", Fail;
    /// Messages were put aside.
    MessagesParked = "messages-parked", Warn;
    /// A provider's list has not been read for long.
    ReadingBehind = "reading-behind", Warn;
    /// Jobs have failed.
    JobFailed = "job-failed", Warn;
    /// A job does not get further.
    JobStuck = "job-stuck", Fail;
    /// An endpoint gets nothing any more.
    EndpointOff = "endpoint-off", Warn;
    /// An endpoint does not take its events.
    EndpointFailing = "endpoint-failing", Warn;
}
