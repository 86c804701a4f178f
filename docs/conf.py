"""The site: `make docs` builds it into docs/_build/html."""

import inspect
import os
import sys
from pathlib import Path

# Notices of TensorFlow would stand among the outputs of the tutorials.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

import model_zoo  # noqa: E402

import keras_nm  # noqa: E402

project = "keras_nm"
author = "The keras_nm authors"
project_copyright = f"2026, {author}"
release = version = keras_nm.__version__

extensions = [
    "myst_nb",  # Markdown, and tutorials that run when the site is built
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"keras_nm {release}"
# Everything that a page needs is in the site.
html_show_sphinx = False

myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_execution_in_temp = True
nb_merge_streams = True
nb_output_stderr = "remove"

# Names in single backticks become links where there is such a name, and else code.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_default_options = {
    "members": True,
    "inherited-members": True,
    "exclude-members": "get_recurrent_dropout_mask, add_note, with_traceback",
}
autoclass_content = "class"
napoleon_numpy_docstring = False
napoleon_custom_sections = [
    ("Call arguments", "params_style"),
    ("Output", "notes_style"),
    ("Trace", "notes_style"),
]


def class_signature(app, what, name, obj, options, signature, return_annotation):
    """Gives a class the arguments of `__init__`, which those of Keras hide."""
    if what == "class" and "__init__" in vars(obj):
        _self, *others = inspect.signature(obj.__init__).parameters.values()
        return str(inspect.Signature(others)), None
    return None


def is_of_keras(app, what, name, obj, skip, options):
    """Leaves out what a class has from Keras or from Python."""
    function = getattr(obj, "fget", obj)
    module = getattr(function, "__module__", None) or project
    return True if module.partition(".")[0] != project else None


def setup(app):
    app.connect("autodoc-skip-member", is_of_keras)
    app.connect("autodoc-process-signature", class_signature)
    app.connect("builder-inited", lambda app: model_zoo.write(DOCS / "models"))
