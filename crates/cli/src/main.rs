//! The `twinwire` binary.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Most of what a message costs this process is small pieces of memory, taken on one thread and given back on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    twinwire_cli::main()
}
