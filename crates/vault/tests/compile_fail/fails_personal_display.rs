fn main() {
    println!("{}", ensoex_vault::Personal::new(String::new()));
}
