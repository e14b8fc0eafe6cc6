//! What Postgres itself does with the same row: `pgbench` with a script of its own.

use crate::stage::Stage;
use anyhow::{Context, ensure};
use std::io::Write;
use tokio::process::Command;

/// The row that a Front message becomes, so many at a time.
fn script(rows: u32) -> String {
    format!(
        "\\set base random(1, 1000000000)\n\
        insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body, \
        data, occurred_at, helpdesk_message_id, wake_at)\n\
        select 1, 'pgb_' || :base || '_' || n || '_' || :client_id || '_' || clock_timestamp(), 'helpdesk', 'outbound', \
        '+1202556' || lpad((n + :base) % 1000 || '', 4, '0'), '+12015550000', \
        '+1202556' || lpad((n + :base) % 1000 || '', 4, '0'), s.body, s.data, now(), \
        'pgm_' || :base || '_' || n || '_' || :client_id || '_' || clock_timestamp(), now()\n\
        from generate_series(1, {rows}) n, sample s;\n"
    )
}

/// Rows a second, and the mean time of a transaction in milliseconds.
pub(crate) async fn run(stage: &Stage, clients: u32, rows: u32, seconds: u64) -> anyhow::Result<(f64, f64)> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(script(rows).as_bytes())?;
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--file"])
        .arg(file.path())
        .args([format!("--client={clients}"), format!("--time={seconds}"), stage.database().to_owned()])
        .kill_on_drop(true)
        .output()
        .await
        .context("pgbench is needed for the comparison")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
    let number = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches([' ', '=']).split(' ').next()?.parse::<f64>().ok()
    };
    let tps = number("tps").with_context(|| format!("pgbench said: {said}"))?;
    let latency = number("latency average").context("no latency")?;
    Ok((tps * f64::from(rows), latency))
}

/// Keeps the row of a message that came, so that what is inserted is of its size.
pub(crate) async fn take_sample(stage: &Stage) -> anyhow::Result<()> {
    stage.sql("create table sample as select body, data from messages limit 1".to_owned()).await
}
