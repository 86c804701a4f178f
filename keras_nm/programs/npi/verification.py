"""Checks every decision that a recursive machine can ever be asked for.

With recursive programs, there are finitely many different calls, whatever the length of a
problem (Cai et al. 2017). A layer that decides right in all of them runs every problem as
the programs do that the library shows: by induction over the calls.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from keras_nm.programs.npi.interpreter import (
    Interpreter,
    decided,
    split_logits,
    step_function,
)
from keras_nm.programs.npi.library import Call, Step, check_library

# Enough to use a processor, and few enough for the memory.
_BATCH_SIZE = 4096


class Fault(NamedTuple):
    """The first wrong decision in a call.

    Args:
        call: The `Call` as it should be.
        time: Integer, the step.
        decided: The `Step` that the layer decided on.
    """

    call: Call
    time: int
    decided: Step


@dataclass(frozen=True)
class Verification:
    """The result of `verify`. As text, it says how many calls are right, and what is wrong.

    Args:
        library: The `Library`.
        num_calls: Dict from the name of each program to its number of different calls.
        faults: Dict from the name of each program to a list of `Fault`.
        margin: The smallest difference of logits by which a right decision was taken.
    """

    library: object
    num_calls: dict[str, int]
    faults: dict[str, list[Fault]]
    margin: float

    @property
    def is_proof(self) -> bool:
        """Whether the layer is right in every call, and so for every length."""
        return not any(self.faults.values())

    def __str__(self):
        lines = []
        for name, number in self.num_calls.items():
            faults = self.faults[name]
            lines.append(f"{name}: {number - len(faults):,} of {number:,} calls right")
            if faults:
                lines.append(f"  the first wrong one: {self._words(faults[0])}")
        return "\n".join(lines)

    def _words(self, fault):
        seen = ", then ".join(map(str, fault.call.observations[: fault.time + 1]))
        expected = self._step(fault.call.steps[fault.time])
        return f"after {seen}, {self._step(fault.decided)} instead of {expected}"

    def _step(self, step):
        name = self.library.programs[step.program]
        arguments = ", ".join(map(str, step.arguments)) if any(step.arguments) else ""
        return f"{name}({arguments}){' and the end' if step.ends else ''}"


def verify(library, layer):
    """Checks a layer in every call that the programs of a library can ever make.

    The method is that of Cai et al. 2017 (arXiv 1704.06611, section 3.3).

    Args:
        library: A `Library` with recursive programs.
        layer: An `NPI` layer.

    Returns:
        A `Verification`. If its `is_proof` is true, the layer solves problems of any
        length, with the arithmetic that it was checked with.

    Raises:
        ValueError: For something other than a `Library`, for a library without recursion,
            whose calls grow with the length, and for a layer of other sizes.

    Example:

    >>> import keras_nm
    >>> from keras_nm.programs import npi
    >>> library = npi.Addition(base=2)
    >>> layer = keras_nm.layers.NPI(library.num_programs, library.argument_sizes)
    >>> npi.verify(library, layer).is_proof  # it has not learned yet
    False
    """
    if not check_library(library).recursive:
        raise ValueError(
            "Only recursive programs have finitely many different calls. Train with a "
            f"library that has recursive=True. Received: {library}"
        )
    step = step_function(library, layer)
    num_calls, faults, margin = {}, {}, np.inf
    for program, calls in all_calls(library).items():
        name = library.programs[program]
        num_calls[name], faults[name] = len(calls), []
        for start in range(0, len(calls), _BATCH_SIZE):
            part = calls[start : start + _BATCH_SIZE]
            found, smallest = _check(library, layer, step, part)
            faults[name] += found
            margin = min(margin, smallest)
    return Verification(library, num_calls, faults, float(margin))


@lru_cache(maxsize=8)
def all_calls(library):
    """Returns all calls that the recursive programs of a library can ever make.

    Returns:
        Dict from the index of each program to a list of `Call`, without repetitions.
    """
    found = {program: {} for program in range(1, library.num_programs)}
    interpreter = Interpreter(library)
    for environment in library.windows():
        for frame, step in interpreter.steps(environment):
            if step.ends:
                found[frame.program][frame.call] = None
                if frame.depth == 0:
                    break  # and not on into the main program's call of itself
    return {program: list(calls) for program, calls in found.items()}


def _check(library, layer, step, calls):
    """Returns the faults of a layer in some calls, and its smallest margin."""
    x, y, sample_weight = library.batch(calls)
    states = layer.cell.get_initial_state(len(calls))
    outputs = []
    for time in range(x.shape[1]):
        output, states = step(x[:, time], states)
        outputs.append(output)
    outputs = np.stack(outputs, axis=1)  # (B, T, units)

    counts = sample_weight > 0  # (B, T)
    is_wrong = ~np.isfinite(outputs).all(axis=-1)
    margin = np.full(counts.shape, np.inf)
    for part, (logits, right) in enumerate(
        zip(split_logits(library, outputs), np.moveaxis(y, 2, 0), strict=True)
    ):
        if part == 0:  # the end, whose other logit is 0
            logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
        is_wrong |= logits.argmax(axis=-1) != right
        if logits.shape[-1] > 1:
            best = np.sort(logits, axis=-1)
            margin = np.minimum(margin, best[..., -1] - best[..., -2])
    is_wrong &= counts
    faults = [
        Fault(calls[index], time, decided(library, outputs[index, time]))
        for index in np.flatnonzero(is_wrong.any(axis=1))
        for time in [int(is_wrong[index].argmax())]
    ]
    return faults, margin[counts & ~is_wrong].min(initial=np.inf)
