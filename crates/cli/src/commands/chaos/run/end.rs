//! The end of a run: what took place and what did not, what is kept, and the verdict.

use super::super::evidence;
use super::super::verdict::{Evidence, Findings, Verdict};
use super::{Run, Seen};
use crate::output;
use std::fs;

impl Run<'_> {
    /// What broke on the way, and what was asked for and did not come.
    pub(super) fn add_what_happened(
        &self,
        findings: &mut Findings,
        faults_struck: usize,
    ) -> anyhow::Result<()> {
        let counts = self.tally.now();
        let spared = findings.put_in_at.iter().filter(|(_, put_in)| put_in.messages() == 0);
        let spared: Vec<String> = spared.map(|(title, _)| format!("not one message at {title}")).collect();
        findings.not_shown.extend(spared);
        for broken in evidence::broken(&self.folder)?.into_iter().chain(counts.ended_by_themselves.clone()) {
            findings.broken.add(1, || broken);
        }
        let (kills, crashes) = (self.args.kills() as usize, self.args.crashes() as usize);
        let mut not_shown = |shown: bool, what: String| {
            if !shown {
                findings.not_shown.push(what);
            }
        };
        not_shown(counts.kills() >= kills, format!("only {} of {kills} kills", counts.kills()));
        let restarts = counts.database_restarts;
        not_shown(restarts >= crashes, format!("only {restarts} of {crashes} restarts of the database"));
        not_shown(faults_struck > 0 || self.args.faults == 0.0, "not one fault struck".to_owned());
        Ok(())
    }

    /// Makes the verdict and tidies up; what a failure or an error left is kept, and after a stop nothing.
    pub(super) async fn end(self, seen: anyhow::Result<Seen>, stopped: bool) -> anyhow::Result<Verdict> {
        let passed = seen.as_ref().is_ok_and(|seen| seen.findings.are_none());
        let keep = !stopped && (self.args.keep || (!passed && self.began.is_cancelled()));
        let evidence = self.tidy(keep, seen.is_ok() || stopped).await;
        let seen = match (seen, &evidence) {
            (Ok(seen), _) => seen,
            (Err(error), Ok(Some(kept))) => {
                output::complain(&format!("kept: logs and tables in {}", kept.folder));
                output::complain(&format!("kept: database {}", kept.database));
                return Err(error);
            }
            (Err(error), _) => return Err(error),
        };
        let counts = self.tally.now();
        let (kills, stalls) = (counts.kills(), counts.stalls());
        Ok(Verdict {
            passed,
            seed: self.seed,
            command: self.args.again(self.seed),
            findings: seen.findings,
            counts,
            kills,
            stalls,
            faults_struck: seen.faults_struck.values().sum(),
            faults_struck_at: seen.faults_struck,
            faults_struck_on_files: seen.faults_struck_on_files,
            seconds_of_chaos: seen.chaos.as_secs_f64(),
            seconds_to_settle: seen.settling.as_secs_f64(),
            // A verdict stands, whatever becomes of its traces.
            evidence: evidence.unwrap_or_else(|error| {
                output::complain(&format!("warning: the database was not put away: {error:#}"));
                None
            }),
        })
    }

    /// Keeps or drops the database and the logs. Logs stay behind an error before the chaos, too: they say why.
    async fn tidy(&self, keep: bool, drop_logs: bool) -> anyhow::Result<Option<Evidence>> {
        // Whoever crashes it, holds it until it is up again.
        let mut scratch = self.scratch.lock().await;
        let Some(scratch) = scratch.take() else { return Ok(None) };
        if !keep {
            if drop_logs {
                fs::remove_dir_all(&self.folder).ok();
            }
            return scratch.close().await.map(|()| None);
        }
        if let Err(error) = evidence::write(&scratch.database.pool, &self.folder).await {
            output::complain(&format!("warning: the tables could not be written: {error:#}"));
        }
        let folder = self.folder.display().to_string();
        Ok(Some(Evidence { folder, database: scratch.keep().await? }))
    }
}
