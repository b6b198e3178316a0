//! Packs inside one transaction.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn packs_are_listed_whether_or_not_they_are_installed() {
        let listed = Spi::get_one::<String>(
            "SELECT string_agg(name || ' ' || tables, ', ' ORDER BY name) FROM canon.packs() WHERE installed_version IS NULL",
        );
        assert_eq!(listed.unwrap().as_deref(), Some("agentops 14, core 13, cutover 42, saas 63"));
    }

    /// Comparing goes through the server's parser, so spelling does not count and meaning does.
    #[pg_test]
    fn validate_compares_meaning() {
        Spi::run("SELECT canon.install('core')").unwrap();
        let respell = "ALTER TABLE core.tenants DROP CONSTRAINT ck_tenants_status,
            ADD CONSTRAINT ck_tenants_status CHECK (CASE WHEN true THEN status IN ('ACTIVE', 'SUSPENDED', 'TRIAL', 'CANCELLED') END)";
        Spi::run(respell).unwrap();
        assert_eq!(Spi::get_one::<bool>("SELECT bool_and(ok) FROM canon.validate('core')").unwrap(), Some(true));
        let reorder = "ALTER TABLE core.tenants DROP CONSTRAINT ck_tenants_status,
            ADD CONSTRAINT ck_tenants_status CHECK (status IN ('ACTIVE', 'SUSPENDED', 'TRIAL'))";
        Spi::run(reorder).unwrap();
        assert_eq!(Spi::get_one::<bool>("SELECT bool_and(ok) FROM canon.validate('core')").unwrap(), Some(false));
    }
}
