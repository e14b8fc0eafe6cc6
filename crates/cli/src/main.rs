//! The `twinwire` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    twinwire_cli::main()
}
