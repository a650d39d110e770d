use ensoex_vault::{Purpose, PurposeName};

enum SellToAnyone {}

impl Purpose for SellToAnyone {
    const NAME: PurposeName = PurposeName::ProvideService;
}

fn main() {}
