"""What is in a figure."""


def panels(figure):
    """The axes that have a title, by it."""
    return {axes.get_title(): axes for axes in figure.axes if axes.get_title()}


def shown(axes):
    """The numbers that the only image shows."""
    (image,) = axes.images
    return image.get_array()
