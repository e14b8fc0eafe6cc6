//! Rows by the million, as a long life leaves them: delivered, settled.

use crate::stage::Stage;

/// Rows of one statement.
const AT_ONCE: u64 = 500_000;

/// Settled rows in the first channel, from `from` to `to`.
pub(crate) async fn settled(stage: &Stage, from: u64, to: u64) -> anyhow::Result<()> {
    let mut first = from;
    while first < to {
        let past = to.min(first + AT_ONCE);
        stage
            .sql(format!(
                "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
                    body, data, occurred_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
                    attempted_at)
                select (select min(id) from channels), 'old_' || n, 'helpdesk', 'outbound',
                    '+1' || (2000000000 + n % 200000), '+12015550000', '+1' || (2000000000 + n % 200000),
                    'Your order ' || n || ' has left our warehouse.', '{{}}',
                    now() - interval '300 days' + n * interval '2 seconds', 'msg_old' || n, 'sid_old' || n, 'answer',
                    'delivered', now() - interval '300 days'
                from generate_series({first}, {past} - 1) n"
            ))
            .await?;
        first = past;
    }
    stage.sql("analyze messages".to_owned()).await
}
