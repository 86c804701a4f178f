"""Solvers in plain Python. They refuse questions that the layouts do not allow."""


def _numbers(tokens, base):
    size, is_odd = divmod(len(tokens), 2)
    assert is_odd
    assert [i for i, token in enumerate(tokens) if token == base] == [size]
    return [
        sum(digit * base**i for i, digit in enumerate(digits))
        for digits in (tokens[:size], tokens[size + 1 :])
    ]


def _digits(number, base):
    """Lowest digits first, without leading zeros, but at least one."""
    digits = [number % base]
    while number := number // base:
        digits.append(number % base)
    return digits


def binary_addition(tokens):
    answer = _digits(sum(_numbers(tokens, 2)), 2)
    return answer + [2] * (len(tokens) - len(answer))


def _multiplication(tokens, base):
    first, second = _numbers(tokens, base)
    answer = _digits(first * second, base)
    return answer + [0] * (len(tokens) - len(answer))


def binary_multiplication(tokens):
    return _multiplication(tokens, 2)


def quaternary_multiplication(tokens):
    return _multiplication(tokens, 4)


def reverse(tokens):
    return tokens[::-1]


def duplicate(tokens):
    size, is_odd = divmod(len(tokens), 2)
    assert not is_odd
    room = tokens[size:]
    assert set(room).isdisjoint(tokens[:size])
    assert len(set(room)) == 1
    return tokens[:size] * 2


def sort(tokens):
    return sorted(tokens)
