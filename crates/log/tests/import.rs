//! A log that is filled with another's rows is that log; an interrupted one is none, and nothing is written over.

use ensoex_log::{AnyLog, Batch, CommandLog, Head, Import, LogAddress, LogError, Opening, Safeguard};
use ensoex_pg_test::Cluster;
use ensoex_types::Timestamp;
use std::path::Path;

fn opening() -> Opening {
    Opening {
        unsafe_allowed: vec![Safeguard::SynchronousStandbyNames],
        ..Opening::default()
    }
}

async fn rows(address: &LogAddress) -> Vec<Batch> {
    let mut log = AnyLog::open_read_only(address).await.unwrap();
    log.read(&Head::EMPTY, 1_000).await.unwrap()
}

/// Rows of three writers, one after the other.
async fn source(folder: &Path) -> Vec<Batch> {
    let address = LogAddress::Sqlite(folder.join("source.db"));
    for writer in 1..=3_u8 {
        let mut log = AnyLog::open(&address, &opening()).await.unwrap();
        for number in 1..=20 {
            let at = Timestamp(u64::from(writer) * 100 + number);
            let data = vec![writer; 10 * usize::from(writer)];
            log.append(at, u32::from(writer), data).await.unwrap();
        }
    }
    rows(&address).await
}

fn schema(cluster: &Cluster, name: &str) -> LogAddress {
    let separator = if cluster.url().contains('?') { '&' } else { '?' };
    format!("{}{separator}schema={name}", cluster.url())
        .parse()
        .unwrap()
}

async fn into(address: &LogAddress) -> Result<Import, LogError> {
    match address {
        LogAddress::Sqlite(path) => Import::into_file(path, &opening()).await,
        LogAddress::Postgres(address) => Import::into_postgres(address, &opening()).await,
        #[allow(unreachable_patterns)]
        _ => unreachable!("no other log in this test"),
    }
}

#[tokio::test]
async fn an_imported_log_is_the_same_log() {
    let folder = tempfile::tempdir().unwrap();
    let batches = source(folder.path()).await;
    assert_eq!((batches.len(), batches[59].epoch), (60, 3));
    let cluster = Cluster::start();
    let mut places = vec![LogAddress::Sqlite(folder.path().join("imported.db"))];
    places.extend(cluster.as_ref().map(|cluster| schema(cluster, "imported")));
    for place in places {
        let mut import = into(&place).await.unwrap();
        import.rows(&batches[..25]).await.unwrap();
        // What does not follow, or was altered, is not written.
        let mut altered = batches[25].clone();
        altered.data[0] ^= 1;
        for wrong in [&batches[26..], &[altered][..]] {
            let refused = import.rows(wrong).await;
            assert!(matches!(refused, Err(LogError::Damaged { .. })), "{refused:?}");
        }
        import.rows(&batches[25..]).await.unwrap();
        let end = import.finish().await.unwrap();
        assert!(end.same_end(&batches[59].end()), "{place}");
        assert_eq!(rows(&place).await, batches, "{place}");

        let over = into(&place).await.err();
        assert!(matches!(over, Some(LogError::NotEmpty(_))), "{place}: {over:?}");
        // A writer goes on from there, above every epoch of the rows.
        let mut log = AnyLog::open(&place, &opening()).await.unwrap();
        assert_eq!(log.head().epoch, 4, "{place}");
        log.append(Timestamp(1_000), 1, vec![7]).await.unwrap();
        assert_eq!(rows(&place).await.len(), 61, "{place}");
    }
}

#[tokio::test]
async fn an_interrupted_import_into_postgresql_is_no_log() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let batches = source(folder.path()).await;
    let place = schema(&cluster, "interrupted");
    let mut import = into(&place).await.unwrap();
    import.rows(&batches[..25]).await.unwrap();
    drop(import);
    for opened in [
        AnyLog::open(&place, &opening()).await,
        AnyLog::open_read_only(&place).await,
    ] {
        let refused = opened.err();
        assert!(matches!(refused, Some(LogError::Damaged { .. })), "{refused:?}");
    }
    assert!(matches!(into(&place).await.err(), Some(LogError::NotEmpty(_))));
    // Any table will do to make it another's.
    cluster
        .server()
        .sql("CREATE SCHEMA another; CREATE TABLE another.notes (id BIGINT)");
    let another = into(&schema(&cluster, "another")).await.err();
    assert!(matches!(another, Some(LogError::NotEmpty(_))), "{another:?}");
    // The control: an empty schema that is there.
    cluster.server().sql("CREATE SCHEMA prepared");
    let prepared = schema(&cluster, "prepared");
    let mut import = into(&prepared).await.unwrap();
    import.rows(&batches).await.unwrap();
    import.finish().await.unwrap();
    assert_eq!(rows(&prepared).await, batches);
}
