//! Any bytes are read without a panic, and a model equals itself.

#![no_main]

use canon_codegen::counts::counts;
use canon_codegen::expr;
use canon_codegen::load::load;
use canon_codegen::source::Source;
use canon_core::schema::diff;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = Source::from_bytes("fuzz.sql", bytes.to_vec()) else { return };
    let loaded = load(vec![source]);
    for account in &loaded.coverage {
        assert_eq!(account.statements, account.modelled + account.opaque + account.skipped + account.unparsed);
    }
    for diagnostic in &loaded.diagnostics {
        diagnostic.render(&loaded.sources, false);
    }
    assert!(diff(&loaded.model, &loaded.model, &mut expr::same_in).is_empty());
    counts(&loaded.model);
    for check in loaded.model.tables.iter().flat_map(|t| &t.constraints).filter_map(|c| c.expression.as_deref()) {
        expr::value_list(check);
        expr::same(check, "true");
    }
});
