//! What each safeguard is for: with it a message is sent once, without it twice (or shown as somebody else's).
//!
//! A server cannot leave one out; these tests and a chaos run's own workers can.

use nix::sys::signal::Signal;
use std::time::Duration;
use twinwire_engine::Safeguard;
use twinwire_sandbox::{Fault, Operation, Rule, SignalWire};
use twinwire_store::backfills::Kind;
use twinwire_tests::installation::Installation;
use twinwire_tests::process::{Program, Serving, lasting_address};
use twinwire_tests::{CUSTOMER, Setting, Stack, eventually};

const PROGRAM: &str = env!("CARGO_BIN_EXE_twinwire-under-test");
/// Longer than everything that another process needs to find a row, look it up and send it.
const LONG: Duration = Duration::from_secs(60);

async fn stack(without: Option<Safeguard>) -> Stack {
    let stack = Stack::with(Setting {
        settling: Duration::from_millis(1200),
        lease: Duration::from_secs(3),
        without,
        ..Setting::default()
    })
    .await;
    lose_callbacks(&stack.signalwire);
    stack
}

/// Callbacks name our message, and would settle everything by themselves.
fn lose_callbacks(signalwire: &SignalWire) {
    signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(1_000));
}

/// The answer to a send is lost, though the provider has taken it.
async fn after_a_lost_answer(without: Option<Safeguard>) -> usize {
    let stack = stack(without).await;
    stack.signalwire.faults().add(Rule::new(Fault::ResetAfter).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Once").await.unwrap();
    stack.settle().await;
    stack.texts_to(CUSTOMER).len()
}

#[tokio::test]
async fn the_doubt_keeps_a_send_of_unknown_outcome_from_being_repeated() {
    assert_eq!(after_a_lost_answer(None).await, 1);
    assert_eq!(after_a_lost_answer(Some(Safeguard::Doubt)).await, 2);
}

/// A backfill sees a send whose answer is still out. Gives the texts that the customer got, and those the agent sees.
async fn seen_by_a_backfill_in_flight(without: Option<Safeguard>) -> (usize, usize) {
    let stack = stack(without).await;
    let slow = Fault::Slow(Duration::from_secs(6));
    stack.signalwire.faults().add(Rule::new(slow).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Once").await.unwrap();
    eventually("the provider has it", || async { (stack.texts_to(CUSTOMER).len() == 1).then_some(()) }).await;
    stack.backfill(Kind::Incremental).await;
    stack.settle().await;
    (stack.texts_to(CUSTOMER).len(), stack.thread_texts(CUSTOMER).len())
}

#[tokio::test]
async fn the_echo_of_our_own_send_is_not_shown_to_the_agent_as_another_message() {
    assert_eq!(seen_by_a_backfill_in_flight(None).await, (1, 1));
    let (_, shown) = seen_by_a_backfill_in_flight(Some(Safeguard::Echo)).await;
    assert_eq!(shown, 2);
}

/// One process waits for a slow answer to a message that no list shows yet; another one has nothing to do.
async fn beside_an_idle_process(without: Option<Safeguard>) -> usize {
    let stack = stack(without).await;
    let second = stack.second_server().await;
    let faults = stack.signalwire.faults();
    faults.add(Rule::new(Fault::Slow(Duration::from_secs(5))).on(Operation::SendMessage));
    faults.add(Rule::new(Fault::DelayedVisibility(LONG)).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Once").await.unwrap();
    stack.settle().await;
    second.stop().await;
    stack.texts_to(CUSTOMER).len()
}

#[tokio::test]
async fn the_lease_keeps_other_processes_from_a_call_that_is_still_going_on() {
    assert_eq!(beside_an_idle_process(None).await, 1);
    assert_eq!(beside_an_idle_process(Some(Safeguard::Lease)).await, 2);
}

/// Two processes on one installation, the first of which stands still at a point with the channel's only message.
struct Pair {
    twinwire: Installation,
    stalled: Serving,
    without: Option<Safeguard>,
}

impl Pair {
    async fn stalled_at(point: &str, without: Option<Safeguard>) -> Self {
        let mut twinwire = Installation::connected(PROGRAM).await;
        twinwire.stop().await;
        lose_callbacks(&twinwire.signalwire);
        // A call starts within a third of this or not at all: enough for a busy machine.
        twinwire.program = twinwire.program.with("TWINWIRE_SETTLING", "6s");
        let stalled = serve(&twinwire.program.clone().with("TWINWIRE_STALL_AT", point), without).await;
        Self { twinwire, stalled, without }
    }

    /// The agent writes, and the first process stands still.
    async fn write(&self) {
        self.twinwire.insist(&self.twinwire.order(&[CUSTOMER], "Once")).await;
        let in_flight = "select count(*) from messages where in_flight = 'deliver'";
        eventually("it has begun", || async { (self.twinwire.count(in_flight).await == 1).then_some(()) })
            .await;
    }

    /// Another process, which takes the channel over once the lease has run out.
    async fn another(&self, change: impl FnOnce(Program) -> Program) -> Serving {
        let elsewhere = lasting_address().to_string();
        serve(&change(self.twinwire.program.clone().with("TWINWIRE_LISTEN", elsewhere)), self.without).await
    }

    fn sent(&self) -> usize {
        self.twinwire.texts_to(CUSTOMER).len()
    }

    async fn is_sent(&self) {
        eventually("the other process sends it", || async { (self.sent() == 1).then_some(()) }).await;
    }

    /// The first process goes on as if nothing had been.
    async fn goes_on(self) -> usize {
        self.stalled.running.signal(Signal::SIGCONT);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.twinwire.settle().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let sent = self.sent();
        self.stalled.kill().await;
        sent
    }
}

async fn serve(program: &Program, without: Option<Safeguard>) -> Serving {
    match without {
        None => program.serve().await,
        Some(safeguard) => program.serve_by(&["chaos-worker", "--without", safeguard.name()]).await,
    }
}

/// A process stands still between its begin and its call, for so long that another one takes over.
async fn held_up(point: &str, without: Option<Safeguard>) -> usize {
    let pair = Pair::stalled_at(point, without).await;
    pair.write().await;
    let another = pair.another(|program| program).await;
    pair.is_sent().await;
    let sent = pair.goes_on().await;
    another.kill().await;
    sent
}

#[tokio::test]
async fn a_call_that_was_held_up_is_not_made_after_another_process_has_made_it() {
    assert_eq!(held_up("after_begin", None).await, 1);
    assert_eq!(held_up("after_begin", Some(Safeguard::Start)).await, 2);
}

#[tokio::test]
async fn nor_when_its_connection_stood_already() {
    assert_eq!(held_up("before_wire", None).await, 1);
}

/// A process stands still after the provider has refused it for now. Another one takes over, sends the message and dies
/// before it can say so. Then the first wants to write down that the message was not taken.
async fn a_late_word_of_a_slow_process(without: Option<Safeguard>) -> usize {
    let pair = Pair::stalled_at("after_call", without).await;
    let throttled = Fault::TooManyRequests { retry_after_secs: 1 };
    pair.twinwire.signalwire.faults().add(Rule::new(throttled).on(Operation::SendMessage));
    pair.write().await;
    // Its first call looks the message up, the second sends it.
    let another = pair.another(|program| program.with("TWINWIRE_CRASH_AT", "after_call:2")).await;
    pair.is_sent().await;
    another.dies().await;
    pair.goes_on().await
}

#[tokio::test]
async fn the_fence_keeps_a_process_that_was_merely_slow_from_writing_over_what_came_since() {
    assert_eq!(a_late_word_of_a_slow_process(None).await, 1);
    assert_eq!(a_late_word_of_a_slow_process(Some(Safeguard::Fence)).await, 2);
}
