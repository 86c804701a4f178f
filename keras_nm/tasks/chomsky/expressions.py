"""Expressions with brackets, modulo 5.

The tokens of an expression are the digits 0 to 4 and the symbols below. An expression of
length 1 is a digit, of length 2 a negated digit, of length 3 a digit in brackets and of
length 4 a negated digit in brackets. Longer ones are two expressions with an operator
between them, in brackets.

Axes: B batch, N tokens, D depths, S segments.
"""

import tensorflow as tf

PLUS, MINUS, TIMES, OPEN, CLOSE = range(5, 10)

# What stands at a place where no segment begins.
_OPERATOR, _CLOSE = -1, -2


def sample(draws, lengths, size, operators):
    """Draws expressions.

    The left part of an expression of length n has 1 to n - 4 tokens, all equally likely.

    Args:
        draws: `Draws`.
        lengths: int32 `(B, 1)`, at least 1.
        size: Integer N, at least as large as all lengths.
        operators: The number of operators: 2 for + and -, 3 for * besides.

    Returns:
        int32 `(B, N)`, with digits behind the end of an expression.
    """
    segments = _segments(draws.uniform(size), lengths)
    is_operator = tf.equal(segments, _OPERATOR)
    is_minus = tf.equal(segments, 2) | _shifted(tf.equal(segments, 4), 1)
    is_close = tf.equal(segments, _CLOSE) | _shifted(tf.equal(segments, 3), 2)
    is_close |= _shifted(tf.equal(segments, 4), 3)
    other = tf.where(segments > 2, OPEN, MINUS)
    other = tf.where(is_close, CLOSE, other)
    other = tf.where(is_operator, PLUS + draws.integers(0, operators, size), other)
    is_digit = ~(is_operator | is_minus | is_close | (segments > 2))
    inside = draws.first(lengths, size)
    digits = draws.integer_data(0, 5, is_digit & inside)
    return tf.where(is_digit, digits, other)


def _segments(numbers, lengths):
    """Splits expressions into parts.

    Args:
        numbers: Uniform random numbers `(B, N)`. Each splits the segment that begins there.
        lengths: int32 `(B, 1)`.

    Returns:
        int32 `(B, N)`. Where a part begins, its length; between two parts and at the end of
        their whole, `_OPERATOR` and `_CLOSE`; 0 elsewhere.
    """
    batch_size, size = numbers.shape
    rows = tf.range(batch_size)
    begins = tf.stack([rows, tf.zeros_like(rows)], axis=1)  # (S, 2)
    segments = tf.pad(lengths, [[0, 0], [0, size - 1]])

    # Splits all long segments at once, as often as the deepest expression needs.
    def split(segments, begins, sizes):
        left = tf.gather_nd(numbers, begins) * tf.cast(sizes - 4, tf.float64)
        left = 1 + tf.cast(tf.floor(left), tf.int32)  # (S,)
        right = sizes - 3 - left
        begin_left, operator = _moved(begins, 1), _moved(begins, 1 + left)
        begin_right, close = _moved(begins, 2 + left), _moved(begins, sizes - 1)
        marks = tf.fill(tf.shape(left), _OPERATOR), tf.fill(tf.shape(left), _CLOSE)
        segments = tf.tensor_scatter_nd_update(
            segments,
            tf.concat([begin_left, begin_right, operator, close], axis=0),
            tf.concat([left, right, *marks], axis=0),
        )
        return segments, *_long([begin_left, begin_right], [left, right])

    segments, _, _ = tf.while_loop(
        lambda _, __, sizes: tf.size(sizes) > 0,
        split,
        (segments, *_long([begins], [lengths[:, 0]])),
        shape_invariants=(
            segments.shape,
            tf.TensorShape([None, 2]),
            tf.TensorShape([None]),
        ),
    )
    return segments


def _long(begins, sizes):
    """Returns the begins and sizes of the segments that have two parts."""
    begins, sizes = tf.concat(begins, axis=0), tf.concat(sizes, axis=0)
    is_long = sizes > 4
    return tf.boolean_mask(begins, is_long), tf.boolean_mask(sizes, is_long)


def _moved(places, by):
    """Moves places `(S, 2)` along the tokens."""
    return tf.stack([places[:, 0], places[:, 1] + by], axis=1)


def _shifted(booleans, by):
    """Shifts booleans `(B, N)` to later places."""
    size = booleans.shape[1]
    return tf.pad(booleans, [[0, 0], [by, 0]])[:, :size]


def evaluate(tokens, lengths):
    """Returns the values `(B,)` of expressions `(B, N)` of the given lengths `(B, 1)`."""
    size = tokens.shape[1]
    inside = tf.range(size)[tf.newaxis] < lengths
    is_digit, is_close = inside & (tokens < PLUS), inside & tf.equal(tokens, CLOSE)
    is_open = inside & tf.equal(tokens, OPEN)
    ends_part = _shifted(is_digit | is_close, 1)
    is_sign = inside & (tokens >= PLUS) & (tokens <= TIMES)
    is_operator, is_negation = is_sign & ends_part, is_sign & ~ends_part
    digits = tf.where(_shifted(is_negation, 1), -tokens, tokens) % 5
    # Brackets around a digit change nothing.
    around = _shifted(is_open, 2) | (_shifted(is_negation, 2) & _shifted(is_open, 3))
    joins = is_close & ~(_shifted(is_digit, 1) & around)
    depth = tf.cumsum(tf.cast(is_open, tf.int32), axis=1)
    depth -= tf.cumsum(tf.cast(is_close, tf.int32), axis=1, exclusive=True)

    # On the way from left to right there is one value, and at each depth a left part with
    # its operator.
    depths = tf.range(size // 4 + 2)[tf.newaxis]

    def step(state, element):
        value, lefts, operators = state  # (B,), (B, D), (B, D)
        token, digit, depth, is_digit, is_operator, joins = element
        here = tf.equal(depths, depth[:, tf.newaxis])
        begins = here & is_operator[:, tf.newaxis]
        lefts = tf.where(begins, value[:, tf.newaxis], lefts)
        operators = tf.where(begins, token[:, tf.newaxis], operators)
        left = tf.reduce_sum(tf.where(here, lefts, 0), axis=1)
        operator = tf.reduce_sum(tf.where(here, operators, 0), axis=1)
        both = tf.where(tf.equal(operator, MINUS), left - value, left + value)
        both = tf.where(tf.equal(operator, TIMES), left * value, both) % 5
        value = tf.where(is_digit, digit, tf.where(joins, both, value))
        return value, lefts, operators

    elements = (tokens, digits, depth, is_digit, is_operator, joins)
    nothing = tf.zeros_like(tokens[:, :1] + depths)
    initial = tf.zeros_like(tokens[:, 0]), nothing, nothing
    return tf.foldl(step, tuple(map(tf.transpose, elements)), initial)[0]
