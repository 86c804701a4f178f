"""Every example in a docstring or on a page runs, and every page is in order."""

import ast
import dataclasses
import doctest
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_nm
from keras_nm.layers.nram.gates import GATES
from keras_nm.machines import MACHINES
from keras_nm.tasks import datasets
from keras_nm_cli import make_parser

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ALL_PAGES = [
    page
    for page in sorted((*ROOT.glob("*.md"), *DOCS.rglob("*.md")))
    if page.parent != DOCS / "models"  # made when the site is built
]

# Without those whose code takes a run (in tests/runs) or other runtimes.
PAGES = [
    ROOT / "README.md",
    *(
        DOCS / "guides" / f"{name}.md"
        for name in ("layers", "tasks", "training", "scaling_out", "extending", "export")
    ),
]

MODULES = [module.name for module in pkgutil.walk_packages(keras_nm.__path__, "keras_nm.")]


@pytest.fixture(autouse=True)
def _leave_everything_as_it_was(tmp_path, monkeypatch):
    """Examples register gates, machines and Keras objects for the whole process."""
    monkeypatch.chdir(tmp_path)
    registries = (GATES, MACHINES, keras.saving.get_custom_objects())
    before = [dict(registry) for registry in registries]
    yield
    for registry, content in zip(registries, before, strict=True):
        registry.clear()
        registry.update(content)


@pytest.fixture
def _little_training(monkeypatch):
    compile_model, fit = keras.Model.compile, keras.Model.fit
    # Where `compile` is defined, because Keras restores no model that overrides it.
    trainer = next(base for base in keras.Model.__mro__ if "compile" in vars(base))

    # XLA takes longer to compile than these models to train.
    def compile_without_xla(model, *args, **kwargs):
        compile_model(model, *args, **{**kwargs, "jit_compile": False})

    def short_fit(model, *args, **kwargs):
        if kwargs["epochs"] > 5:  # which takes minutes
            kwargs |= {"steps_per_epoch": 2, "epochs": 1}
        return fit(model, *args, **kwargs)

    monkeypatch.setattr(trainer, "compile", compile_without_xla)
    monkeypatch.setattr(keras.Model, "fit", short_fit)


@pytest.fixture
def _small_frozen_datasets(monkeypatch):
    def few_examples(split):
        return dataclasses.replace(split, num_examples=20)

    tasks = {
        name: dataclasses.replace(
            spec, splits={key: few_examples(split) for key, split in spec.splits.items()}
        )
        for name, spec in datasets.TASKS.items()
    }
    monkeypatch.setattr(datasets, "TASKS", tasks)


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks(path, language):
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(), re.DOTALL)


def run(code, name, namespace):
    """Runs code, and checks what comments say of values: a shape, a number, a boolean."""
    lines = code.splitlines()
    for node in ast.parse(code).body:
        exec(compile(ast.Module([node], []), name, "exec"), namespace)
        line = lines[node.end_lineno - 1]
        comment = re.search(r"  # (\(\d[\d, ]*\)|[\d.]+|True|False)(?:$|[:;,] )(.*)", line)
        if comment is None:
            continue
        value = node.targets[0] if isinstance(node, ast.Assign) else node.value
        value = eval(ast.unparse(value), namespace)
        expected = ast.literal_eval(comment[1])
        if hasattr(value, "shape") and isinstance(expected, tuple):
            value = tuple(value.shape)
        if isinstance(value, tuple) and hasattr(value[0], "shape"):
            value = tuple(tuple(part.shape) for part in value)
            more = re.findall(r"\(\d[\d, ]*\)", comment[2])
            expected = (expected, *map(ast.literal_eval, more))
        if not isinstance(value, tuple) or isinstance(value[0], int):
            assert value == expected, line


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.usefixtures("_little_training", "_small_frozen_datasets")
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_of_a_page(page):
    code = blocks(page, "python")
    assert code
    namespace = {}
    for block in code:
        run(block, name_of(page), namespace)
    if page.name == "README.md":
        # The program that was learned follows pointers on larger tapes.
        tape = np.random.default_rng(1).integers(1, 30, (200, 30))
        answer = namespace["program"].run(tape, num_steps=3)[:, 0]
        assert np.array_equal(answer, tape[np.arange(200), tape[:, 0]])


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(blocks(DOCS / "guides/runtimes.md", "python"))))
def test_code_of_the_guide_to_runtimes(index):
    block = blocks(DOCS / "guides/runtimes.md", "python")[index]
    for module in re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE):
        pytest.importorskip(module)
    x = keras.Input((None, 9))
    y = keras_nm.layers.NTM(8, memory_shape=(8, 4), return_sequences=True)(x)
    keras_nm.export.export(keras.Model(x, y), "exported/copy")
    if "sequence.onnx" in block:
        command = "-m tf2onnx.convert --saved-model exported/copy/1 --tag serve"
        command += " --signature_def sequence --opset 18 --output sequence.onnx"
        subprocess.run([sys.executable, *command.split()], check=True)
    exec(compile(block, "docs/guides/runtimes.md", "exec"), {})


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built with warnings as errors, and with its notebooks run."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    command += ["-D", "nb_execution_mode=force", "-d", folder / "doctrees"]
    done = subprocess.run([*command, DOCS, folder / "html"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    return folder / "html"


@pytest.mark.slow
def test_site(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    # A reader needs no network: everything that a page loads is in the site.
    for page in pages:
        loaded = re.findall(
            r"<(?:script|img|link rel=\"stylesheet\")[^>]*?(?:src|href)=\"([^\"]*)\"",
            page.read_text(),
        )
        outside = [link for link in loaded if re.match(r"(\w+:)?//", link)]
        assert not outside, (page, outside)


@pytest.mark.slow
def test_tutorials_as_notebooks(site):
    copy = (site / "tutorials" / "ntm.html").read_text()
    assert "100 vectors: 0.0 wrong bits" in copy
    assert re.search(r"intact: +\[0 0 0 0 0 0 0 0 0 0\]", copy)
    assert re.search(r"wiped: +\[0 0 [1-8] 0 0 0 0 0 0 0\]", copy)
    assert copy.count("data:image/png") + copy.count("_images/") >= 1
    program = (site / "tutorials" / "nram.html").read_text()
    assert "0 wrong answers in two steps" in program


def anchors(path):
    """Returns the anchors of a page's headings, as GitHub and the site make them."""
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("page", ALL_PAGES, ids=name_of)
def test_links(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link) or "models/index" in link:  # made with the site
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(path), link


def commands(page):
    """Returns the arguments of every `keras-nm` command on a page."""
    shell = "\n".join(blocks(page, "sh")).replace("\\\n", " ")
    for line in shell.splitlines():
        _, is_command, arguments = line.partition("keras-nm ")
        if is_command:
            words = shlex.split(arguments, comments=True)
            yield [word for word in words if word != "&"]


@pytest.mark.parametrize(
    "page", [page for page in ALL_PAGES if list(commands(page))], ids=name_of
)
def test_commands_of_a_page(page):
    """The arguments are known, and tasks and layers have recipes."""
    for arguments in commands(page):
        if arguments[0].startswith("-"):  # --version
            continue
        options = make_parser().parse_args(arguments)
        if hasattr(options, "task"):
            recipes = keras_nm.training.RECIPES[options.task]
            layers = getattr(options, "layers", None) or [getattr(options, "layer", None)]
            assert set(layers) <= {None, *recipes}
