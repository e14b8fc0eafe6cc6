//! A whole run, and its end in order whatever happens.

use super::args::Args;
use super::balancer::Balancer;
use super::crew::Crew;
use super::plan::Plan;
use super::stage::{self, Stage};
use super::tally::Tally;
use super::traffic::Traffic;
use super::verdict::{self, Evidence, Findings, Verdict};
use super::{evidence, narrate, settle, trouble};
use crate::config::Config;
use crate::scratch::Scratch;
use crate::stop::Stop;
use anyhow::{Context, bail};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// How long the first workers may take.
const START: Duration = Duration::from_secs(90);

/// What a run has beside its stage.
struct Run<'a> {
    config: &'a Config,
    args: &'a Args,
    seed: u64,
    tally: Arc<Tally>,
    scratch: Arc<Mutex<Scratch>>,
    folder: PathBuf,
}

/// What came of it.
struct Seen {
    findings: Findings,
    faults_struck: usize,
    chaos: Duration,
    settling: Duration,
}

/// Everything from the database to the verdict.
pub(super) async fn all(config: &Config, args: &Args, seed: u64, mut stop: Stop) -> anyhow::Result<Verdict> {
    let home = config.data_dir.join("chaos");
    fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    let _alone = alone(&home)?;
    let folder = home.join(format!("run-{seed}"));
    fs::remove_dir_all(&folder).ok();
    let scratch = tokio::select! {
        scratch = Scratch::open(config, "chaos") => scratch?,
        () = stop.asked() => bail!(STOPPED),
    };
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (tally, scratch) = (Arc::default(), Arc::new(Mutex::new(scratch)));
    let run = Run { config, args, seed, tally, scratch, folder };
    let over = CancellationToken::new();
    let seen = {
        let seen = run.play(&over);
        tokio::pin!(seen);
        tokio::select! {
            seen = &mut seen => seen,
            () = stop.asked() => {
                over.cancel();
                // What has begun comes to its end in order: a database that is just coming up again, for example.
                seen.await.and_then(|_| bail!(STOPPED))
            }
        }
    };
    let stopped = over.is_cancelled();
    let verdict = run.end(seen).await;
    if stopped {
        fs::remove_dir_all(home.join(format!("run-{seed}"))).ok();
    }
    verdict
}

/// The database, once nobody else has to do with it.
async fn alone_with(mut scratch: Arc<Mutex<Scratch>>) -> Scratch {
    loop {
        match Arc::try_unwrap(scratch) {
            Ok(scratch) => return scratch.into_inner(),
            Err(shared) => scratch = shared,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const STOPPED: &str = "stopped before the end; nothing is left behind";

/// Two runs on one private Postgres would crash it for each other.
fn alone(home: &Path) -> anyhow::Result<File> {
    let path = home.join("run.lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another chaos run works in {}: wait, or set TWINWIRE_DATA_DIR", home.display())
        }
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the run's folder"),
    }
}

impl Run<'_> {
    /// The workers from the first to the last, with what happens around them.
    async fn play(&self, over: &CancellationToken) -> anyhow::Result<Seen> {
        let plan = Plan::draw(self.args, self.seed);
        let doubles = stage::doubles(&plan).await?;
        let balancer = Balancer::default();
        let public_url = format!("http://{}", balancer.start().await?);
        let recipe = {
            let scratch = self.scratch.lock().await;
            let ends = (&doubles.0, &doubles.1);
            stage::recipe(self.config, self.args, &scratch, ends, &public_url, &self.folder)?
        };
        let (go, stop) = (CancellationToken::new(), CancellationToken::new());
        let crew = Crew {
            recipe,
            balancer: balancer.clone(),
            tally: Arc::clone(&self.tally),
            go: go.clone(),
            stop: stop.clone(),
        };
        let (mut places, dead) = crew.start(plan.lives.clone());
        let (front, signalwire) = doubles.clone();
        let played = tokio::select! {
            played = self.play_with(plan, doubles, &balancer, &public_url, go, dead, over) => played,
            () = over.cancelled() => Err(anyhow::anyhow!(STOPPED)),
        };
        stop.cancel();
        while places.join_next().await.is_some() {}
        front.stop().await;
        signalwire.stop().await;
        played
    }

    #[expect(clippy::too_many_arguments, reason = "the ends of what the run has started")]
    async fn play_with(
        &self,
        plan: Plan,
        doubles: (twinwire_sandbox::Front, twinwire_sandbox::SignalWire),
        balancer: &Balancer,
        public_url: &str,
        go: CancellationToken,
        dead: CancellationToken,
        over: &CancellationToken,
    ) -> anyhow::Result<Seen> {
        self.wait_for_workers(balancer).await?;
        let stage = {
            let scratch = self.scratch.lock().await;
            Stage::set(self.config, self.args, &plan, &scratch, doubles, public_url).await?
        };
        stage.begin_conversations().await?;
        if !settle::settled(&stage, START).await? {
            bail!("the conversations did not begin; see the logs in {}", self.folder.display());
        }
        let stage = Arc::new(stage);
        let began = Instant::now();
        stage.let_loose();
        go.cancel();
        tokio::select! {
            done = self.chaos(plan, &stage, dead, over) => done?,
            () = narrate::progress(self.args, &stage, &self.tally) => {}
        }
        let chaos = began.elapsed();
        stage.calm();
        let (faults_struck, began) = (stage.faults_struck(), Instant::now());
        settle::settled(&stage, self.args.patience).await?;
        let settling = began.elapsed();
        let findings = verdict::find(self.args, &stage).await?;
        Ok(Seen { findings, faults_struck, chaos, settling })
    }

    /// Everything at once: traffic, deaths, outages, crashes. Over when all is put in and all are dead that had to be.
    async fn chaos(
        &self,
        plan: Plan,
        stage: &Arc<Stage>,
        dead: CancellationToken,
        over: &CancellationToken,
    ) -> anyhow::Result<()> {
        let traffic = Traffic::new(Arc::clone(stage), Arc::clone(&self.tally));
        let over = over.child_token();
        let tally = || Arc::clone(&self.tally);
        let outages = tokio::spawn(trouble::outages(plan.outages, Arc::clone(stage), tally(), over.clone()));
        let scratch = Arc::clone(&self.scratch);
        let crashes = tokio::spawn(trouble::crashes(plan.crashes, scratch, tally(), over.clone()));
        traffic.run(plan.messages).await?;
        crashes.await??;
        dead.cancelled().await;
        over.cancel();
        Ok(outages.await?)
    }

    async fn wait_for_workers(&self, balancer: &Balancer) -> anyhow::Result<()> {
        let began = Instant::now();
        while balancer.count() < self.args.workers as usize {
            if began.elapsed() > START {
                bail!("the workers do not start; see the logs in {}", self.folder.display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Makes the verdict and tidies up; what a failure left is kept.
    async fn end(self, seen: anyhow::Result<Seen>) -> anyhow::Result<Verdict> {
        let passed = seen.as_ref().is_ok_and(|seen| seen.findings.are_none());
        let keep = self.args.keep || (seen.is_ok() && !passed);
        // Whoever crashes it, holds it until it is up again.
        let scratch = Arc::clone(&self.scratch);
        let folder = self.folder.clone();
        let pool = scratch.lock().await.database.pool.clone();
        if keep {
            evidence::write(&pool, &folder).await?;
        }
        let (args, seed, counts) = (self.args, self.seed, self.tally.now());
        drop(self);
        let scratch = alone_with(scratch).await;
        let evidence = if keep {
            Some(Evidence { folder: folder.display().to_string(), database: scratch.keep().await? })
        } else {
            scratch.close().await?;
            if seen.is_ok() {
                fs::remove_dir_all(&folder).ok();
            }
            None
        };
        let seen = seen?;
        let (kills, stalls) = (counts.kills(), counts.stalls());
        Ok(Verdict {
            passed,
            seed,
            command: args.again(seed),
            findings: seen.findings,
            counts,
            kills,
            stalls,
            faults_struck: seen.faults_struck,
            seconds_of_chaos: seen.chaos.as_secs_f64(),
            seconds_to_settle: seen.settling.as_secs_f64(),
            evidence,
        })
    }
}
