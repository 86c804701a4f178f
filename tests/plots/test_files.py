import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from keras_nm.plots import to_array, write_animation, write_picture


def page(color, width=2):
    figure = Figure(figsize=(width, 1), facecolor=color)
    return figure


def test_an_array_is_what_is_drawn():
    array = to_array(page("#ff8000"), dpi=50)
    assert array.dtype == np.uint8
    assert array.shape == (50, 100, 3)
    assert np.all(array == [255, 128, 0])


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture_is_written_once(tmp_path, suffix):
    path = tmp_path / "new" / f"picture{suffix}"
    write_picture(page("red"), path)
    content = path.read_bytes()
    assert len(content) > 100
    with pytest.raises(FileExistsError, match="choose another file"):
        write_picture(page("blue"), path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("owner", "save", "write"),
    [(Figure, "savefig", write_picture), (Image.Image, "save", write_animation)],
)
def test_an_interruption_leaves_the_name_free(tmp_path, monkeypatch, owner, save, write):
    def interrupted(image, path, **options):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    path = tmp_path / ("x.png" if write is write_picture else "x.gif")
    figures = page("red") if write is write_picture else [page("red")]
    with monkeypatch.context() as patch:
        patch.setattr(owner, save, interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(figures, path)
    write(figures, path)
    with Image.open(path) as image:
        assert image.size == (220, 110)


def test_an_animation_has_all_figures_on_pages_of_one_size(tmp_path):
    path = tmp_path / "new" / "animation.gif"
    pages = [page("#ff0000"), page("#0000ff", width=1), page("#00ff00")]
    write_animation(pages, path, seconds=0.1)
    with Image.open(path) as animation:
        assert animation.n_frames == 3
        assert animation.info["loop"] == 0
        corners, durations = [], []
        for index in range(3):
            animation.seek(index)
            durations.append(animation.info["duration"])
            frame = np.asarray(animation.convert("RGB"))
            corners.append([frame[0, 0].tolist(), frame[-1, -1].tolist()])
    assert corners == [
        [[255, 0, 0], [255, 0, 0]],
        [[0, 0, 255], [255, 255, 255]],
        [[0, 255, 0], [0, 255, 0]],
    ]
    assert durations == [100, 100, 2100]
    with pytest.raises(FileExistsError):
        write_animation(pages, path)


def test_wrong_endings_and_empty_animations(tmp_path):
    with pytest.raises(ValueError, match=r"x.gif must end in .png, .svg or .pdf"):
        write_picture(page("red"), tmp_path / "x.gif")
    with pytest.raises(ValueError, match=r"x.png must end in .gif"):
        write_animation([page("red")], tmp_path / "x.png")
    with pytest.raises(ValueError, match="at least one figure"):
        write_animation([], tmp_path / "x.gif")
    assert not list(tmp_path.iterdir())
