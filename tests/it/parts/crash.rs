//! The real program is killed as by `kill -9` in the middle of a long text.

use super::{long, together};
use crate::PROGRAM;
use twinwire_tests::CUSTOMER;
use twinwire_tests::installation::Installation;

#[tokio::test]
async fn a_crash_in_the_middle_of_a_long_text_sends_each_part_once_and_in_order() {
    let points =
        ["ingest_before_commit", "before_begin:2", "after_begin:2", "after_call:2", "before_apply:2"];
    let case = async |point: &str| {
        let mut twinwire = Installation::connected(PROGRAM).await;
        twinwire.stop().await;
        twinwire.start_to_die_at(point).await;
        let order = twinwire.order(&[CUSTOMER], &long(4_000));
        twinwire.front.post(&order).await.unwrap();
        twinwire.take_server().dies().await;
        twinwire.start().await;
        twinwire.insist(&order).await;
        twinwire.settle().await;
        assert_eq!(together(&twinwire.texts_to(CUSTOMER)), long(4_000), "{point}");
        assert_eq!(twinwire.count("select count(*) from messages").await, 3, "{point}");
    };
    let [first, second, third, fourth, fifth] = points;
    tokio::join!(case(first), case(second), case(third), case(fourth), case(fifth));
}
