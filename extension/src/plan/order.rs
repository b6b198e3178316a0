//! Rows that run in their order: those below one parent wait for the ones before them.

use std::collections::HashMap;

use canon_core::plan::Dependency;

/// Rows with the same place run side by side.
#[derive(Default)]
struct Sibling<'a> {
    place: &'a str,
    before: Vec<u32>,
    here: Vec<u32>,
}

/// Dependencies between nodes, each given with its parent and its place in the order. Nodes below
/// one parent come sorted; those without a place wait for nobody.
pub(super) fn in_order<'a>(nodes: impl Iterator<Item = (u32, Option<u32>, Option<&'a str>)>) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    let mut siblings: HashMap<Option<u32>, Sibling<'a>> = HashMap::new();
    for (node, parent, place) in nodes {
        let Some(place) = place else { continue };
        let last = siblings.entry(parent).or_default();
        if last.here.is_empty() || last.place != place {
            last.before = std::mem::take(&mut last.here);
            last.place = place;
        }
        last.here.push(node);
        dependencies.extend(last.before.iter().map(|before| Dependency::finish_to_start(*before, node)));
    }
    dependencies
}
