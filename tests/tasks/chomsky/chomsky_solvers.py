"""Solvers in plain Python. They refuse questions that the definitions do not allow."""

import itertools
import math

OPERATORS = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}


def even_pairs(tokens):
    return [sum(a != b for a, b in itertools.pairwise(tokens)) % 2]


def parity_check(tokens):
    return [tokens.count(1) % 2]


def cycle_navigation(tokens):
    return [(tokens.count(2) - tokens.count(0)) % 5]


def modular_arithmetic(tokens):
    assert len(tokens) % 2 == 1
    assert all(token < 5 for token in tokens[::2])
    assert all(5 <= token < 8 for token in tokens[1::2])
    return [eval("".join("01234+-*"[token] for token in tokens)) % 5]


def value_of(text):
    """The value of an expression. The grammar has no other ones."""
    value, rest = _value_and_rest(text)
    assert not rest
    return value % 5


def _value_and_rest(text):
    if text[0].isdigit():
        return int(text[0]), text[1:]
    if text[0] == "-":
        return -int(text[1]), text[2:]
    assert text[0] == "("
    if text[1].isdigit() and text[2] == ")":
        return int(text[1]), text[3:]
    if text[1] == "-" and text[3] == ")":
        return -int(text[2]), text[4:]
    left, rest = _value_and_rest(text[1:])
    operator = OPERATORS[rest[0]]
    right, rest = _value_and_rest(rest[1:])
    assert rest[0] == ")"
    return operator(left, right) % 5, rest[1:]


def modular_arithmetic_brackets(tokens):
    return [value_of("".join("01234+-*()"[token] for token in tokens))]


def solve_equation(tokens):
    text = "".join("01234+-()x="[token] for token in tokens)
    if len(text) < 3:
        assert set(text) == {"0"}
        return [0]
    left, right = text[:-2], text[-1]
    assert text[-2] == "="
    assert left.count("x") == 1
    [x] = [x for x in range(5) if value_of(left.replace("x", str(x))) == int(right)]
    return [x]


def stack_manipulation(tokens):
    actions = [token > 1 for token in tokens]
    assert actions == sorted(actions)
    assert not actions[0]
    assert actions[-1] or len(tokens) == 1
    stack = []
    for token in tokens:
        if token == 2:
            stack = stack[:-1]
        else:
            stack.append({0: 0, 1: 1, 3: 0, 4: 1}[token])
    return _ended(stack[::-1], len(tokens) + 1)


def _ended(answer, length):
    return [*answer, 2, *[0] * (length - len(answer) - 1)]


def reverse_string(tokens):
    return tokens[::-1]


def duplicate_string(tokens):
    return tokens * 2


def missing_duplicate_string(tokens):
    if tokens == [1]:
        return [1]
    size = len(tokens) // 2
    assert tokens[2 * size :] == [3] * (len(tokens) % 2)
    answers = []
    for bit in (0, 1):
        filled = [bit if token == 2 else token for token in tokens]
        if filled[:size] == filled[size : 2 * size]:
            answers.append(bit)
    assert tokens.count(2) == len(answers) == 1
    return answers


def odds_first(tokens):
    return tokens[1::2] + tokens[::2]


def _numbers(tokens):
    text = "".join(map(str, tokens))[::-1]
    if len(text) < 3:
        assert text in ("0", "00", "01", "10")
        return int(text, 2), 0
    second, first = (int(number, 2) for number in text.split("2"))
    assert first > 0
    assert second > 0
    return first, second


def _little_endian(number):
    return [int(bit) for bit in f"{number:b}"[::-1]]


def binary_addition(tokens):
    return _ended(_little_endian(sum(_numbers(tokens))), len(tokens) + 1)


def binary_multiplication(tokens):
    product = _little_endian(math.prod(_numbers(tokens)))
    # Of one token, there is no room for a digit.
    return _ended(product if len(tokens) > 1 else [], len(tokens))


def compute_sqrt(tokens):
    number = int("".join(map(str, tokens)), 2)
    assert number > 0
    size = (len(tokens) + 1) // 2
    return [int(bit) for bit in f"{math.isqrt(number):0{size}b}"]


def bucket_sort(tokens):
    return sorted(tokens)
