//! A real browser without a window: Chromium, spoken to by its own protocol over two pipes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;

/// Where Chromium may be.
const NAMES: [&str; 5] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/snap/bin/chromium",
];
/// How long an answer may take. Generous: machines are shared.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers that are waited for, and what the page complained of.
#[derive(Default)]
struct Heard {
    answers: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    complaints: Mutex<Vec<String>>,
}

/// A browser with one page.
pub struct Browser {
    to: tokio::sync::Mutex<ChildStdin>,
    heard: Arc<Heard>,
    last: AtomicU64,
    session: String,
    _child: Child,
    _folder: TempDir,
}

/// The browser of this machine: that of `TWINWIRE_CHROMIUM`, or one at the usual places.
///
/// # Panics
/// When there is none, and `TWINWIRE_NEED_BROWSER` says that there has to be one.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("TWINWIRE_CHROMIUM").map(PathBuf::from);
    let found = named.or_else(|| NAMES.iter().map(PathBuf::from).find(|path| path.exists()));
    assert!(
        found.is_some() || std::env::var_os("TWINWIRE_NEED_BROWSER").is_none(),
        "there is no Chromium: install the package `chromium`, or name one in TWINWIRE_CHROMIUM"
    );
    found
}

impl Browser {
    /// Starts one; none where this machine has none.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        // Its protocol stands on the descriptors 3 and 4, what it says otherwise on the standard error.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 1>&2"])
            .arg(program)
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args(["--disable-dev-shm-usage", "--disable-background-networking", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let heard = Arc::new(Heard::default());
        tokio::spawn(hear(from, heard.clone()));
        let mut browser = Self {
            to: to.into(),
            heard,
            last: AtomicU64::default(),
            session: String::new(),
            _child: child,
            _folder: folder,
        };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        Some(browser)
    }

    /// Calls something of the protocol.
    ///
    /// # Panics
    /// When it fails, or does not answer.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params).await;
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The same with what is said where it fails.
    async fn ask(&self, method: &str, params: Value) -> Value {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (tell, told) = oneshot::channel();
        self.heard.answers.lock().unwrap().insert(id, tell);
        let mut said = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            said["sessionId"] = json!(self.session);
        }
        let mut line = said.to_string().into_bytes();
        line.push(0);
        self.to.lock().await.write_all(&line).await.unwrap();
        let answer =
            tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("{method}: no answer"));
        answer.unwrap_or_else(|_| panic!("{method}: Chromium is gone"))
    }

    /// What an expression is in the page; promises are waited for.
    ///
    /// # Panics
    /// When it throws.
    pub async fn eval(&self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", params).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Goes to an address, and waits until the page is loaded.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub async fn open(&self, url: &str) {
        let gone = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(gone["errorText"].is_null(), "{url}: {gone}");
        self.until(&format!("location.href !== 'about:blank' && {LOADED}")).await;
    }

    /// Does something that leads to another page, and waits for that one.
    pub async fn follow(&self, expression: &str) {
        self.eval("window.before = true").await;
        self.eval(&format!("void ({expression})")).await;
        self.until(&format!("!window.before && {LOADED}")).await;
    }

    /// Waits until an expression is true.
    ///
    /// # Panics
    /// When it does not come to be.
    pub async fn until(&self, expression: &str) {
        let began = std::time::Instant::now();
        loop {
            // While a page is left for another one there may be nothing to ask, or nobody any more who answers.
            let params = json!({ "expression": format!("!!({expression})"), "returnByValue": true });
            let answer = self.ask("Runtime.evaluate", params).await;
            if answer["result"]["result"]["value"] == true {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it does not come: {expression}: {answer}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How wide and high the page is, and whether it is to be dark.
    pub async fn look(&self, width: u32, height: u32, dark: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", features).await;
    }

    /// Keeps a picture of the page.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn picture(&self, path: &Path) {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        std::fs::write(path, STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()).unwrap();
    }

    /// What the page complained of since it was last asked: errors of scripts, and what the policy forbade.
    ///
    /// # Panics
    /// Never in a test that did not panic before.
    pub fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.complaints.lock().unwrap())
    }
}

/// That the page is there.
const LOADED: &str = "document.readyState === 'complete'";

/// Hears what Chromium says, until it ends.
async fn hear(from: ChildStdout, heard: Arc<Heard>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(0, &mut line).await.is_ok_and(|read| read > 0) {
        let said: Value = serde_json::from_slice(line.strip_suffix(b"\0").unwrap_or(&line)).unwrap();
        line.clear();
        if let Some(id) = said["id"].as_u64() {
            let waits = heard.answers.lock().unwrap().remove(&id);
            if let Some(tell) = waits {
                tell.send(said).ok();
            }
            continue;
        }
        let params = &said["params"];
        let complaint = match said["method"].as_str().unwrap_or_default() {
            "Log.entryAdded" if params["entry"]["level"] == "error" => Some(&params["entry"]),
            "Runtime.exceptionThrown" => Some(&params["exceptionDetails"]),
            "Runtime.consoleAPICalled" if params["type"] == "error" => Some(&params["args"]),
            _ => None,
        };
        heard.complaints.lock().unwrap().extend(complaint.map(Value::to_string));
    }
    // Whoever waits is told that nothing comes any more.
    heard.answers.lock().unwrap().clear();
}
