"""What libraries show solves the problem, whatever its length."""

import numpy as np
import pytest

from keras_nm.programs import npi
from keras_nm.programs.npi.verification import all_calls

BOTH = pytest.mark.parametrize("recursive", [True, False])


def number(digits, base):
    return sum(int(digit) * base**place for place, digit in enumerate(digits))


@BOTH
@pytest.mark.parametrize("base", [2, 10])
def test_addition_adds(recursive, base, rng):
    library = npi.Addition(recursive=recursive, base=base)
    interpreter = npi.Interpreter(library)
    pairs = [
        [number(rng.integers(0, base, size), base) for size in sizes]
        for sizes in rng.integers(1, 40, (25, 2))
    ]
    highest = base**30 - 1
    pairs += [[0, 0], [0, 7], [highest, highest], [highest, 1], [1, highest], [10**40, 5]]
    for first, second in pairs:
        pad = library.environment(first, second)
        interpreter.run(pad)
        assert pad.result == first + second


@BOTH
def test_bubble_sort_sorts(recursive, rng):
    library = npi.BubbleSort(recursive=recursive)
    interpreter = npi.Interpreter(library)
    arrays = [rng.integers(0, 10, size).tolist() for size in rng.integers(1, 13, 15)]
    arrays += [[7], list(range(10)), list(range(9, -1, -1)), [4] * 6, [9, 0] * 4]
    for values in arrays:
        pad = library.environment(values)
        interpreter.run(pad)
        assert pad.result == sorted(values)


LIBRARIES = [npi.Addition(base=3), npi.BubbleSort(base=3)]


@pytest.mark.parametrize("library", LIBRARIES)
def test_all_calls_are_all_there_are(library, rng):
    known = {call for calls in all_calls(library).values() for call in calls}
    interpreter = npi.Interpreter(library)
    seen = set()
    for size in (1, 2, 3, 5, 11):
        for _ in range(60):
            digits = rng.integers(0, library.base, (2, size))
            if isinstance(library, npi.Addition):
                problem = [number(row, library.base) for row in digits]
            else:
                problem = [digits[0]]
            seen |= set(interpreter.calls(library.environment(*problem)))
    assert seen <= known
    # Hardly any is too much: a layer need not learn what never happens.
    assert len(seen) > 0.6 * len(known)


@pytest.mark.parametrize("library", LIBRARIES)
def test_calls_have_the_steps_that_the_library_says(library):
    steps = [len(call.steps) for calls in all_calls(library).values() for call in calls]
    assert max(steps) == library.num_timesteps(1) == library.num_timesteps(99)


@pytest.mark.parametrize(
    "library",
    [npi.Addition(recursive=False, base=2), npi.BubbleSort(recursive=False, base=2)],
)
def test_loops_have_the_steps_that_the_library_says(library):
    for size in (1, 2, 6):
        problem = (2**size - 1, 1) if isinstance(library, npi.Addition) else ([1] * size,)
        calls = npi.Interpreter(library).calls(library.environment(*problem))
        longest = max(len(call.steps) for call in calls)
        assert longest == library.num_timesteps(size)


def test_the_numbers_of_different_calls():
    """By hand, in base 2: two columns are 7 pairs of digits for each number."""
    calls = all_calls(npi.Addition(base=2))
    assert len(calls[1]) == 7 * 7 * 2  # ADD sees both columns, and whether there is a carry
    assert len(calls[2]) == 3 * 3 * 2 - 1  # ADD1 one column, which is not empty


def test_batches_are_one_hot_and_padded():
    library = npi.Addition(base=2)
    long = npi.Call(
        3,
        (0, 1, 1),
        ((1, 2, 0, 0), (2, 2, 2, 1)),
        (library.act(1, 2, 0), library.step("LSHIFT", ends=True)),
    )
    short = npi.Call(1, (0, 0, 0), ((2, 2, 2, 2),), (library.act(ends=True),))
    x, y, sample_weight = library.batch([long, short])
    assert x.shape == (2, 2, 4 * 3 + 3 + 4 + 2 + 5)
    assert np.flatnonzero(x[0, 1]).tolist() == [2, 5, 8, 10, 12, 16, 20, 24]
    assert y.tolist() == [[[0, 0, 1, 2, 0], [1, 4, 0, 0, 0]], [[1, 0, 0, 0, 0], [0] * 5]]
    assert sample_weight.tolist() == [[1, 1], [1, 0]]
    assert not x[1, 1].any()
    np.testing.assert_array_equal(library.encode(3, (0, 1, 1), (2, 2, 2, 1))[0], x[0, 1])


def test_wrong_problems():
    with pytest.raises(ValueError, match="second=-1"):
        npi.Addition().environment(3, -1)
    with pytest.raises(ValueError, match="at least one digit"):
        npi.BubbleSort().environment([])
    with pytest.raises(ValueError, match="base=1"):
        npi.BubbleSort(base=1)


@pytest.mark.parametrize(
    ("make", "problem", "message"),
    [
        (npi.BubbleSort().environment, ([3, 10],), r"at most 9\. .* values\[1\]=10"),
        (npi.ArrayPad, ([3, 10],), r"at most 9\. .* values\[1\]=10"),
        (npi.ArrayPad, ([-1],), r"at least 0\. .* values\[0\]=-1"),
        (npi.ArrayPad, (3,), "must be a list or tuple .* values=3"),
        (npi.ScratchPad, ([2], [1], 2), r"at most 1\. .* first\[0\]=2"),
        (npi.ScratchPad, ([], [1, -1], 2), r"at least 0\. .* second\[1\]=-1"),
    ],
)
def test_wrong_digits(make, problem, message):
    with pytest.raises(ValueError, match=message):
        make(*problem)


def test_actions_without_sense():
    pad = npi.ScratchPad([1], [2])
    for arguments in ((2, 0, 5), (1, 3, 2)):
        with pytest.raises(ValueError, match="An action on a ScratchPad"):
            pad.act(arguments)
    pad.act((1, 0, 1))  # no pointer goes to the right of the lowest digit
    assert pad.pointers == [0, 0, 0, 0]
    assert pad.result is None
    array = npi.ArrayPad([1, 2])
    array.act((1, 1, 0))
    for _ in range(3):
        array.act((1, 0, 1))
    assert array.pointers == [2, 0, 0]
    with pytest.raises(ValueError, match="pointers at 2 and 0 in an array of 2"):
        array.act((2, 0, 0))


@pytest.mark.parametrize(
    ("pad", "arguments"),
    [
        (npi.ScratchPad([1], [2]), (1, 4, 0)),
        (npi.ScratchPad([1], [2]), (2, 3, 10)),
        (npi.ScratchPad([1], [2]), (2, 3, -1)),
        (npi.ArrayPad([1, 2]), (3, 0, 0)),
        (npi.ArrayPad([1, 2]), (1, 3, 0)),
        (npi.ArrayPad([1, 2]), (1, -1, 0)),
        (npi.ArrayPad([1, 2]), (1, 0, 2)),
    ],
)
def test_unknown_actions(pad, arguments):
    with pytest.raises(ValueError, match=r"An action on an? (ScratchPad|ArrayPad) is"):
        pad.act(arguments)


def test_a_batch_needs_calls():
    with pytest.raises(ValueError, match="`calls` must be at least one Call"):
        npi.Addition().batch([])
