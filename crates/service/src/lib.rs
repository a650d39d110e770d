//! ensoex-service
