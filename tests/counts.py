"""Counts of what was drawn at random."""


def are_even(counts, values):
    """Whether just these values occur, equally often up to five standard deviations."""
    expected = sum(counts.values()) / len(values)
    near = [abs(counts[value] - expected) < 5 * expected**0.5 for value in values]
    return set(counts) == set(values) and all(near)
