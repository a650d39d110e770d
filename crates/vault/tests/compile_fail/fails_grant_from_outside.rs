use ensoex_vault::{Email, GrantedFor, ImproveService};

impl GrantedFor<ImproveService> for Email {}

fn main() {}
