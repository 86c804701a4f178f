"""Readers of the words of the stack tasks in plain Python: the tests' oracle.

A reader takes the class of a task and the beginning of a word. It returns the symbol that
must follow, or `None` if several may, and whether the word has ended. It raises an
AssertionError if no word begins so.
"""

import re
from functools import cache

from keras_nm.tasks import stack

# A word by its counts. Readers know all words with up to 61 letters in the free runs.
LANGUAGES = {
    stack.AnBn: lambda n, m: "a" * n + "b" * n,
    stack.AnBnCn: lambda n, m: "a" * n + "b" * n + "c" * n,
    stack.AnBnCnDn: lambda n, m: "a" * n + "b" * n + "c" * n + "d" * n,
    stack.AnB2n: lambda n, m: "a" * n + "bb" * n,
    stack.AnBmCnm: lambda n, m: "a" * n + "b" * m + "c" * n + "c" * m,
    stack.AnBkCnk: lambda n, m: "a" * n + "b" * m + ("c" * n) * m,
}
TWO_COUNTS = (stack.AnBmCnm, stack.AnBkCnk)


@cache
def words_of(make, num_a=None):
    """The words of a language, or those that begin with so many letters `a`."""
    numbers = range(1, 62)
    word = LANGUAGES[make]
    return {
        word(n, m)
        for n in (numbers if num_a is None else [num_a])
        for m in (numbers if make in TWO_COUNTS else [n])
        if n + m < 62 or make not in TWO_COUNTS
    }


@cache
def read_letters(make, text):
    """What follows in all words that begin with a text, and whether the text is a word."""
    num_a = None if set(text) == {"a"} else len(text) - len(text.lstrip("a"))
    words = words_of(make, num_a)
    if text in words:
        return "a", True
    following = {word[len(text)] for word in words if word.startswith(text)}
    assert following, text
    return following.pop() if len(following) == 1 else None, False


def read_symbols(make, text):
    """A stack: what comes before the marker is pushed, and then all of it is popped."""
    pushed, marker, popped = text.partition("#")
    if not marker:
        return None, False
    rest = list(pushed)
    for symbol in popped:
        assert rest.pop() == symbol
    return (rest[-1], False) if rest else (None, True)


def read_sum(make, text):
    """Python's own addition."""
    numbers, equals, written = text.partition("=")
    if not equals:
        return None, False
    assert re.fullmatch(r"(0|1[01]*)\+(0|1[01]*)", numbers)
    first, second = numbers.split("+")
    answer = f"{int(first, 2) + int(second, 2):b}"[::-1] + "."
    assert answer.startswith(written)
    return (None, True) if written == answer else (answer[len(written)], False)


READ = {
    **dict.fromkeys(LANGUAGES, read_letters),
    stack.ReverseMemorization: read_symbols,
    stack.BinaryAddition: read_sum,
}


def length_of(make, word):
    if make is stack.BinaryAddition:
        return sum(len(number.lstrip("0")) for number in word.partition("=")[0].split("+"))
    if make is stack.ReverseMemorization:
        return word.index("#")
    return word.count("a") + (word.count("b") if make in TWO_COUNTS else 0)
