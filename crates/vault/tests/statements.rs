//! Every statement of the vault's stores can be prepared on both databases.

use ensoex_sql_test::prepare_everywhere;
use ensoex_vault::{ACCESS_LOG, KEYS, RECORDS};

#[tokio::test]
async fn every_statement_can_be_prepared_on_both_databases() {
    prepare_everywhere(&[&KEYS, &RECORDS, &ACCESS_LOG]).await;
}
