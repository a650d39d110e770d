//! libFuzzer's way into [`ensoex_fuzz::model`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ensoex_fuzz::or_panic(ensoex_fuzz::model(data)));
