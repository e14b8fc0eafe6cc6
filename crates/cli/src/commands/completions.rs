//! `twinwire completions`

use clap_complete::Shell;
use std::io::Write;

/// For bash: `twinwire completions bash > /etc/bash_completion.d/twinwire`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, mut command: clap::Command) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "twinwire", &mut script);
    // A reader that has gone away is no error of ours.
    std::io::stdout().write_all(&script).ok();
}
