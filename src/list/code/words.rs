//! Words of a prefix code from how often its symbols come (Huffman), in canonical order, so that their lengths tell them.

/// Longest word, in bits: four of them, after the bits that an octet has left over, fit into 64.
pub(super) const LONGEST: u8 = 14;

/// The lengths of a complete code whose words are at most [`LONGEST`] bits, near the best for these counts.
pub(super) fn lengths(mut counts: Vec<u64>) -> Vec<u8> {
    loop {
        let lengths = best_lengths(&counts);
        if lengths.iter().all(|length| *length <= LONGEST) {
            return lengths;
        }
        // Counts nearer to each other make the longest words shorter; at last all are equal.
        for count in &mut counts {
            *count = *count / 2 + 1;
        }
    }
}

/// Huffman's lengths: the two rarest trees are joined until one is left.
fn best_lengths(counts: &[u64]) -> Vec<u8> {
    let mut trees: std::collections::BinaryHeap<_> =
        counts.iter().enumerate().map(|(node, count)| std::cmp::Reverse((*count, node))).collect();
    let mut parents: Vec<usize> = vec![0; counts.len()];
    while let Some(std::cmp::Reverse((a, first))) = trees.pop() {
        let Some(std::cmp::Reverse((b, second))) = trees.pop() else { break };
        let parent = parents.len();
        parents.push(0);
        parents[first] = parent;
        parents[second] = parent;
        trees.push(std::cmp::Reverse((a + b, parent)));
    }
    let root = parents.len() - 1;
    let mut depths = vec![0u32; parents.len()];
    for node in (0..root).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(counts.len());
    depths.into_iter().map(|depth| u8::try_from(depth).unwrap_or(u8::MAX)).collect()
}

/// Whether there is a complete code of these lengths.
pub(super) fn is_complete(lengths: &[u8]) -> bool {
    lengths.iter().all(|length| (1..=LONGEST).contains(length))
        && lengths.iter().map(|length| 1u64 << (LONGEST - length)).sum::<u64>() == 1 << LONGEST
}

/// The words of these lengths in canonical order, by length and then by symbol: the last of the longest is all ones.
pub(super) fn words(lengths: &[u8]) -> Vec<u16> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_unstable_by_key(|&symbol| (lengths[symbol], symbol));
    let mut words = vec![0; lengths.len()];
    let (mut next, mut before) = (0u16, 0u8);
    for symbol in order {
        let length = lengths[symbol];
        next <<= length - before;
        words[symbol] = next;
        next = next.wrapping_add(1);
        before = length;
    }
    words
}
