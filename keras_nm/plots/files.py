"""Turns figures into arrays and files."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image  # a dependency of matplotlib

from keras_nm.files import completed

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")
ANIMATION_SUFFIX = ".gif"

_DPI = 110


def to_array(figure, dpi=_DPI):
    """Draws a figure into an array.

    Args:
        figure: A `matplotlib.figure.Figure`.
        dpi: Pixels per inch.

    Returns:
        uint8 array of shape `(height, width, 3)`.
    """
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def write_picture(figure, path):
    """Writes a figure to a file.

    Args:
        figure: A `matplotlib.figure.Figure`.
        path: Path of a file that does not exist, ending in `.png`, `.svg` or `.pdf`.

    Raises:
        ValueError: If the path has another ending.
        FileExistsError: If the file exists.
    """
    path = check_path(path, PICTURE_SUFFIXES)
    path.parent.mkdir(parents=True, exist_ok=True)
    with completed(path) as partial:
        figure.savefig(partial, dpi=_DPI)


def write_animation(figures, path, seconds=0.25):
    """Writes figures, one after the other, as an animation that loops forever.

    Args:
        figures: Iterable of `matplotlib.figure.Figure`. Smaller figures get a white border.
        path: Path of a file that does not exist, ending in `.gif`.
        seconds: How long each figure is shown. The last figure is shown for two seconds
            more.

    Raises:
        ValueError: If the path has another ending, or if there are no figures.
        FileExistsError: If the file exists.
    """
    path = check_path(path, (ANIMATION_SUFFIX,))
    # One byte per pixel, because there may be hundreds of frames.
    frames = [_quantized(Image.fromarray(to_array(figure))) for figure in figures]
    if not frames:
        raise ValueError("An animation needs at least one figure")
    size = tuple(np.max([frame.size for frame in frames], axis=0))
    for index, frame in enumerate(frames):
        if frame.size != size:
            page = Image.new("RGB", size, "white")
            page.paste(frame)
            frames[index] = _quantized(page)
    milliseconds = [round(1000 * seconds)] * len(frames)
    milliseconds[-1] += 2000
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"append_images": frames[1:], "duration": milliseconds, "loop": 0}
    with completed(path) as partial:
        frames[0].save(partial, save_all=True, **options)


def _quantized(image):
    return image.quantize(dither=Image.Dither.NONE)


def check_path(path, suffixes):
    """Checks that a path has one of these endings and that the file does not exist.

    Args:
        path: Path.
        suffixes: The possible endings.

    Returns:
        The `pathlib.Path`.

    Raises:
        ValueError: If the path has another ending.
        FileExistsError: If the file exists.
    """
    path = Path(path)
    if path.suffix not in suffixes:
        *others, last = suffixes
        endings = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"{path} must end in {endings}")
    if path.exists():
        raise FileExistsError(f"{path} already exists: choose another file")
    return path
