//! Merkle trees by RFC 9162: hashes, growth, proofs and their verification.
//!
//! Pure: it knows neither what the leaves say nor where hashes are stored. A node is named by its
//! level (0 = leaves) and its position on that level; only full subtrees are ever stored, so a
//! stored node never changes.

mod tree;

use sha2::{Digest, Sha256};

pub use tree::Tree;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of a leaf: SHA-256(0x00 ‖ bytes).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(bytes);
    hasher.finalize().into()
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x01]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// A full subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Height; a leaf has 0.
    pub level: u32,
    /// Index among the nodes of that level.
    pub position: u64,
}

impl Node {
    /// The leaf that made it full; `None` beyond what can be numbered.
    pub fn last_leaf(self) -> Option<u64> {
        let end = (self.position + 1).checked_mul(1_u64.checked_shl(self.level)?)?;
        Some(end - 1)
    }
}

/// Consecutive leaves `start..end` whose hash a proof needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First leaf.
    pub start: u64,
    /// One past the last leaf.
    pub end: u64,
}

impl Span {
    /// The full subtrees that make up the span, from left to right. A span of a proof starts at a
    /// multiple of the power of two that contains it, so the subtrees shrink to the right.
    pub fn nodes(self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let fitting = 63 - (self.end - start).leading_zeros();
            let level = if start == 0 {
                fitting
            } else {
                fitting.min(start.trailing_zeros())
            };
            nodes.push(Node {
                level,
                position: start >> level,
            });
            start += 1 << level;
        }
        nodes
    }

    /// The span's hash from the hashes of its [`Span::nodes`]; `None` for an empty span.
    pub fn fold(hashes: &[Hash]) -> Option<Hash> {
        hashes
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
    }
}

/// The right edge of a growing tree: what is needed to append a leaf and to know the root.
#[derive(Clone, Default)]
pub struct Frontier {
    size: u64,
    /// Hash of the full subtree at each level of which the size has the bit set.
    peaks: Vec<Option<Hash>>,
}

impl Frontier {
    /// The nodes that [`Frontier::restore`] needs for a tree of this size, from left to right.
    pub fn peak_nodes(size: u64) -> Vec<Node> {
        Span { start: 0, end: size }.nodes()
    }

    /// The frontier of a tree of this size; `None` if `hashes` are not those of its peak nodes.
    pub fn restore(size: u64, hashes: &[Hash]) -> Option<Self> {
        let nodes = Self::peak_nodes(size);
        if nodes.len() != hashes.len() {
            return None;
        }
        let mut peaks = Vec::new();
        for (node, hash) in nodes.iter().zip(hashes) {
            let level = node.level as usize;
            if peaks.len() <= level {
                peaks.resize(level + 1, None);
            }
            peaks[level] = Some(*hash);
        }
        Some(Self { size, peaks })
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and gives every node that became full, the leaf first.
    pub fn append(&mut self, leaf: Hash) -> Vec<(Node, Hash)> {
        let mut hash = leaf;
        let mut level = 0;
        let mut filled = vec![(
            Node {
                level: 0,
                position: self.size,
            },
            hash,
        )];
        while let Some(left) = self.peaks.get_mut(level).and_then(Option::take) {
            hash = node_hash(&left, &hash);
            level += 1;
            filled.push((
                Node {
                    level: level as u32,
                    position: self.size >> level,
                },
                hash,
            ));
        }
        if self.peaks.len() <= level {
            self.peaks.resize(level + 1, None);
        }
        self.peaks[level] = Some(hash);
        self.size += 1;
        filled
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let peaks: Vec<Hash> = self.peaks.iter().rev().flatten().copied().collect();
        Span::fold(&peaks).unwrap_or_else(empty_root)
    }
}

/// The spans whose hashes prove that leaf `index` is in the tree of `size` leaves (RFC 9162 §2.1.3.1),
/// in the order of the proof. `None` if there is no such leaf.
pub fn inclusion_spans(index: u64, size: u64) -> Option<Vec<Span>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end) = (0, size);
    let mut spans = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            spans.push(Span { start: middle, end });
            end = middle;
        } else {
            spans.push(Span { start, end: middle });
            start = middle;
        }
    }
    spans.reverse();
    Some(spans)
}

/// The spans whose hashes prove that the tree of `second` leaves continues the one of `first`
/// (RFC 9162 §2.1.4.1), in the order of the proof. `None` unless `0 < first ≤ second`.
pub fn consistency_spans(first: u64, second: u64) -> Option<Vec<Span>> {
    if first == 0 || first > second {
        return None;
    }
    let (mut start, mut end) = (0, second);
    let mut spans = Vec::new();
    // Whether the old tree's own root is a node on the way, which the verifier then knows already.
    let mut old_root_is_known = true;
    while first != end {
        let middle = start + split(end - start);
        if first <= middle {
            spans.push(Span { start: middle, end });
            end = middle;
        } else {
            spans.push(Span { start, end: middle });
            start = middle;
            old_root_is_known = false;
        }
    }
    if !old_root_is_known {
        spans.push(Span { start, end });
    }
    spans.reverse();
    Some(spans)
}

/// The largest power of two smaller than `count`; `count` is at least 2.
const fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// Whether `proof` shows that the leaf with this hash is number `index` in the tree with this size
/// and root (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut index, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if index & 1 == 1 || index == last {
            hash = node_hash(sibling, &hash);
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        index >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree (`second`, `second_root`) continues the tree (`first`,
/// `first_root`) (RFC 9162 §2.1.4.2). Every tree continues the empty one.
pub fn verify_consistency(
    first: u64,
    first_root: &Hash,
    second: u64,
    second_root: &Hash,
    proof: &[Hash],
) -> bool {
    if first == 0 {
        return proof.is_empty() && *first_root == empty_root();
    }
    if first > second {
        return false;
    }
    if first == second {
        return proof.is_empty() && first_root == second_root;
    }
    let mut path = proof.iter();
    let start = if first.is_power_of_two() {
        Some(first_root)
    } else {
        path.next()
    };
    let Some(start) = start else { return false };
    let (mut old_node, mut last) = (first - 1, second - 1);
    while old_node & 1 == 1 {
        old_node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*start, *start);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if old_node & 1 == 1 || old_node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while old_node & 1 == 0 && old_node != 0 {
                old_node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        old_node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *first_root && new_hash == *second_root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The leaves of the test tree that implementations of Certificate Transparency share.
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    /// Its roots for one to eight leaves.
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    /// The definition of the tree's hash (RFC 9162 §2.1.1), naively.
    fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
                node_hash(&root_by_definition(left), &root_by_definition(right))
            }
        }
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count)
            .map(|number| leaf_hash(&number.to_be_bytes()))
            .collect()
    }

    fn numbered(count: u64) -> Tree {
        Tree::of(leaves(count))
    }

    #[test]
    fn roots_are_those_of_the_shared_test_tree() {
        let mut frontier = Frontier::default();
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            frontier.append(leaf_hash(&hex::decode(leaf).unwrap()));
            assert_eq!(hex::encode(frontier.root()), root);
        }
    }

    #[test]
    fn inclusion_proof_is_that_of_the_shared_test_tree() {
        let tree = Tree::of(LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())));
        let proof = tree.inclusion(0, 8).unwrap();
        let expected = [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ];
        assert_eq!(proof.iter().map(hex::encode).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven() {
        for size in 1..=70 {
            let (tree, leaves) = (numbered(size), leaves(size));
            let root = tree.root();
            assert_eq!(root, root_by_definition(&leaves));
            for index in 0..size {
                let proof = tree.inclusion(index, size).unwrap();
                let leaf = &leaves[index as usize];
                assert!(
                    verify_inclusion(leaf, index, size, &proof, &root),
                    "{index} of {size}"
                );
                assert!(!verify_inclusion(&[7; 32], index, size, &proof, &root));
                assert!(!verify_inclusion(leaf, index + 1, size, &proof, &root) || size == 1);
            }
        }
    }

    #[test]
    fn every_small_tree_continues_every_smaller_one() {
        let whole = numbered(40);
        for second in 1..=40_u64 {
            for first in 1..=second {
                let proof = whole.consistency(first, second).unwrap();
                let (old_root, new_root) = (numbered(first).root(), numbered(second).root());
                assert_eq!(whole.root_at(first), Some(old_root));
                assert!(
                    verify_consistency(first, &old_root, second, &new_root, &proof),
                    "{first} {second}"
                );
                assert!(!verify_consistency(first, &[7; 32], second, &new_root, &proof));
                assert!(!verify_consistency(first, &old_root, second, &[7; 32], &proof));
            }
        }
    }

    #[test]
    fn what_a_tree_does_not_have_has_no_proof() {
        let tree = numbered(5);
        assert_eq!(tree.root_at(0), Some(empty_root()));
        assert_eq!(tree.root_at(6), None);
        for (first, second) in [(0, 5), (3, 2), (3, 6)] {
            assert_eq!(tree.consistency(first, second), None);
        }
        for (index, size) in [(5, 5), (0, 6), (0, 0)] {
            assert_eq!(tree.inclusion(index, size), None);
        }
    }

    #[test]
    fn a_frontier_is_restored_from_its_peaks() {
        for size in 0..=40 {
            let (mut frontier, mut nodes) = (Frontier::default(), std::collections::HashMap::new());
            for leaf in leaves(size) {
                nodes.extend(frontier.append(leaf));
            }
            let hashes: Vec<Hash> = Frontier::peak_nodes(size)
                .iter()
                .map(|node| nodes[node])
                .collect();
            let restored = Frontier::restore(size, &hashes).unwrap();
            assert_eq!(restored.root(), frontier.root());
        }
    }

    proptest! {
        #[test]
        fn a_changed_proof_proves_nothing(size in 2_u64..200, index in 0_u64..200, bit in 0_usize..256, which in 0_usize..8) {
            let index = index % size;
            let tree = numbered(size);
            let mut proof = tree.inclusion(index, size).unwrap();
            let which = which % proof.len();
            proof[which][bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify_inclusion(&leaves(size)[index as usize], index, size, &proof, &tree.root()));
        }
    }
}
