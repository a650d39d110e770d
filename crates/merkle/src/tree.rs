//! A whole tree in memory, for logs of few leaves: every proof of every size.
//!
//! It keeps the hashes of all full subtrees, twice as many as there are leaves. It does not know where leaves come from.

use std::collections::HashMap;

use crate::{Frontier, Hash, Node, Span, consistency_spans, empty_root, inclusion_spans};

/// A tree with all its hashes.
#[derive(Clone, Default)]
pub struct Tree {
    nodes: HashMap<Node, Hash>,
    frontier: Frontier,
}

impl Tree {
    /// The tree of these hashes of leaves.
    pub fn of(leaves: impl IntoIterator<Item = Hash>) -> Self {
        let mut tree = Self::default();
        for leaf in leaves {
            tree.append(leaf);
        }
        tree
    }

    /// Adds the hash of a leaf.
    pub fn append(&mut self, leaf: Hash) {
        self.nodes.extend(self.frontier.append(leaf));
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root now.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The root when the tree had `size` leaves; `None` if it never had so many.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(empty_root()),
            size if size <= self.size() => self.hash(Span { start: 0, end: size }),
            _ => None,
        }
    }

    /// The proof that leaf `index` is in the tree as it was with `size` leaves; `None` if there is no such leaf or size.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        let spans = inclusion_spans(index, size).filter(|_| size <= self.size())?;
        spans.into_iter().map(|span| self.hash(span)).collect()
    }

    /// The proof that the tree of `second` leaves continues that of `first`; `None` unless `0 < first ≤ second ≤ size`.
    pub fn consistency(&self, first: u64, second: u64) -> Option<Vec<Hash>> {
        let spans = consistency_spans(first, second).filter(|_| second <= self.size())?;
        spans.into_iter().map(|span| self.hash(span)).collect()
    }

    fn hash(&self, span: Span) -> Option<Hash> {
        let hashes: Option<Vec<Hash>> = span
            .nodes()
            .iter()
            .map(|node| self.nodes.get(node).copied())
            .collect();
        Span::fold(&hashes?)
    }
}
