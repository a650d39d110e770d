//! Answers of the Service as status and JSON.

use super::Person;
use reqwest::{Method, Response};
use serde_json::Value;

/// JSON's null where there is none.
pub async fn told(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

pub async fn post(person: &Person, path: &str, body: Value) -> (u16, Value) {
    told(person.send(Method::POST, path, &body).await).await
}

/// Status and code of a problem.
pub fn refused(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}
