//! How to find, among all spans of sequences that ever were, those that hold one sequence, without looking at the rest.
//!
//! Each span `from..=to` is filed under its *node*: the number in it that can be divided by the greatest power of two.
//! There is exactly one, and every span that holds `at` has its node on the short path of [`nodes`]: one for each bit.
//! All spans filed under one node hold that node, so they existed at one moment; if an account can have at most `n` of
//! them at a moment, a search looks at no more than 64 × n rows, however long the history is.
//! (A relational interval tree: Kriegel, Pötke, Seidl, VLDB 2000.) Knows no table.

use ensoex_types::Sequence;

/// Sequences are stored as signed integers.
const SEQUENCE_BITS: u32 = 63;

/// Node of a span that still lasts.
pub(crate) const LASTING: u64 = 0;

/// Under what `from..=to` is filed; never [`LASTING`] for sequences from 1 on.
pub(crate) fn node(from: Sequence, to: Sequence) -> u64 {
    let (below, to) = (from.0.saturating_sub(1), to.0.max(from.0));
    // Where the number before the span and its end first differ, a multiple of that power of two was passed.
    let differ = below ^ to;
    match differ.checked_ilog2() {
        Some(bit) => (to >> bit) << bit,
        None => to,
    }
}

/// The nodes under which every span that holds `at` is filed.
pub(crate) fn nodes(at: Sequence) -> impl Iterator<Item = u64> {
    // The greater bits are those of both ends of the span, and of its node; that bit itself is set in the node.
    (0..SEQUENCE_BITS).map(move |bit| ((at.0 >> bit) | 1) << bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_is_found_where_it_is_filed_and_holds_its_node() {
        for from in 1..=130 {
            for to in from..=130 {
                let node = node(Sequence(from), Sequence(to));
                assert!((from..=to).contains(&node), "{from}..={to}: {node}");
                for at in from..=to {
                    assert!(
                        nodes(Sequence(at)).any(|found| found == node),
                        "{from}..={to} at {at}: {node}"
                    );
                }
            }
        }
    }

    #[test]
    fn nodes_are_few_and_can_be_stored() {
        for at in [1, 2, 1_000_000, (1 << 40) - 1, 1 << 40, (1 << 63) - 1] {
            let nodes: Vec<u64> = nodes(Sequence(at)).collect();
            assert!(nodes.len() < 64 && !nodes.contains(&LASTING), "{at}: {nodes:?}");
            assert!(nodes.iter().all(|node| *node < 1 << 63), "{at}: {nodes:?}");
        }
    }

    #[test]
    fn great_sequences_do_not_overflow() {
        let (first, last) = (Sequence(1), Sequence((1 << 63) - 1));
        let node = node(first, last);
        assert!(
            [first, last]
                .into_iter()
                .all(|at| nodes(at).any(|found| found == node))
        );
    }
}
