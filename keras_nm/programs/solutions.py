"""Programs for the ten tasks on which the paper tests the Neural Random-Access Machine.

They show what the machine can express. They are references for learned programs, and you
can put them into a network as a start. The first five are the circuits that the paper
prints (Kurach et al. 2016). The other five are new and stop by themselves. The comment
above each program describes the tape that it expects.

Pointers are addresses, counted from the first cell of the tape. n is the number of
elements. NULL is 0.

Example, the value that is two hops away from the head of a list:

>>> import numpy as np
>>> from keras_nm.programs import PROGRAMS
>>> tape = [6, 2, 3, 0, 0, 1, 8, 9, 4, 7]  # nodes at 6, 8 and 4
>>> PROGRAMS["list_k"].run(np.array([tape]), num_steps=4).tolist()
[[6, 2, 3, 1, 0, 1, 8, 9, 4, 7]]
"""

from keras_nm.programs.circuit import Circuit
from keras_nm.programs.program import Program

PROGRAMS: dict[str, Program] = {}

# Tape: k, A, NULL. Cell 0 becomes the value at address k.
# r1 holds k, or 0 before k is known. r2 stays 0, the address of the answer.
# Takes 2 steps. It does not stop, but more steps do no harm.
PROGRAMS["access"] = Program(
    2,
    [
        ("0*", Circuit({"READ": ["r1"], "ZERO": []}, ["READ", "ZERO"])),
        ("+*", Circuit({"READ": ["r1"], "WRITE": ["r2", "READ"]}, ["r1", "r2"])),
    ],
)

# Tape: A, NULL. Every cell of A grows by 1, in place.
# r1 and r5 hold the address of the next cell, the others the value written last.
# Takes n steps and must be stopped then: it would go on through the rest of the tape.
PROGRAMS["increment"] = Program(
    5,
    [
        (
            "*****",
            Circuit(
                {
                    "READ": ["r1"],
                    "ONE": [],
                    "INC": ["r1"],
                    "ADD": ["READ", "ONE"],
                    "WRITE": ["r1", "ADD"],
                },
                ["INC", "WRITE", "WRITE", "WRITE", "INC"],
            ),
        )
    ],
)

# Tape: p, A; p is the cell after A. A is copied to p and the cells that follow.
# r2 holds p - 1 = n, which is both the address of A's last cell and the distance from a
# cell to its copy. r4 holds the address of the cell to copy, which never passes r2. r3
# holds the previous r4, so that r4 advances only in every second step.
# Takes 2 n steps. It does not stop, but more steps do no harm.
PROGRAMS["copy"] = Program(
    4,
    [
        (
            "*0**",
            Circuit(
                {"READ": ["r1"], "ZERO": [], "ONE": [], "DEC": ["READ"]},
                ["r1", "DEC", "ZERO", "ONE"],
            ),
        ),
        (
            "*+**",
            Circuit(
                {
                    "READ": ["r4"],
                    "INC": ["r3"],
                    "ADD": ["r4", "r2"],
                    "MIN": ["INC", "r2"],
                    "WRITE": ["ADD", "READ"],
                },
                ["r1", "r2", "r4", "MIN"],
            ),
        ),
    ],
)

# Tape: p, A; p is the cell after A. A is written to p and the cells that follow, the last
# value first.
# r1 holds p, or 0 before p is known. r3 holds the address i of the cell to copy, and the
# copy goes to 2 p - i - 1. The other two registers are not used.
# Takes n + 1 steps and must be stopped then: it would go on downwards from p, over A.
PROGRAMS["reverse"] = Program(
    4,
    [
        (
            "0***",
            Circuit(
                {"READ": ["r1"], "ZERO": [], "ONE": []}, ["READ", "ZERO", "ONE", "ONE"]
            ),
        ),
        (
            "+***",
            Circuit(
                {
                    "READ": ["r3"],
                    "ONE": [],
                    "INC": ["r3"],
                    "ADD": ["r1", "r1"],
                    "SUB": ["ADD", "r3"],
                    "DEC": ["SUB"],
                    "WRITE": ["DEC", "READ"],
                },
                ["r1", "ONE", "INC", "ONE"],
            ),
        ),
    ],
)

# Tape: p, q, A, NULL. The values at addresses p and q change places.
# Step 1 saves the value at p in cell 0, and r2 becomes p. Step 2 writes the value at q to
# p, and r2 becomes q. Step 3 writes the saved value to q. r1 holds the addresses 0, 1, 0 to
# read.
# Takes 3 steps and must be stopped then: it would start again, with cell 0 changed.
PROGRAMS["swap"] = Program(
    2,
    [
        (
            "00",
            Circuit(
                {"READ": ["r1"], "ONE": [], "READ2": ["READ"], "WRITE2": ["r1", "READ2"]},
                ["ONE", "READ"],
            ),
        ),
        (
            "+*",
            Circuit(
                {"READ": ["r1"], "ZERO": [], "READ2": ["READ"], "WRITE2": ["r2", "READ2"]},
                ["ZERO", "READ"],
            ),
        ),
        (
            "0+",
            Circuit({"READ": ["r1"], "ONE": [], "WRITE": ["r2", "READ"]}, ["READ", "ONE"]),
        ),
    ],
    gate_repeats=2,
)

# Tape: a, P, A; a points to A, and P holds 0 to n - 1 in some order. The cell that holds
# P[i] becomes A[P[i]].
# r1 holds the address of the cell of P to replace, from the last down to the first. r2
# holds a, or 0 before a is known.
# Stops when r1 reaches 0, the cell before P. Takes n + 2 steps.
PROGRAMS["permutation"] = Program(
    2,
    [
        ("*0", Circuit({"READ": ["r1"], "DEC": ["READ"]}, ["DEC", "READ"])),
        (
            "++",
            Circuit(
                {
                    "READ": ["r1"],
                    "ADD": ["READ", "r2"],
                    "DEC": ["r1"],
                    "READ2": ["ADD"],
                    "WRITE2": ["r1", "READ2"],
                },
                ["DEC", "r2"],
            ),
        ),
        ("0+", Circuit({}, ["r1", "r2"], stop=True)),
    ],
    gate_repeats=2,
)

# Tape: head, k, out, and the nodes (next, value) of a list. Cell `out` becomes the value
# that is k hops after the head.
# r1 holds the address of the current node's value, which is the cell after the pointer to
# the next node. It holds 0 before the list is known. r2 holds the number of hops left.
# Stops with the answer when no hop is left. Takes k + 2 steps.
PROGRAMS["list_k"] = Program(
    2,
    [
        (
            "0*",
            Circuit(
                {"READ": ["r1"], "ONE": [], "INC": ["READ"], "READ2": ["ONE"]},
                ["INC", "READ2"],
            ),
        ),
        (
            "++",
            Circuit(
                {"DEC": ["r1"], "READ2": ["DEC"], "INC2": ["READ2"], "DEC2": ["r2"]},
                ["INC2", "DEC2"],
            ),
        ),
        (
            "+0",
            Circuit(
                {"READ": ["r1"], "TWO": [], "READ2": ["TWO"], "WRITE2": ["READ2", "READ"]},
                ["r1", "r2"],
                stop=True,
            ),
        ),
    ],
    gate_repeats=2,
)

# Tape: head, v, out, the nodes (next, value) of a list, and anything between them. Cell
# `out` becomes the address of the first node whose value is v. The list must contain v.
# r1 holds the address of the node visited last. It starts at cell 0 which, like the first
# cell of a node, holds the address of the node that follows. r2 holds v. r3 holds the last
# node's value minus v, or 1 before the first node.
# Stops with the answer when r3 is 0 at a node. Takes 2 steps more than it visits nodes.
# If the list does not contain v, it repeats from the head forever and writes nothing.
PROGRAMS["list_search"] = Program(
    3,
    [
        ("0*0", Circuit({"ONE": [], "READ2": ["ONE"]}, ["r1", "READ2", "ONE"])),
        (
            "**+",
            Circuit(
                {
                    "READ": ["r1"],
                    "INC": ["READ"],
                    "READ2": ["INC"],
                    "SUB2": ["READ2", "r2"],
                },
                ["READ", "r2", "SUB2"],
            ),
        ),
        (
            "+*0",
            Circuit(
                {"TWO": [], "READ2": ["TWO"], "WRITE2": ["READ2", "r1"]},
                ["r1", "r2", "r3"],
                stop=True,
            ),
        ),
    ],
    gate_repeats=2,
)

# Tape: a, b, o, A, G, B, G; a points to A, b to B, and o to the cell after all of these. A
# and B are sorted. G is a sentinel, larger than all their values. The values are written in
# sorted order to o and the cells that follow. A and B may be empty.
# r1 and r2 hold addresses in A and in B. One of them advances before the two values are
# compared: r1 if r4 > 0, which says that the value written last came from A, otherwise r2.
# So r1 starts one cell early. r3 holds the address to write to. r5 counts the values left
# to write, at first o - a - 2: all cells from A to o except for the two sentinels.
# Stops when no value is left. Takes n + 3 steps: the first two read the header.
PROGRAMS["merge"] = Program(
    5,
    [
        (
            "0****",
            Circuit(
                {
                    "READ": ["r1"],
                    "ONE": [],
                    "TWO": [],
                    "ADD": ["READ", "TWO"],
                    "DEC": ["READ"],
                    "READ2": ["TWO"],
                    "SUB2": ["READ2", "ADD"],
                },
                ["DEC", "r2", "READ2", "ONE", "SUB2"],
            ),
        ),
        (
            "+0***",
            Circuit({"ONE": [], "READ2": ["ONE"]}, ["r1", "READ2", "r3", "r4", "r5"]),
        ),
        ("++**0", Circuit({}, ["r1", "r2", "r3", "r4", "r5"], stop=True)),
        (
            "++*++",
            Circuit(
                {
                    "READ": ["r2"],
                    "INC": ["r1"],
                    "DEC": ["r5"],
                    "READ2": ["INC"],
                    "INC2": ["r3"],
                    "LESS-OR-EQUAL2": ["READ2", "READ"],
                    "MIN2": ["READ2", "READ"],
                    "WRITE2": ["r3", "MIN2"],
                },
                ["INC", "r2", "INC2", "LESS-OR-EQUAL2", "DEC"],
            ),
        ),
        (
            "++*0+",
            Circuit(
                {
                    "READ": ["r1"],
                    "INC": ["r2"],
                    "DEC": ["r5"],
                    "READ2": ["INC"],
                    "INC2": ["r3"],
                    "LESS-OR-EQUAL2": ["READ", "READ2"],
                    "MIN2": ["READ", "READ2"],
                    "WRITE2": ["r3", "MIN2"],
                },
                ["r1", "INC", "INC2", "LESS-OR-EQUAL2", "DEC"],
            ),
        ),
    ],
    gate_repeats=2,
)

# Tape: root, out, d_1 to d_k, NULL, and the nodes (value, left, right) of a tree. Cell
# `out` becomes the value at the end of the path d from the root: 1 is left, 2 is right.
# r1 holds the address of the current node, or 0 before the root is known. r3 holds the
# direction to go, which is also the offset from the node to the pointer. r2 holds the
# address of the direction after that.
# Stops with the answer when r3 is the NULL after the path. Takes k + 2 steps.
PROGRAMS["walk_bst"] = Program(
    3,
    [
        (
            "0**",
            Circuit(
                {"READ": ["r1"], "TWO": [], "INC": ["TWO"], "READ2": ["TWO"]},
                ["READ", "INC", "READ2"],
            ),
        ),
        (
            "+*+",
            Circuit(
                {"READ": ["r2"], "INC": ["r2"], "ADD": ["r1", "r3"], "READ2": ["ADD"]},
                ["READ2", "INC", "READ"],
            ),
        ),
        (
            "+*0",
            Circuit(
                {"READ": ["r1"], "ONE": [], "READ2": ["ONE"], "WRITE2": ["READ2", "READ"]},
                ["r1", "r2", "r3"],
                stop=True,
            ),
        ),
    ],
    gate_repeats=2,
)

# walk_bst with the paper's directions: 0 for left and 1 for right. The path ends where a
# child is missing, and r4 remembers the parent of that child.
WALK_BST_FROM_ZERO = Program(
    4,
    [
        (
            "00**",
            Circuit(
                {"READ": ["r1"], "TWO": [], "INC": ["TWO"], "READ2": ["TWO"]},
                ["READ", "INC", "READ2", "r4"],
            ),
        ),
        (
            "+***",
            Circuit(
                {
                    "READ": ["r2"],
                    "INC": ["r1"],
                    "ADD": ["INC", "r3"],
                    "READ2": ["ADD"],
                    "INC2": ["r2"],
                },
                ["READ2", "INC2", "READ", "r1"],
            ),
        ),
        (
            "0+**",
            Circuit(
                {"READ": ["r4"], "ONE": [], "READ2": ["ONE"], "WRITE2": ["READ2", "READ"]},
                ["r1", "r2", "r3", "r4"],
                stop=True,
            ),
        ),
    ],
    gate_repeats=2,
)


def _look_at_node(stop):
    return Circuit(
        {
            "ONE": [],
            "TWO": [],
            "INC": ["r1"],
            "READ": ["r1"],
            "READ2": ["INC"],
            "READ3": ["ONE"],
            "READ4": ["TWO"],
            "EQUALITY": ["READ2", "READ3"],
            "WRITE": ["READ4", "r3"],
        },
        ["READ", "EQUALITY", "r1"],
        stop=stop,
    )


# list_search in one circuit, with only these gates. r1 holds the address of the node to
# visit, at first that of the header. r3 holds the address of the node before it, and r2
# holds whether that node had the value. The header always has it, because its cell 1 is
# compared with itself. r3 is 0 only for the header.
# Takes 2 steps more than it visits nodes.
LIST_SEARCH_IN_ONE_CIRCUIT = Program(
    3,
    [("*++", _look_at_node(stop=True)), ("***", _look_at_node(stop=False))],
    gates=["ONE", "TWO", "INC", "READ", "READ", "READ", "READ", "EQUALITY", "WRITE"],
)

# merge in one circuit, after one that reads the header. The result of a comparison, 0 or
# 1, says how far a pointer advances. r1 and r2 hold the addresses to read in A and in B, r3
# the address to write to, and r4 the value written last.
# Takes n + 1 steps. It does not stop, but a few more steps do no harm: they write after the
# answer.
MERGE_IN_ONE_CIRCUIT = Program(
    4,
    [
        (
            "**0*",
            Circuit(
                {
                    "ZERO": [],
                    "ONE": [],
                    "TWO": [],
                    "READ": ["ZERO"],
                    "READ2": ["ONE"],
                    "READ3": ["TWO"],
                },
                ["READ", "READ2", "READ3", "ZERO"],
            ),
        ),
        (
            "****",
            Circuit(
                {
                    "READ": ["r1"],
                    "READ2": ["r2"],
                    "INC": ["r3"],
                    "MIN": ["READ", "READ2"],
                    "LESS-OR-EQUAL": ["READ", "READ2"],
                    "LESS-THAN": ["READ2", "READ"],
                    "ADD": ["r1", "LESS-OR-EQUAL"],
                    "ADD2": ["r2", "LESS-THAN"],
                    "WRITE": ["r3", "MIN"],
                },
                ["ADD", "ADD2", "INC", "MIN"],
            ),
        ),
    ],
    gates=[
        *("ZERO", "ONE", "TWO", "READ", "READ", "READ", "INC", "MIN"),
        *("LESS-OR-EQUAL", "LESS-THAN", "ADD", "ADD", "WRITE"),
    ],
)
