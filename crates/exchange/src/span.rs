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

    /// 20,000 orders of one account, most of them short-lived, of which few are open at a time.
    #[test]
    fn a_search_looks_at_what_was_open_at_once_and_not_at_the_history() {
        let (mut random, mut filed) = (1_u64, std::collections::BTreeMap::<u64, u64>::new());
        let mut spans = Vec::new();
        for from in 1..=20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let length = [1, 3, 50, 5_000][if random >> 54 == 0 {
                3
            } else {
                (random >> 62) as usize % 3
            }];
            spans.push((from, from + length));
            *filed
                .entry(node(Sequence(from), Sequence(from + length)))
                .or_default() += 1;
        }
        let open = |at: u64| {
            spans
                .iter()
                .filter(|(from, to)| (*from..=*to).contains(&at))
                .count()
        };
        let most = (1..20_000).step_by(7).map(open).max().unwrap_or_default();
        for at in (1..20_000).step_by(997) {
            let looked_at: u64 = nodes(Sequence(at)).filter_map(|node| filed.get(&node)).sum();
            assert!(looked_at as usize >= open(at), "at {at}");
            assert!(
                looked_at as usize <= 64 * most && looked_at < 2_000,
                "at {at}: {looked_at} of {most} open"
            );
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
