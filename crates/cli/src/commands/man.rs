//! `twinwire man`

use crate::Outcome;
use anyhow::Context;
use std::io::Write;
use std::path::PathBuf;

/// Without a folder the main page is printed: `twinwire man | man -l -`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write a page for every command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, command: clap::Command) -> Outcome {
    match &args.out {
        Some(folder) => {
            let context = || format!("the pages cannot be written into {}", folder.display());
            std::fs::create_dir_all(folder).with_context(context)?;
            clap_mangen::generate_to(command, folder).with_context(context)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            // A reader that has gone away is no error of ours.
            std::io::stdout().write_all(&page).ok();
        }
    }
    Ok(())
}
