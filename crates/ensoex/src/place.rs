//! Where an exchange's log and projections are, for whoever looks at them without the Service: in its folder, or in PostgreSQL.
//!
//! Opens nothing.

use anyhow::Context;
use clap::Args;
use ensoex_exchange::ExchangeConfig;
use ensoex_log::LogAddress;
use ensoex_service::Stores;
use std::path::{Path, PathBuf};

/// See the module's doc.
#[derive(Args)]
pub struct PlaceArguments {
    /// Folder of a demo or of a Service
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    pub data: PathBuf,
    /// Where the log is: a file, or postgres://… [default: a file in DIR]
    #[arg(long, value_name = "ADDRESS")]
    pub log: Option<LogAddress>,
    /// PostgreSQL database (postgres://…) of the projections [default: a file in DIR]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Beginning of the names of its schemas
    #[arg(long, value_name = "NAME", default_value = "ensoex", requires = "database")]
    pub schemas: String,
}

impl PlaceArguments {
    /// The exchange that they name.
    ///
    /// # Errors
    /// There is none in the folder, or the database's address cannot be read.
    pub(crate) fn config(&self) -> anyhow::Result<ExchangeConfig> {
        let found = find_exchange(&self.data).or_else(|| {
            // A folder that was restored has no file of the exchange when its log is elsewhere.
            let folder = || find_folder(&self.data);
            self.log.as_ref().and_then(|_| folder())
        });
        let directory = found.with_context(|| {
            format!(
                "there is no exchange in {}: give the folder of a demo or of a Service with --data",
                self.data.display()
            )
        })?;
        let mut config = ExchangeConfig::new(&directory);
        if let Some(log) = &self.log {
            config.log = log.clone();
        }
        if let Some(url) = &self.database {
            config.projections = Stores::postgres(url, &self.schemas, &directory)?.projections;
        }
        Ok(config)
    }
}

/// The folder may be a demo's, a Service's, or the exchange's own.
pub(crate) fn find_exchange(data: &Path) -> Option<PathBuf> {
    let candidates = [
        data.join("service").join("exchange"),
        data.join("exchange"),
        data.to_owned(),
    ];
    // Log and projections may be in PostgreSQL; that a log which was here is lost is a finding.
    let is_exchange = |directory: &PathBuf| {
        ["log.db", "projections.db", "acknowledged"]
            .iter()
            .any(|file| directory.join(file).is_file())
    };
    candidates.into_iter().find(is_exchange)
}

fn find_folder(data: &Path) -> Option<PathBuf> {
    let candidates = [data.join("service").join("exchange"), data.join("exchange")];
    candidates.into_iter().find(|directory| directory.is_dir())
}

#[cfg(test)]
mod tests {
    use super::find_exchange;
    use std::fs;

    #[test]
    fn the_folder_of_a_demo_a_service_or_an_exchange_will_do() {
        let place = tempfile::tempdir().expect("a folder");
        let exchange = place.path().join("service/exchange");
        fs::create_dir_all(&exchange).expect("made");
        fs::write(exchange.join("log.db"), "").expect("written");
        for data in [place.path(), &place.path().join("service"), &exchange] {
            assert_eq!(find_exchange(data).as_deref(), Some(exchange.as_path()));
        }
    }
}
