use pgrx::prelude::*;

#[pg_test]
fn library_knows_its_version() {
    let version = Spi::get_one::<String>("SELECT canon.version()").unwrap();
    assert_eq!(version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
}
