use std::collections::HashMap;

use canon_core::schema::QName;

use super::super::context::{Context, ForeignKey};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L25",
    name: "foreign-key-cycle",
    summary: "Tables reference each other in a circle, and no key of it is deferrable.",
    severity: Severity::Warning,
    page: page!("L25"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    let index: HashMap<&QName, usize> = cx.model.tables.iter().enumerate().map(|(n, t)| (&t.name, n)).collect();
    // A deferrable key can wait until the commit, so a circle through one is open there.
    let keys: Vec<(usize, usize, ForeignKey<'_>)> = cx
        .foreign_keys()
        .filter(|k| !k.key.deferrable && k.table.name != k.references.table)
        .filter_map(|k| Some((*index.get(&k.table.name)?, *index.get(&k.references.table)?, k)))
        .collect();
    let mut edges = vec![Vec::new(); cx.model.tables.len()];
    keys.iter().for_each(|(from, to, _)| edges[*from].push(*to));
    for component in components(&edges).into_iter().filter(|c| c.len() > 1) {
        let inside: Vec<&ForeignKey<'_>> = keys
            .iter()
            .filter(|(from, to, _)| component.binary_search(from).is_ok() && component.binary_search(to).is_ok())
            .map(|(_, _, key)| key)
            .collect();
        report(cx, &component, &inside, out);
    }
}

fn report(cx: &Context<'_>, component: &[usize], keys: &[&ForeignKey<'_>], out: &mut Findings<'_>) {
    let nullable = |k: &&&ForeignKey<'_>| {
        k.key.columns.iter().any(|c| k.table.column(c).is_some_and(|column| cx.is_nullable(column)))
    };
    // The key to open the circle at: an optional one, declared last.
    let Some(weakest) = keys.iter().rfind(nullable).or(keys.last()) else { return };
    let hard: Vec<_> = keys.iter().filter(|k| !nullable(k)).collect();
    let mut edges = vec![Vec::new(); component.len()];
    let position = |name: &QName| component.iter().position(|n| cx.model.tables[*n].name == *name);
    for key in &hard {
        if let (Some(from), Some(to)) = (position(&key.table.name), position(&key.references.table)) {
            edges[from].push(to);
        }
    }
    let closed = components(&edges).iter().any(|c| c.len() > 1);
    let names: Vec<String> = component.iter().map(|n| cx.model.tables[*n].name.to_string()).collect();
    let effect =
        if closed { "no first row can be inserted" } else { "a row has to be inserted with NULL and updated later" };
    let message = format!("{} reference each other: {effect}", names.join(", "));
    let object = format!("cycle {}", names.join(" "));
    let draft = Draft::new(cx, object, weakest.key.origin.or(weakest.table.origin), message);
    let draft = draft.help(format!(
        "ALTER TABLE {} ALTER CONSTRAINT {} DEFERRABLE INITIALLY DEFERRED;",
        weakest.table.name,
        canon_core::schema::quote_ident(&weakest.key.name)
    ));
    out.push(if closed { draft } else { draft.hint() });
}

/// Strongly connected components (Tarjan 1972), each sorted, without recursion: chains of keys may
/// be as long as a schema is large.
fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let (mut number, mut low) = (vec![NEW; edges.len()], vec![0; edges.len()]);
    let (mut on_stack, mut stack, mut found) = (vec![false; edges.len()], Vec::new(), Vec::new());
    let mut next = 0;
    for root in 0..edges.len() {
        if number[root] != NEW {
            continue;
        }
        let mut work = vec![(root, 0)];
        while let Some((node, edge)) = work.pop() {
            if edge == 0 {
                number[node] = next;
                low[node] = next;
                next += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(&to) = edges[node].get(edge) {
                work.push((node, edge + 1));
                if number[to] == NEW {
                    work.push((to, 0));
                } else if on_stack[to] {
                    low[node] = low[node].min(number[to]);
                }
                continue;
            }
            if let Some((parent, _)) = work.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == number[node] {
                let start = stack.iter().rposition(|n| *n == node).unwrap_or_default();
                let mut component = stack.split_off(start);
                component.iter().for_each(|n| on_stack[*n] = false);
                component.sort_unstable();
                found.push(component);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn circles_are_found() {
        let found = components(&[vec![1], vec![2], vec![0], vec![0, 4], vec![]]);
        assert!(found.contains(&vec![0, 1, 2]) && found.contains(&vec![3]) && found.contains(&vec![4]), "{found:?}");
        assert_eq!(components(&[vec![1, 2], vec![0], vec![1]]), [vec![0, 1, 2]]);
        let chain: Vec<Vec<usize>> =
            (0..100_000).map(|n| if n + 1 < 100_000 { vec![n + 1] } else { vec![0] }).collect();
        assert_eq!(components(&chain).len(), 1);
    }
}
