use anyhow::{Result, bail};

use crate::Benchmark;

/// Every benchmark, in the order in which they run.
pub const REGISTRY: &[Benchmark] =
    &[crate::rate::RATE, crate::audit::AUDIT, crate::status::STATUS, crate::plan::PLAN, crate::codegen::CODEGEN];

/// The benchmarks of these names, or all where none is given, in the order of `registry`.
///
/// # Errors
///
/// When a name is unknown; the error lists the known ones.
pub fn select<'a>(registry: &'a [Benchmark], names: &[String]) -> Result<Vec<&'a Benchmark>> {
    let known = |name: &String| registry.iter().any(|b| b.name == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let list: Vec<&str> = registry.iter().map(|b| b.name).collect();
        let list = if list.is_empty() { "none is registered".to_owned() } else { list.join(", ") };
        bail!("there is no benchmark {unknown:?}; known: {list}");
    }
    Ok(registry.iter().filter(|b| names.is_empty() || names.iter().any(|name| name == b.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAKE: &[Benchmark] = &[
        Benchmark { name: "rate", about: "", cases: |_| Ok(Vec::new()) },
        Benchmark { name: "audit", about: "", cases: |_| Ok(Vec::new()) },
    ];

    fn chosen(names: &[&str]) -> Result<Vec<&'static str>> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        Ok(select(FAKE, &names)?.iter().map(|b| b.name).collect())
    }

    #[test]
    fn no_name_means_all() {
        assert_eq!(chosen(&[]).unwrap(), ["rate", "audit"]);
        assert_eq!(chosen(&["audit"]).unwrap(), ["audit"]);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = chosen(&["audit", "speed"]).unwrap_err().to_string();
        assert_eq!(error, "there is no benchmark \"speed\"; known: rate, audit");
        let error = select(&[], &["x".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "there is no benchmark \"x\"; known: none is registered");
    }

    #[test]
    fn registered_names_are_unique() {
        let mut names: Vec<&str> = REGISTRY.iter().map(|b| b.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REGISTRY.len());
    }
}
