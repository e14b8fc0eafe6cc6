//! Runs a program to its end, within a time limit.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::Error;
use crate::context::Context;

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) success: bool,
    /// All it wrote, to both outputs.
    pub(crate) text: String,
}

/// Runs the program; it is killed at the time limit, or when the caller gives up.
pub(crate) fn run(command: &mut Command, limit: Duration, context: &Context) -> Result<Finished, Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    // A file, because a full pipe would stop the program and reading it would stop us.
    let mut output = tempfile::tempfile().map_err(failed(&name))?;
    let mut child = spawn(command, &output).map_err(failed(&name))?;
    let status = wait(&mut child, &name, limit, context)?;
    let text = read(&mut output).map_err(failed(&name))?;
    tracing::debug!(program = name, success = status.success(), "ran");
    Ok(Finished { success: status.success(), text })
}

fn failed(name: &str) -> impl FnOnce(io::Error) -> Error {
    let action = format!("run {name}");
    move |source| Error::Io { action, source }
}

fn spawn(command: &mut Command, output: &File) -> io::Result<Child> {
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?).spawn()
}

fn wait(child: &mut Child, name: &str, limit: Duration, context: &Context) -> Result<ExitStatus, Error> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().map_err(failed(name))? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            kill(child);
            let text = format!("it took longer than {} seconds and was stopped", limit.as_secs());
            return Err(failed(name)(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        context.pause(10).inspect_err(|_| kill(child))?;
    }
}

fn kill(child: &mut Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        tracing::debug!(%error, "cannot end a program");
    }
}

fn read(output: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    output.rewind()?;
    output.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
