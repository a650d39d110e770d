use ensoex_vault::{Email, Field, GrantedFor, PreventFraud, ProvideService, Purpose};

fn read<F: GrantedFor<P>, P: Purpose>() -> &'static str {
    F::NAME.as_str()
}

fn main() {
    assert_eq!(read::<Email, ProvideService>(), "email");
    assert_eq!(read::<Email, PreventFraud>(), "email");
    let _ = <Email as Field>::NAME;
}
