//! Leave to send something comes from the vault's entry only.
use ensoex_vault::Disclosure;

fn main() {
    let _leave = Disclosure {
        recipient: ensoex_egress::Recipient::MailRelay,
    };
}
