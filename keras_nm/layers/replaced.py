"""Gives objects other attributes for a while."""

import contextlib


@contextlib.contextmanager
def replaced(replacements):
    """Replaces attributes of layers within a context.

    Keras does not notice: it would track a tensor or a layer that is assigned.

    Args:
        replacements: Dict from each layer to a dict of its new attributes.
    """
    before = [
        (vars(layer), name, vars(layer).get(name))
        for layer, attributes in replacements.items()
        for name in attributes
    ]
    for layer, attributes in replacements.items():
        vars(layer).update(attributes)
    try:
        yield
    finally:
        for attributes, name, value in before:
            if value is None:  # then the class has it
                del attributes[name]
            else:
                attributes[name] = value
