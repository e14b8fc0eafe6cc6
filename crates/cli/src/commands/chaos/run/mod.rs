//! A whole run, and its end in order whatever happens.

mod end;

use super::args::Args;
use super::balancer::Balancer;
use super::crew::Crew;
use super::plan::{OVERTIME, Plan};
use super::stage::{self, Doubles, Stage};
use super::tally::Tally;
use super::traffic::Traffic;
use super::verdict::{self, Findings, Verdict};
use super::{narrate, providers, settle, trouble};
use crate::config::Config;
use crate::scratch::Scratch;
use crate::stop::Stop;
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long the first workers may take.
const START: Duration = Duration::from_secs(90);

/// What a run has beside its stage.
struct Run<'a> {
    config: &'a Config,
    args: &'a Args,
    seed: u64,
    tally: Arc<Tally>,
    scratch: Arc<Mutex<Option<Scratch>>>,
    folder: PathBuf,
    /// Over when the chaos has begun: from then on an error leaves evidence.
    began: CancellationToken,
}

/// What came of it.
struct Seen {
    findings: Findings,
    /// By vendor.
    faults_struck: BTreeMap<&'static str, usize>,
    /// By what is done with files.
    faults_struck_on_files: BTreeMap<&'static str, usize>,
    chaos: Duration,
    settling: Duration,
}

/// Everything from the database to the verdict.
pub(super) async fn all(config: &Config, args: &Args, seed: u64, mut stop: Stop) -> anyhow::Result<Verdict> {
    let home = config.data_dir.join("chaos");
    fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    let _alone = alone(&home)?;
    let folder = fresh(&home, seed);
    let scratch = tokio::select! {
        scratch = Scratch::open(config, "chaos") => scratch?,
        () = stop.asked() => bail!(STOPPED),
    };
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (tally, scratch) = (Arc::default(), Arc::new(Mutex::new(Some(scratch))));
    let (over, began) = (CancellationToken::new(), CancellationToken::new());
    let run = Run { config, args, seed, tally, scratch, folder, began };
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
    run.end(seen, over.is_cancelled()).await
}

/// A folder that is not there yet: what an earlier run with this seed left is not overwritten.
fn fresh(home: &Path, seed: u64) -> PathBuf {
    let names =
        std::iter::once(format!("run-{seed}")).chain((2_u64..).map(|nth| format!("run-{seed}-{nth}")));
    let mut folders = names.map(|name| home.join(name));
    folders.find(|folder| !folder.exists()).unwrap_or_else(|| home.join("run"))
}

/// The database is put away at the very end only.
const GONE: &str = "the database is put away already";
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
        let kinds = providers::of_channels(self.args.channels);
        let plan = Plan::draw(self.args, kinds.len(), self.seed);
        let doubles = Doubles::start(&plan, kinds).await?;
        let balancer = Balancer::default();
        let public_url = format!("http://{}", balancer.start().await?);
        let (recipe, pool) = {
            let scratch = self.scratch.lock().await;
            let scratch = scratch.as_ref().context(GONE)?;
            let recipe = stage::recipe(self.config, self.args, scratch, &doubles, &public_url, &self.folder)?;
            (recipe, scratch.database.pool.clone())
        };
        let (go, stop) = (CancellationToken::new(), CancellationToken::new());
        let crew = Crew {
            recipe,
            balancer: balancer.clone(),
            tally: Arc::clone(&self.tally),
            pool,
            go: go.clone(),
            stop: stop.clone(),
        };
        let (mut places, dead) = crew.start(plan.lives.clone());
        let all = doubles.clone();
        let played = tokio::select! {
            played = self.play_with(plan, doubles, &balancer, &public_url, go, dead, over) => played,
            () = over.cancelled() => Err(anyhow::anyhow!(STOPPED)),
        };
        stop.cancel();
        while places.join_next().await.is_some() {}
        all.stop().await;
        played
    }

    #[expect(clippy::too_many_arguments, reason = "the ends of what the run has started")]
    async fn play_with(
        &self,
        plan: Plan,
        doubles: Doubles,
        balancer: &Balancer,
        public_url: &str,
        go: CancellationToken,
        dead: CancellationToken,
        over: &CancellationToken,
    ) -> anyhow::Result<Seen> {
        self.wait_for_workers(balancer).await?;
        let stage = {
            let scratch = self.scratch.lock().await;
            let scratch = scratch.as_ref().context(GONE)?;
            Stage::set(self.config, self.args, &plan, scratch, doubles, public_url).await?
        };
        stage.begin_conversations().await?;
        if !settle::settled(&stage, START).await? {
            bail!("the conversations did not begin; see the logs in {}", self.folder.display());
        }
        let stage = Arc::new(stage);
        let (planned, longest) = (stage.planned(&plan.messages), plan.length * OVERTIME + self.args.patience);
        let began = Instant::now();
        self.began.cancel();
        stage.let_loose();
        go.cancel();
        let ended = tokio::select! {
            done = timeout(longest, self.chaos(plan, &stage, dead, over)) => done.ok().transpose()?.is_some(),
            () = narrate::progress(self.args, &stage, &self.tally) => false,
        };
        let chaos = began.elapsed();
        stage.doubles.calm();
        let (faults_struck, began) = (stage.doubles.faults_struck(), Instant::now());
        let faults_struck_on_files = stage.doubles.faults_struck_on_files();
        // Where the chaos did not end, nothing comes to rest either.
        let settled = ended && settle::settled(&stage, self.args.patience).await?;
        let settling = began.elapsed();
        let mut findings = verdict::find(&stage, planned).await?;
        if !ended {
            findings.unsettled.add(1, || format!("the chaos did not end within {} s", longest.as_secs()));
        } else if !settled {
            findings.unsettled.add(1, || "it did not come to rest within --patience".to_owned());
        }
        self.add_what_happened(&mut findings, faults_struck.values().sum())?;
        Ok(Seen { findings, faults_struck, faults_struck_on_files, chaos, settling })
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
        // However this ends, what it has started ends with it.
        let _ends = over.clone().drop_guard();
        let tally = || Arc::clone(&self.tally);
        let outages = tokio::spawn(trouble::outages(plan.outages, Arc::clone(stage), tally(), over.clone()));
        let (scratch, messages) = (Arc::clone(&self.scratch), self.args.messages);
        let crashes = trouble::crashes(plan.crashes, scratch, tally(), messages, over.clone());
        let crashes = tokio::spawn(crashes);
        let crashed = async { crashes.await.context("the crashes of the database broke")? };
        tokio::try_join!(traffic.run(plan.messages, self.args.kills()), crashed)?;
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
}
