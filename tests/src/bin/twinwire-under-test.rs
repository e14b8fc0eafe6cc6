//! The `twinwire` program, as tests of this package run it.

use std::process::ExitCode;

fn main() -> ExitCode {
    twinwire_cli::main()
}
