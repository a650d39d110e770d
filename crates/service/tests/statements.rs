//! Every statement of the Service's records can be prepared on both databases.

use ensoex_service::SERVICE_RECORDS;
use ensoex_sql_test::prepare_everywhere;

#[tokio::test]
async fn every_statement_can_be_prepared_on_both_databases() {
    prepare_everywhere(&[&SERVICE_RECORDS]).await;
}
