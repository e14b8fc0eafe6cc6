//! What a provider says became of a message: whatever order it says it in, however often and by which way, at each
//! provider.

use std::time::Duration;
use twinwire_core::model::{Message, Status, Told};
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule, Sms};
use twinwire_store::backfills::Kind;
use twinwire_tests::on_twilio::{NUMBER, OnTwilio};
use twinwire_tests::{CUSTOMER, eventually};

/// The providers, each with Front's id of its inbox.
fn ends(on: &OnTwilio) -> [(&Sms, &str); 2] {
    [(&on.stack.signalwire, &on.stack.channel), (&on.twilio, &on.inbox)]
}

/// A message that is sent and of which nothing is said by itself; gives its id at the provider.
async fn silent(on: &OnTwilio, (provider, inbox): (&Sms, &str)) -> String {
    provider.script(CUSTOMER, Fate::Silent);
    on.stack.front.agent_writes(inbox, &[CUSTOMER], "Did it arrive?").await.unwrap();
    on.stack.settle().await;
    let sent = eventually("it is sent", || async {
        provider.outbound_to(CUSTOMER).pop().filter(|message| message.status == "sent")
    });
    sent.await.sid
}

async fn row(on: &OnTwilio, sid: &str) -> Message {
    on.stack.row(&format!("provider_message_id = '{sid}'")).await.unwrap()
}

async fn written(on: &OnTwilio, sid: &str) -> i64 {
    let at = "select (extract(epoch from row_updated_at) * 1000000)::bigint from messages";
    on.stack.count(&format!("{at} where provider_message_id = '{sid}'")).await
}

fn told(on: &OnTwilio) -> usize {
    let requests = on.stack.front.requests();
    requests.iter().filter(|request| request.operation == Some(Operation::UpdateStatus)).count()
}

#[tokio::test]
async fn a_status_goes_up_and_never_down_and_a_failure_stays() {
    let on = OnTwilio::start(NUMBER).await;
    for (nth, end) in ends(&on).into_iter().enumerate() {
        let (provider, inbox) = end;
        let sid = silent(&on, end).await;
        provider.advance(&sid, "delivered", None).await;
        assert_eq!(row(&on, &sid).await.provider_status, Some(Status::Delivered));
        let before = written(&on, &sid).await;
        for late in ["sent", "queued", "delivered", "sending"] {
            assert!(provider.advance(&sid, late, None).await[0].is_success());
            assert_eq!(row(&on, &sid).await.provider_status, Some(Status::Delivered), "{late}");
        }
        assert_eq!(written(&on, &sid).await, before, "no news, nothing written");

        provider.advance(&sid, "failed", Some((30_003, "Unreachable"))).await;
        on.stack.settle().await;
        for late in ["delivered", "sent", "failed"] {
            provider.advance(&sid, late, None).await;
        }
        on.stack.settle().await;
        let row = row(&on, &sid).await;
        assert_eq!((row.provider_status, row.helpdesk_status), (Some(Status::Failed), Some(Told::Failed)));
        assert_eq!(row.provider_error_code.as_deref(), Some("30003"));
        assert!(row.provider_error_message.is_some());
        assert_eq!(told(&on), nth + 1, "the agent is told once");
        assert!(on.stack.front.failures(inbox)[0].error.as_ref().unwrap().contains("30003"));
    }
}

#[tokio::test]
async fn the_list_does_not_take_back_what_a_callback_said() {
    let on = OnTwilio::start(NUMBER).await;
    for end in ends(&on) {
        let sid = silent(&on, end).await;
        end.0.advance(&sid, "delivered", None).await;
        end.0.advance(&sid, "sent", None).await;
        on.backfill().await;
        on.stack.backfill(Kind::Full).await;
        assert_eq!(row(&on, &sid).await.provider_status, Some(Status::Delivered));
    }
}

#[tokio::test]
async fn a_callback_that_comes_many_times_is_written_down_once() {
    let on = OnTwilio::start(NUMBER).await;
    for end in ends(&on) {
        let sid = silent(&on, end).await;
        end.0.faults().add(Rule::new(Fault::Duplicate(4)).on(Operation::StatusCallback));
        assert!(
            end.0.advance(&sid, "delivered", None).await.iter().all(twinwire_sandbox::Answer::is_success)
        );
        let lines = format!(
            "select count(*) from attempts a join messages m using (channel_id, external_id)
            where m.provider_message_id = '{sid}' and a.outcome like '%delivered%'"
        );
        assert_eq!(on.stack.count(&lines).await, 1);
    }
}

#[tokio::test]
async fn what_is_called_back_before_the_answer_is_not_lost() {
    let on = OnTwilio::start(NUMBER).await;
    for (provider, inbox) in ends(&on) {
        let later =
            Fate::FailLater { code: 30_003, message: "Unreachable".to_owned(), status: "failed".to_owned() };
        provider.script(CUSTOMER, later);
        // The first callback is the failure itself, and the answer that names the message is lost.
        provider.faults().add(Rule::new(Fault::Early).on(Operation::StatusCallback));
        provider
            .faults()
            .add(Rule::new(Fault::TimeoutAfter(Duration::from_millis(300))).on(Operation::SendMessage));
        on.stack.front.agent_writes(inbox, &[CUSTOMER], "Hello?").await.unwrap();
        let failed = eventually("the agent is told", || async { on.stack.front.failures(inbox).pop() }).await;
        assert!(failed.error.as_ref().unwrap().contains("30003"), "{failed:?}");
        on.stack.settle().await;
        let sent = provider.outbound_to(CUSTOMER);
        assert_eq!(sent.len(), 1);
        assert_eq!(row(&on, &sent[0].sid).await.provider_status, Some(Status::Failed));
        assert_eq!(on.stack.front.messages(inbox, CUSTOMER).len(), 1);
    }
}

#[tokio::test]
async fn a_message_whose_fate_stays_open_is_asked_about_by_its_id_after_a_while() {
    let on = OnTwilio::start(NUMBER).await;
    let hidden = Fault::DelayedVisibility(Duration::from_secs(3600));
    for end in ends(&on) {
        end.0.faults().add(Rule::new(hidden.clone()).on(Operation::SendMessage));
        end.0.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(10));
        let sid = silent(&on, end).await;
        assert!(end.0.advance(&sid, "undelivered", Some((30_005, "Unknown"))).await.is_empty());
        let by_id = || {
            let requests = end.0.requests();
            requests.iter().filter(|request| request.operation == Some(Operation::FetchMessage)).count()
        };
        let read = async || {
            on.backfill().await;
            on.stack.backfill(Kind::Incremental).await;
        };
        read().await;
        assert_eq!((row(&on, &sid).await.helpdesk_status, by_id()), (None, 0), "it is young");
        sqlx::query("update provider_messages set created_at = now() - interval '3 hours'")
            .execute(&on.stack.pool)
            .await
            .unwrap();
        for _ in 0..2 {
            read().await;
        }
        let row = row(&on, &sid).await;
        assert_eq!(
            (row.provider_status, row.helpdesk_status),
            (Some(Status::Undelivered), Some(Told::Failed))
        );
        assert_eq!(by_id(), 1, "once, and not again now that its fate is known");
    }
}

#[tokio::test]
async fn a_receipt_stands_in_the_tables_that_people_look_at() {
    let on = OnTwilio::start(NUMBER).await;
    for end in ends(&on) {
        let sid = silent(&on, end).await;
        end.0.advance(&sid, "delivered", None).await;
    }
    let by_status =
        "select count(*) from messages where provider_status = 'delivered' and helpdesk_status is null";
    assert_eq!(on.stack.count(by_status).await, 2);
    for (view, id) in [("front_signalwire_message", "signalwire_sid"), ("front_twilio_message", "twilio_sid")]
    {
        let sql = format!("select count(*) from {view}_channel_app_v1 where {id} is not null");
        assert_eq!(on.stack.count(&sql).await, 1, "{view}");
    }
}
