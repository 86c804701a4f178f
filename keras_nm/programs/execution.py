"""Execution tables of a Neural Random-Access Machine as text, in the paper's form."""

import keras
import numpy as np

_CERTAIN = 0.9


def execution_table(trace, example=0):
    """Formats the tape and the registers before each step and after the last as a table.

    The table has the form of the execution tables of Kurach et al. (2016). A distribution
    is shown as its most probable integer, with a `~` if its probability is below 0.9. The
    column `stop` shows the probability of stopping after the step.

    Args:
        trace: The result of `NRAM.trace` or `Program.trace`.
        example: Integer, the index of the example in the batch.

    Returns:
        A string.

    Raises:
        IndexError: If there is no such example.

    Example:

    >>> import numpy as np
    >>> from keras_nm.programs import PROGRAMS, execution_table
    >>> tape = np.array([[3, 4, 1, 2, 0]])
    >>> print(execution_table(PROGRAMS["access"].trace(tape, num_steps=2)))
    step |  0  1  2  3  4 | r1 r2
       1 |  3  4  1  2  0 |  0  0
       2 |  3  4  1  2  0 |  3  0
     end |  2  4  1  2  0 |  3  0
    """
    fuzzy = "stopping_mass" in trace
    tape, registers = (
        keras.ops.convert_to_numpy(trace[name])[example] for name in ("tape", "registers")
    )
    if not fuzzy:
        end = int(trace["num_steps"][example]) + 1
        tape, registers = tape[:end], registers[:end]
    num_cells, num_registers = tape.shape[1], registers.shape[1]
    table = [
        ["step"],
        *([str(index)] for index in range(num_cells)),
        *([f"r{index + 1}"] for index in range(num_registers)),
    ]
    for time in range(len(tape)):
        last = time == len(tape) - 1
        row = ["end" if last else str(time + 1), *_cells(tape[time])]
        for column, text in zip(table, row + _cells(registers[time]), strict=True):
            column.append(text)
    if fuzzy:
        mass = keras.ops.convert_to_numpy(trace["stopping_mass"])[example, :, 0]
        table.append(["stop", *(f"{p:.2f}" for p in mass), ""])

    width = max(2, *(len(text) for column in table[1 : 1 + num_cells] for text in column))
    widths = [4, *[width] * num_cells]
    widths += [max(2, *map(len, column)) for column in table[len(widths) :]]
    lines = []
    for row in zip(*table, strict=True):
        padded = [text.rjust(size) for text, size in zip(row, widths, strict=True)]
        parts = [padded[0], " ".join(padded[1 : 1 + num_cells])]
        parts.append(" ".join(padded[1 + num_cells :][:num_registers]))
        parts += padded[1 + num_cells + num_registers :]
        lines.append(" | ".join(parts).rstrip())
    return "\n".join(lines)


def _cells(values):
    """Returns integers `(n,)` or distributions `(n, M)` as texts."""
    if np.ndim(values) == 1:
        return [str(value) for value in values]
    marks = ["" if row.max() >= _CERTAIN else "~" for row in values]
    return [f"{row.argmax()}{mark}" for row, mark in zip(values, marks, strict=True)]
