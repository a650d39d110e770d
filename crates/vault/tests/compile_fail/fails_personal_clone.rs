fn main() {
    let _ = ensoex_vault::Personal::new(String::new()).clone();
}
