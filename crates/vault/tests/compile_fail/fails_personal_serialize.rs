fn main() {
    let _ = serde_json::to_string(&ensoex_vault::Personal::new(String::new()));
}
