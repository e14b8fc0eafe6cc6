//! What happened to a row, told to those who want to hear of it, in the transaction in which it happened: the statements of
//! a unit ([`crate::unit`]) write the outbox of endpoints and tell listeners beside what they write of the rows.

use crate::Result;
use crate::installation;
use sqlx::PgConnection;

/// The Postgres notification channel on which changes of rows are told, where the installation asks for it.
pub const ROWS: &str = "twinwire_rows";
/// The one on which new deliveries are announced to the processes that make them.
pub const DELIVERIES: &str = "twinwire_deliveries";

/// The fact that changes of rows are told by NOTIFY.
pub(crate) const NOTIFY: &str = "notify_rows";

/// Whether changes of rows are told by NOTIFY, from now on and by every process.
pub async fn set_notify(conn: &mut PgConnection, on: bool) -> Result<()> {
    installation::set(conn, NOTIFY, if on { b"yes" } else { b"no" }).await
}
