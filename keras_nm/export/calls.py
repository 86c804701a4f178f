"""What the card of an exported `NPI` says, so that others can run it step by step."""


def facts(layer):
    """Returns where the parts of the inputs and outputs of an `NPI` layer are.

    Args:
        layer: The built layer.

    Returns:
        A dict: `"input_channels"` and `"output_channels"`, each a dict from the parts, in
        their order, to their numbers of channels.
    """
    cell = layer.cell
    arguments = {f"argument_{i}": size for i, size in enumerate(cell.argument_sizes)}
    return {
        "input_channels": {
            "observation": cell.observation_size,
            **arguments,
            "program": cell.num_programs,
        },
        "output_channels": {name: size for name, (size,) in cell.output_shapes.items()},
    }
