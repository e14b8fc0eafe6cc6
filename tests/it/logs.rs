//! Logs carry ids, never texts, numbers or secrets: not even at the finest level. In a program of its own, because the
//! subscriber has to hear every thread.
#![expect(clippy::unwrap_used, reason = "what a test does in a function of its own is still a test")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use twinwire_engine::setup;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::backfills::Kind;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack, answers, eventually};

const WORDS: &str = "Confidential";

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that a day may bring: sends, refusals, failures, doubts, nonsense and wrong keys.
async fn a_hard_day(stack: &Stack) {
    let (front, provider) = (&stack.front, &stack.signalwire);
    let write = async |to: &[&str], n: usize| {
        front.agent_writes(&stack.channel, to, &format!("{WORDS} {n}")).await.unwrap();
    };
    write(&[CUSTOMER, OTHER_CUSTOMER], 1).await;
    provider.customer_texts(CUSTOMER, SUPPORT, WORDS).await;
    stack.settle().await;
    let refused = format!("{OTHER_CUSTOMER} does not want \"{WORDS} 2\"");
    provider.script(OTHER_CUSTOMER, Fate::RefuseSync { status: 400, code: 21610, message: refused.clone() });
    write(&[OTHER_CUSTOMER], 2).await;
    stack.settle().await;
    provider.script(
        OTHER_CUSTOMER,
        Fate::FailLater { code: 30003, message: refused.clone(), status: "undelivered".to_owned() },
    );
    front.faults().add(
        Rule::new(Fault::Refuse { status: 400, code: 0, message: refused.clone() })
            .on(Operation::UpdateStatus),
    );
    write(&[OTHER_CUSTOMER], 3).await;
    eventually("the failure is told", || async {
        let told = "select count(*) from messages where helpdesk_status is not null";
        (stack.count(told).await == 2).then_some(())
    })
    .await;
    for fault in [Fault::ResetAfter, Fault::TooManyRequests { retry_after_secs: 0 }, Fault::Unauthorized] {
        provider.faults().add(Rule::new(fault).on(Operation::SendMessage));
    }
    write(&[CUSTOMER], 4).await;
    front
        .faults()
        .add(Rule::new(Fault::Refuse { status: 422, code: 0, message: refused }).on(Operation::SyncInbound));
    provider.customer_texts(CUSTOMER, SUPPORT, WORDS).await;
    for to in [&["someone@example.test"][..], &[CUSTOMER, "nobody"]] {
        front.agent_writes(&stack.channel, to, WORDS).await.unwrap();
    }
    assert!(front.connect("sk_wrong_key").await.is_err());
    let wrong = answers(SUPPORT).overlaid(&[("token", "PTwrongwrong")].into_iter().collect());
    assert!(setup::install(stack.engine(), "front_signalwire", &wrong).await.is_err());
    let log_only =
        answers(SUPPORT).overlaid(&[("signalwire.verification", "log_only")].into_iter().collect());
    setup::install(stack.engine(), "front_signalwire", &log_only).await.unwrap();
    for n in 0..3 {
        let sid = format!("sid-unsigned-{n}");
        let fields = [("MessageSid", sid.as_str()), ("From", CUSTOMER), ("To", SUPPORT), ("Body", WORDS)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = provider.signed_form(&stack.hook_url("inbound"), &fields);
        let unsigned = request.without_header("X-SignalWire-Signature");
        assert!(provider.post_raw(&unsigned).await.is_success());
    }
    stack.settle().await;
    stack.backfill(Kind::Full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_line_holds_a_text_a_number_or_a_secret() {
    let heard = Heard::default();
    let writer = heard.clone();
    tracing_subscriber::fmt()
        .with_env_filter("twinwire=trace,twinwire_sandbox=off,twinwire_tests=off")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let mut stack = Stack::start().await;
    a_hard_day(&stack).await;
    stack.stop_server().await;
    let log = String::from_utf8(heard.0.lock().unwrap().clone()).unwrap();
    for crate_ in ["twinwire_engine::ingest", "twinwire_engine::converge", "WARN"] {
        assert!(log.contains(crate_), "nothing was heard of {crate_}");
    }
    assert_eq!(log.matches("taken without being verified").count(), 1, "once a minute");
    let password = stack.database.url.split(['@', ':']).nth(2).unwrap();
    let secrets = [
        &stack.signalwire.options().token,
        &stack.signalwire.options().signing_key,
        &stack.front.options().app_secret,
        &stack.installed.api_key,
    ];
    let private = [WORDS, "PTwrong", "sk_wrong", "someone@example", password].into_iter();
    let numbers = [SUPPORT, CUSTOMER, OTHER_CUSTOMER].into_iter().map(|number| &number[2..]);
    for private in private.chain(numbers).chain(secrets.into_iter().map(String::as_str)) {
        let line = log.lines().find(|line| line.contains(private));
        assert!(line.is_none(), "{private:?} stands in {line:?}");
    }
}
