/// What to do with a node whose predecessor is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// Wait for the nearest predecessor of the predecessor that stays.
    #[default]
    Bridge,
    /// Wait for nothing.
    Drop,
    /// Refuse.
    Refuse,
}

/// What became of a node's predecessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bridged {
    /// It had none, or it stays.
    Unchanged,
    /// A predecessor further back takes its place.
    To(u32),
    /// No predecessor is left.
    Dropped,
    /// Left out, and [`Outside::Refuse`] was asked for.
    Refused,
}

/// For each node that stays, the predecessor it has when the others are gone. Each node has one
/// predecessor at most; chains without cycles are walked once each.
///
/// # Panics
///
/// When the two slices differ in length, or a chain never ends.
pub fn bridge(predecessors: &[Option<u32>], stays: &[bool], outside: Outside) -> Vec<Bridged> {
    assert_eq!(predecessors.len(), stays.len(), "one flag a node");
    // The nearest node that stays, counted from the node itself; known for whole chains at once.
    let mut nearest: Vec<Option<Option<u32>>> =
        (0u32..).zip(stays).map(|(node, stays)| stays.then_some(Some(node))).collect();
    let mut chain = Vec::new();
    let mut resolve = |from: u32| {
        let mut node = Some(from);
        let found = loop {
            let Some(at) = node else { break None };
            if let Some(known) = nearest[at as usize] {
                break known;
            }
            chain.push(at);
            assert!(chain.len() <= predecessors.len(), "a chain of predecessors never ends");
            node = predecessors[at as usize];
        };
        for passed in chain.drain(..) {
            nearest[passed as usize] = Some(found);
        }
        found
    };
    let of = |(predecessor, stays): (&Option<u32>, &bool)| match predecessor {
        Some(p) if *stays => match (resolve(*p), outside) {
            (Some(found), _) if found == *p => Bridged::Unchanged,
            (_, Outside::Refuse) => Bridged::Refused,
            (_, Outside::Drop) | (None, Outside::Bridge) => Bridged::Dropped,
            (Some(found), Outside::Bridge) => Bridged::To(found),
        },
        _ => Bridged::Unchanged,
    };
    predecessors.iter().zip(stays).map(of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A forest: each node's predecessor has a lower number.
    fn forests() -> impl Strategy<Value = (Vec<Option<u32>>, Vec<bool>)> {
        prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<bool>()), 0..40).prop_map(|nodes| {
            let pick = |(i, (index, linked, _)): (usize, &(prop::sample::Index, bool, bool))| {
                (*linked && i > 0).then(|| index.index(i) as u32)
            };
            (nodes.iter().enumerate().map(pick).collect(), nodes.iter().map(|n| n.2).collect())
        })
    }

    proptest! {
        #[test]
        fn a_node_waits_for_its_nearest_ancestor_that_stays((predecessors, stays) in forests()) {
            let bridged = bridge(&predecessors, &stays, Outside::Bridge);
            for node in (0..stays.len()).filter(|n| stays[*n]) {
                let ancestors = std::iter::successors(predecessors[node], |p| predecessors[*p as usize]);
                let expected = ancestors.into_iter().find(|a| stays[*a as usize]);
                let found = match bridged[node] {
                    Bridged::Unchanged => predecessors[node],
                    Bridged::To(other) => Some(other),
                    Bridged::Dropped => None,
                    Bridged::Refused => unreachable!(),
                };
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn the_other_two_ways() {
        let chain = [None, Some(0), Some(1)];
        let stays = [true, false, true];
        assert_eq!(bridge(&chain, &stays, Outside::Drop)[2], Bridged::Dropped);
        assert_eq!(bridge(&chain, &stays, Outside::Refuse)[2], Bridged::Refused);
        assert_eq!(bridge(&chain, &stays, Outside::Bridge)[2], Bridged::To(0));
    }
}
