"""Pages of exported models, in a browser: they show what TensorFlow computes."""

import dataclasses
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf
from small_models import card_of
from toy_machine import ROW, ToyMachine

from keras_nm.export import export
from keras_nm.layers import NRAM, NTM, NeuralGPU, StackRNN, TapeRNN
from keras_nm.machines import MACHINES
from keras_nm.page import write_page
from keras_nm.plots.plate import focused_locations
from keras_nm.tasks import TASKS

pytestmark = pytest.mark.slow

TOLERANCE = 5e-5
COPIER = Path(__file__).parents[2] / "saved_models" / "ntm_copy"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def repeater():
    """An NTM that answers nonsense, with two heads of each kind."""
    task = TASKS["ntm/repeat_copy"].make(max_length=3, max_repeats=2, num_bits=3)
    x = keras.Input((None, task.input_size))
    layer = NTM(
        task.output_size,
        (9, 4),
        keras.layers.GRUCell(5),
        num_read_heads=2,
        num_write_heads=2,
        step_order="write_first",
        return_sequences=True,
        name="memory",
    )
    model = keras.Model(x, layer(x))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    options = {"min_length": 1, "max_length": 3, "max_repeats": 2, "num_bits": 3}
    return model, card_of(layer) | {"task": "ntm/repeat_copy", "task_options": options}


def stateful_machine():
    """An NRAM without a program: its controller has states."""
    keras.utils.set_random_seed(3)
    gates = ["READ", "INC", "ADD", "WRITE"]
    layer = NRAM(2, 4, controller=keras.layers.LSTMCell(4), gates=gates)
    model = small_models.on_tapes(layer)
    for weight in model.weights:
        weight.assign(keras.random.normal(weight.shape))
    return model, card_of(layer)


def toy():
    """A machine of which the page knows nothing but the names of its states."""
    task = TASKS["ntm/copy"].make(max_length=4, num_bits=3)
    x = keras.Input((None, task.input_size))
    layer = ToyMachine(task.output_size, return_sequences=True, name="toy")
    model = keras.Model(x, layer(x))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    options = {"min_length": 1, "max_length": 4, "num_bits": 3}
    return model, card_of(layer) | {"task": "ntm/copy", "task_options": options}


def reverser():
    """A Stack-RNN that answers classes."""
    task = TASKS["chomsky/reverse_string"].make(max_length=4)
    layer = StackRNN(
        task.output_size,
        (9, 3),
        num_stacks=2,
        controller=keras.layers.SimpleRNNCell(5),
        actions="discrete",
        return_sequences=True,
        name="stacks",
    )
    return on_task("chomsky/reverse_string", task, layer)


def duplicator():
    """A Tape-RNN that answers classes, as probabilities, with jumps."""
    task = TASKS["chomsky/duplicate_string"].make(max_length=4, length_channel=True)
    layer = TapeRNN(
        task.output_size,
        (9, 3),
        moves=("stay", "left", "right", "jump_left", "jump_right"),
        length_channel=-1,
        controller=keras.layers.SimpleRNNCell(5),
        write_units=(8,),
        activation="softmax",
        return_sequences=True,
        name="tape",
    )
    return on_task("chomsky/duplicate_string", task, layer)


def adder():
    """A Neural GPU that adds, badly."""
    task = TASKS["neural_gpu/binary_addition"].make(max_length=7)
    layer = NeuralGPU(task.output_size, num_maps=70, name="machine")
    return on_task("neural_gpu/binary_addition", task, layer)


def on_task(name, task, layer):
    x = keras.Input((None, task.input_size))
    model = small_models.randomized(keras.Model(x, layer(x)))
    options = {"task": name, "task_options": dataclasses.asdict(task)}
    return model, card_of(layer) | options


def predictor():
    """A machine that answers classes."""
    keras.utils.set_random_seed(4)
    task = TASKS["stack/anbncn"].make(max_length=4)
    x = keras.Input((None, task.input_size))
    layer = ToyMachine(8, return_sequences=True, name="toy")
    model = keras.Model(x, keras.layers.Dense(task.output_size)(layer(x)))
    options = {"min_length": 1, "max_length": 4}
    return model, card_of(layer) | {"task": "stack/anbncn", "task_options": options}


@pytest.fixture(scope="module")
def models(tmp_path_factory, exported_walker):
    directory = tmp_path_factory.mktemp("models")
    for make in (repeater, stateful_machine, toy, predictor, reverser, duplicator, adder):
        model, card = make()
        export(model, directory / make.__name__, card=card)
    (directory / "walker").symlink_to(exported_walker)
    (directory / "ntm_copy").symlink_to(COPIER)
    (directory / "a file").touch()
    return directory


@pytest.fixture(scope="module")
def steps(models):
    """From a name, a function that runs a step, and the first states, in TensorFlow."""
    loaded = {}

    def find(name):
        if name not in loaded:
            path = max((models / name).glob("[0-9]*"), key=lambda path: int(path.name))
            loaded[name] = tf.saved_model.load(path)
        return loaded[name].signatures

    return find


@pytest.fixture(scope="module")
def page_file(models, tmp_path_factory):
    if shutil.which("npm") is None:
        pytest.skip("a page takes its runtime from npm, which is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MACHINES, "ToyMachine", ROW)
        return write_page(models, tmp_path_factory.mktemp("page") / "new" / "index.html")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    found = [path for path in map(shutil.which, BROWSERS) if path]
    if not found:
        pytest.skip(f"pages are tested in a browser: one of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found[0], args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(browser, page_file):
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    tab.set_default_timeout(20_000)
    tab.problems = []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("console", lambda message: tab.problems.append(message.text))
    local = ("file:", "blob:", "data:")
    tab.on("request", lambda r: r.url.startswith(local) or tab.problems.append(r.url))
    tab.goto(page_file.as_uri())
    return tab


@pytest.fixture
def open_model(tab):
    """Opens a model; in the end, there must have been no error, nor any request."""

    def open_model(name):
        tab.locator("nav a", has_text=name).click()
        tab.locator("h2", has_text=name).wait_for()
        return tab

    tab.problems.clear()  # those of an earlier test are reported there
    yield open_model
    assert tab.problems == []


def run(tab):
    tab.get_by_role("button", name="Run").click()
    tab.locator("[data-run=done]").wait_for()


def go(tab, step):
    tab.get_by_label("Step", exact=True).fill(str(step))


def text_of(tab, class_name):
    return tab.locator(f".{class_name}").inner_text()


def shown(tab, title):
    """What a picture shows."""
    return tab.locator(f'canvas[data-picture="{title}"]').evaluate("x => x.shown")


def assert_close(values, expected):
    np.testing.assert_allclose(np.array(values), expected, rtol=0, atol=TOLERANCE)


def expected_steps(signatures, x, prefix, read_heads, width):
    """Outputs, memory (width, N), weightings of both kinds and reads, after every step."""
    states = signatures["initial_state"](batch_size=tf.constant(1))
    for row in x:
        inputs = tf.constant(row[None], tf.float32)
        states = dict(signatures["step"](inputs=inputs, **states))
        outputs = states.pop("outputs")[0]
        memory = states[f"{prefix}_memory"].numpy().reshape(width, -1)
        weightings = states[f"{prefix}_weightings"].numpy().reshape(-1, memory.shape[1])
        yield {
            "outputs": tf.sigmoid(outputs).numpy(),
            "memory": memory,
            "read": weightings[:read_heads],
            "write": weightings[read_heads:],
            "reads": states[f"{prefix}_reads"].numpy().reshape(read_heads, width),
        }


def check_memory(tab, expected, look_at):
    """Compares the memory and what is beside it at some steps."""
    for step in look_at:
        go(tab, step)
        picture = shown(tab, "Memory")
        assert_close(picture["memory"], expected[step]["memory"])
        assert_close(picture["reads"], expected[step]["reads"])
        heads = [head["weighting"] for head in picture["heads"]]
        both = np.concatenate([expected[step]["read"], expected[step]["write"]])
        assert_close(heads, both)
        assert shown(tab, "Inputs")["step"] == step
        assert f"Step {step + 1} of {len(expected)}." in text_of(tab, "caption")


def titles(kind, expected):
    count = len(expected[0][kind])
    title = f"{kind.capitalize()} weighting"
    return [title] if count == 1 else [f"{title} {index + 1}" for index in range(count)]


def check_weightings(tab, expected):
    for kind in ("read", "write"):
        for head, title in enumerate(titles(kind, expected)):
            over_time = np.stack([step[kind][head] for step in expected], axis=1)
            assert_close(shown(tab, title)["values"], over_time)


@pytest.mark.parametrize("length", [3, 20])
def test_copying(open_model, steps, rng, length):
    tab = open_model("ntm_copy")
    bits = rng.integers(0, 2, (length, 8))
    if not tab.locator("textarea").is_visible():
        tab.get_by_text("Type the bits").click()
    tab.locator("textarea").fill("\n".join("".join(map(str, row)) for row in bits))
    run(tab)
    tab.get_by_label("Show all 128 locations").check()

    x = np.zeros((2 * length + 1, 9))
    x[:length, :8] = bits
    x[length, 8] = 1
    expected = list(expected_steps(steps("ntm_copy"), x, "machine", 1, 20))
    assert np.array_equal(shown(tab, "Inputs")["values"], x.T)
    outputs = np.stack([step["outputs"] for step in expected], axis=1)
    assert_close(shown(tab, "Outputs")["values"], outputs)
    check_weightings(tab, expected)
    check_memory(tab, expected, (0, 1, length, length + 2, 2 * length))
    assert np.array_equal(outputs[:, length + 1 :] > 0.5, bits.T)  # it can copy
    verdict = text_of(tab, "verdict")
    assert verdict == f"All {8 * length} bits of the answer are right."

    # Of the ring of locations, the part that the figures in Python show.
    tab.get_by_label("Show all 128 locations").uncheck()
    both = [np.stack([step[kind] for step in expected]) for kind in ("write", "read")]
    places = focused_locations(*both) % 128
    assert len(places) < 60
    assert_close(shown(tab, "Memory")["memory"], expected[-1]["memory"][:, places])


def test_bits_are_clicked(open_model):
    tab = open_model("ntm_copy")
    count = tab.get_by_label("Vectors")
    count.fill("2")
    tab.get_by_role("button", name="Clear").click()
    tab.get_by_title("Vector 2, bit 3").click()
    assert tab.locator("textarea").input_value() == "00000000\n00100000"
    tab.get_by_title("Vector 2, bit 3").click()
    tab.get_by_title("Vector 1, bit 8").click()
    run(tab)
    assert np.flatnonzero(shown(tab, "Inputs")["values"]).tolist() == [7 * 5, 8 * 5 + 2]
    tab.get_by_role("button", name="Random").click()
    assert "1" in tab.locator("textarea").input_value()
    count.fill("5")
    count.blur()
    assert len(tab.locator("textarea").input_value().splitlines()) == 5


def test_a_bit_that_is_clicked_during_a_run_is_of_the_next_one(open_model):
    tab = open_model("ntm_copy")
    tab.get_by_label("Vectors").fill("2")
    tab.get_by_role("button", name="Clear").click()
    run_button = tab.get_by_role("button", name="Run").element_handle()
    press = """(bit, run) => {
        bit.scrollIntoView({ behavior: "instant", block: "center" });
        const { x, y } = bit.getBoundingClientRect();
        const place = { bubbles: true, clientX: x + 2, clientY: y + 2 };
        run.click();  // which draws the bits again
        const drawn = document.elementFromPoint(x + 2, y + 2);
        drawn.dispatchEvent(new PointerEvent("pointerdown", place));
        window.dispatchEvent(new PointerEvent("pointerup"));
    }"""
    tab.get_by_title("Vector 1, bit 1").evaluate(press, run_button)
    tab.locator("[data-run=done]").wait_for()
    assert "1" in tab.locator("textarea").input_value()
    assert text_of(tab, "verdict") == "All 16 bits of the answer are right."


def test_keys_buttons_pictures_and_play_move_through_time(open_model):
    tab = open_model("ntm_copy")
    tab.get_by_label("Vectors").fill("1")
    run(tab)
    tab.locator("h2").click()
    tab.keyboard.press("ArrowRight")
    assert shown(tab, "Outputs")["step"] == 1
    tab.get_by_label("One step forward").click()
    tab.keyboard.press("ArrowRight")  # there is no other step
    assert shown(tab, "Outputs")["step"] == 2
    tab.get_by_label("One step back").click()
    assert shown(tab, "Outputs")["step"] == 1
    tab.locator('canvas[data-picture="Inputs"]').click(position={"x": 72, "y": 20})
    assert shown(tab, "Outputs")["step"] == 0
    tab.get_by_role("button", name="Play").click()
    tab.locator(".caption", has_text="Step 3 of 3").wait_for()
    tab.get_by_role("button", name="Play").wait_for()


def test_another_task_and_several_heads(open_model, steps, models):
    tab = open_model("repeater")
    task = TASKS["ntm/repeat_copy"].make(max_length=3, max_repeats=2, num_bits=3)
    x, y, weight = (a.numpy()[0] for a in next(iter(task.evaluation_set(2, 1, 1))))
    end = 1 + np.flatnonzero(weight)[-1]
    x, y, weight = np.round(x[:end], 4), y[:end], weight[:end]
    run(tab)

    expected = list(expected_steps(steps("repeater"), x, "memory", 2, 4))
    assert_close(shown(tab, "Inputs")["values"], x.T)
    outputs = np.stack([step["outputs"] for step in expected])
    assert_close(shown(tab, "Outputs")["values"], outputs.T)
    tab.get_by_label("Show all 9 locations").check()
    check_weightings(tab, expected)
    check_memory(tab, expected, range(len(x)))
    wrong = ((outputs > 0.5) != (y > 0.5))[weight > 0]
    assert wrong.sum() > 0
    verdict = text_of(tab, "verdict")
    assert verdict.startswith(f"{wrong.sum()} of the {wrong.size} bits")

    tab.locator("textarea").fill("1 0 0.5 0 0\n0 0 0 1 0")
    run(tab)
    assert len(shown(tab, "Inputs")["values"][0]) == 2
    assert "is known for the unchanged examples only" in text_of(tab, "verdict")


def test_a_machine_that_answers_tokens(open_model, steps):
    tab = open_model("predictor")
    run(tab)
    x = np.eye(3)[[0, 0, 1, 1, 2, 2]]
    answer = np.array([1, 2, 2, 0])  # after the first b
    assert np.array_equal(shown(tab, "Inputs")["values"], x.T)
    signatures = steps("predictor")
    states = signatures["initial_state"](batch_size=tf.constant(1))
    outputs = []
    for row in x:
        inputs = tf.constant(row[None], tf.float32)
        states = dict(signatures["step"](inputs=inputs, **states))
        outputs.append(tf.nn.softmax(states.pop("outputs")[0]).numpy())
    assert_close(shown(tab, "Outputs")["values"], np.transpose(outputs))
    is_wrong = np.argmax(outputs[2:], axis=1) != answer
    assert 0 < is_wrong.sum() < 4
    assert text_of(tab, "verdict").startswith(f"{is_wrong.sum()} of the 4 tokens")
    for step, wrong in enumerate(is_wrong, start=2):
        go(tab, step)
        words = "1 token wrong" if wrong else "all tokens right"
        assert f"An answer, {words}." in text_of(tab, "caption")


@pytest.mark.parametrize(
    ("name", "state", "activation"),
    [("reverser", "stacks_stacks", tf.nn.softmax), ("duplicator", "tape_tapes", None)],
)
def test_stacks_and_tapes(open_model, steps, name, state, activation):
    """Their outputs and what they hold are those in TensorFlow."""
    tab = open_model(name)
    run(tab)
    x = np.transpose(shown(tab, "Inputs")["values"])
    assert len(x) == {"reverser": 4, "duplicator": 6}[name]  # of two symbols
    signatures = steps(name)
    states = signatures["initial_state"](batch_size=tf.constant(1))
    outputs, held = [], []
    for row in x:
        inputs = tf.constant(row[None], tf.float32)
        states = dict(signatures["step"](inputs=inputs, **states))
        outputs.append(states.pop("outputs")[0].numpy())
        held.append(states[state][0].numpy())
    outputs = np.array(outputs)
    if activation is not None:
        outputs = activation(outputs).numpy()
    np.testing.assert_allclose(outputs.sum(axis=1), np.ones(len(x)), rtol=1e-5)
    assert_close(shown(tab, "Outputs")["values"], outputs.T)
    assert_close(shown(tab, state)["values"], np.transpose(held))
    go(tab, 1)
    assert shown(tab, state)["step"] == 1


def test_a_neural_gpu(open_model, steps):
    """After every step, its answer and its state are those in TensorFlow."""
    tab = open_model("adder")
    tab.get_by_label("Example").select_option("5 positions")
    run(tab)
    x = np.transpose(shown(tab, "Inputs")["values"]).astype("float32")
    assert x.shape == (5, 3)
    state, states, outputs = tf.zeros((1, 5, 1, 70)), [], []
    for time in range(5):
        result = steps("adder")["step"](inputs=x[None], state=state, time=tf.constant(time))
        state = result["state"]
        states.append(state[0, :, 0].numpy())
        outputs.append(tf.nn.softmax(result["outputs"][0]).numpy())
    answers = outputs[-1].argmax(axis=1)
    came = shown(tab, "How the answer came about")["values"]
    assert_close(came, [[o[p, c] for o in outputs] for p, c in enumerate(answers)])
    change = np.ptp(np.stack(states), axis=(0, 1))
    liveliest = np.sort(np.argsort(-change, kind="stable")[:64])
    for time in (0, 3):
        go(tab, time)
        assert_close(shown(tab, "Outputs")["values"], outputs[time].T)
        assert_close(shown(tab, "State")["values"], states[time][:, liveliest].T)
    assert re.fullmatch(
        r"\d of the 5 tokens of the answer are wrong: they are crossed out\.",
        text_of(tab, "verdict"),
    )


def test_a_neural_gpu_at_many_positions(open_model):
    tab = open_model("adder")
    if not tab.locator("textarea").is_visible():
        tab.get_by_text("Type the").click()
    tab.locator("textarea").fill("\n".join(["1 0 0"] * 400))
    run(tab)
    assert text_of(tab, "caption") == "Step 1 of 400."


def test_a_machine_of_any_kind(open_model, steps, rng):
    """Its inputs, outputs and states are those in TensorFlow."""
    tab = open_model("toy")
    bits = rng.integers(0, 2, (3, 3))
    tab.get_by_text("Type the bits").click()
    tab.locator("textarea").fill("\n".join("".join(map(str, row)) for row in bits))
    run(tab)
    x = np.zeros((7, 4))
    x[:3, :3] = bits
    x[3, 3] = 1
    assert np.array_equal(shown(tab, "Inputs")["values"], x.T)
    signatures = steps("toy")
    states = signatures["initial_state"](batch_size=tf.constant(1))
    outputs, totals = [], []
    for row in x:
        inputs = tf.constant(row[None], tf.float32)
        states = dict(signatures["step"](inputs=inputs, **states))
        outputs.append(tf.sigmoid(states.pop("outputs")[0]).numpy())
        totals.append(states["toy_total"][0].numpy())
    assert_close(shown(tab, "Outputs")["values"], np.transpose(outputs))
    assert_close(shown(tab, "toy_total")["values"], np.transpose(totals))
    wrong = int(((np.array(outputs[4:]) > 0.5) != bits).sum())
    assert 0 < wrong < 9
    assert text_of(tab, "verdict").startswith(f"{wrong} of the 9 bits")
    go(tab, 2)
    assert shown(tab, "toy_total")["step"] == 2
    assert "It sees vector 3." in text_of(tab, "caption")


def numbers(tab, selector):
    return [int(text) for text in tab.locator(selector).all_text_contents()]


def check_tape(tab, step, tape, num_steps, states):
    """Runs a tape and compares every step. Yields registers before it, and outputs."""
    tab.locator("textarea").fill(" ".join(map(str, tape)))
    tab.get_by_label("Steps at most").fill(str(num_steps))
    run(tab)
    states = {"tape": tf.constant([tape], tf.int32), **states}
    count = 0
    stopped = False
    while not stopped and count < num_steps:
        registers = states["registers"].numpy()[0]
        states = dict(step(**states))
        outputs = states.pop("outputs").numpy()[0]
        stopped = bool(states.pop("stop")[0])
        go(tab, count)
        after = [states[name][0].numpy().tolist() for name in ("tape", "registers")]
        assert numbers(tab, "[data-cell] .box") == after[0]
        assert numbers(tab, "div[data-register] .box") == after[1]
        assert numbers(tab, "tr.now td") == after[0] + after[1]
        yield registers, outputs
        count += 1
    end = "stopped by itself after" if stopped else "ran for the"
    assert f"{end} {count} step" in text_of(tab, "verdict")
    assert int(tab.get_by_label("Step", exact=True).get_attribute("max")) == count - 1


WALKS = [
    ([6, 2, 3, 0, 0, 7, 8, 9, 4, 5], 9),
    ([6, 2, 3, 0, 0, 7, 8, 9, 4, 5], 2),  # too few
    ([3, 0, 2, 0, 3], 5),
    ([0, 0, 0], 4),
    ([7, 7, 7, 7, 7, 7, 7, 7], 6),
]


@pytest.mark.parametrize(("tape", "num_steps"), WALKS)
def test_walking_along_a_list(open_model, steps, tape, num_steps):
    tab = open_model("walker")
    step = steps("walker")["step"]
    states = {"registers": tf.zeros((1, 2), tf.int32)}
    for registers, outputs in check_tape(tab, step, tape, num_steps, states):
        # The block that is marked is the one whose condition holds.
        block = tab.locator("[aria-current=step]")
        assert block.count() == 1
        condition, *lines = block.inner_text().splitlines()
        condition = condition.rstrip(":").replace("=", "==")
        assert eval(condition, {"r1": registers[0], "r2": registers[1]})
        # In the picture are the gates of the block, each with its value.
        gates = [line.strip().split("(")[0] for line in lines if line.endswith(")")]
        for name in gates:
            value = numbers(tab, f'[data-gate="{name}"] .value')
            assert value == [outputs[list(small_models.WALKER.sequence).index(name)]]
        assert tab.locator("[data-gate]").count() == len(gates)
        for name in tab.locator("[data-register] .name, [data-next] .name").all():
            assert re.fullmatch(r"r[12]", name.text_content())
        after = numbers(tab, "[data-register] .box")
        for node in tab.locator("[data-next]").all():
            name, value = node.locator("text").all_text_contents()
            assert int(value) == after[int(name[1]) - 1]
        for node in tab.locator("g[data-register]").all():
            name, value = node.locator("text").all_text_contents()
            assert int(value) == registers[int(name[1]) - 1]


def test_what_a_step_changes_is_marked(open_model):
    tab = open_model("walker")
    tab.locator("textarea").fill("6 2 3 0 0 7 8 9 4 5")
    tab.get_by_label("Steps at most").fill("4")
    run(tab)
    go(tab, 3)
    assert numbers(tab, "[data-cell].changed .box") == [7]
    assert tab.locator("[data-cell].changed").get_attribute("data-cell") == "3"
    assert "Cell 3 becomes 7." in text_of(tab, "caption")
    assert "The machine stops." in text_of(tab, "caption")
    reads = [
        cell.get_attribute("data-cell") for cell in tab.locator("[data-cell].read").all()
    ]
    assert reads == ["2", "5"]
    tab.locator("table tr").nth(2).click()  # after the first step
    assert "Step 1 of 4." in text_of(tab, "caption")
    assert tab.locator("[data-cell].changed").count() == 0


def test_examples_come_with_their_answers(open_model):
    tab = open_model("walker")
    examples = tab.get_by_label("Example").locator("option").all_inner_texts()
    assert examples[:3] == ["2 nodes, tape 1", "2 nodes, tape 2", "4 nodes, tape 1"]
    for example in examples:
        tab.get_by_label("Example").select_option(example)
        run(tab)
        assert re.search(
            r"The answer in cell \d+, \d+, is right\.", text_of(tab, "verdict")
        )


def test_a_machine_without_a_program(open_model, steps):
    tab = open_model("stateful_machine")
    step = steps("stateful_machine")["step"]
    states = {"registers": tf.zeros((1, 2), tf.int32)}
    for index in range(2):
        states[f"controller_state_{index}"] = tf.zeros((1, 4))
    assert list(check_tape(tab, step, [1, 4, 2, 0, 3, 3], 4, states))
    assert tab.locator("[data-gate]").count() == 0
    assert tab.get_by_text("Program").count() == 0


WRONG = [
    ("walker", "textarea", "", "The tape must have 3 to 100 cells, and it has none."),
    ("walker", "textarea", "1 2", "The tape must have 3 to 100 cells, and it has 2."),
    ("walker", "textarea", "1 b 2", "Cell 1 of a tape of 3 must be an integer from 0 to 2"),
    ("walker", "textarea", "1 0 3", "Cell 2 of a tape of 3 must be an integer from 0 to"),
    (
        "walker",
        "textarea",
        "1 0 -1",
        "Cell 2 of a tape of 3 must be an integer from 0 to",
    ),
    ("walker", "textarea", "1 0 1.5", "from 0 to 2, and it is “1.5”."),
    ("walker", "textarea", "0 " * 101, "to 100 cells, and it has 101."),
    ("walker", "input.short", "x", "The number of steps must be an integer from 1 to 500"),
    ("walker", "input.short", "", "from 1 to 500, and it is empty."),
    ("walker", "input.short", "501", "from 1 to 500, and it is “501”."),
    (
        "ntm_copy",
        "input.short",
        "31",
        "The number of vectors must be an integer from 1 to",
    ),
    ("ntm_copy", "input.short", "many", "from 1 to 30, and it is “many”."),
    ("ntm_copy", "textarea", "0101", "Vector 1 must be 8 bits, each 0 or 1"),
    ("ntm_copy", "textarea", "01010101\n0101010x", "Vector 2 must be 8 bits, each 0 or 1"),
    ("ntm_copy", "textarea", "", "There must be 1 to 30 vectors, and there are 0."),
    ("repeater", "textarea", "1 2 3", "Time step 1 must be 5 numbers, and it is “1 2 3”."),
    ("repeater", "textarea", "0 0 0 0 a", "Time step 1 must be 5 numbers"),
    ("repeater", "textarea", " ", "There must be 1 to 500 time steps, and there are 0."),
]


@pytest.mark.parametrize("name", ["walker", "ntm_copy", "repeater"])
def test_wrong_input_is_explained(open_model, name):
    tab = open_model(name)
    if not tab.locator("textarea").is_visible():
        tab.get_by_text("Type the bits").click()
    for model, selector, text, message in WRONG:
        if model != name:
            continue
        field = tab.locator(f"form {selector}")
        right = field.input_value()
        field.fill(text)
        tab.get_by_role("button", name="Run").click()
        tab.get_by_role("alert").filter(has_text=message).wait_for()
        field.fill(right)
    run(tab)
    assert tab.get_by_role("alert").inner_text() == ""


def test_narrow_and_wide(open_model, models):
    for width in (400, 1400):
        for name in sorted(path.name for path in models.iterdir() if path.is_dir()):
            tab = open_model(name)
            tab.set_viewport_size({"width": width, "height": 900})
            run(tab)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            for canvas in tab.locator("canvas").all():
                assert canvas.bounding_box()["width"] > 300


def test_an_address_names_a_model(browser, page_file):
    tab = browser.new_page()
    tab.goto(f"{page_file.as_uri()}#walker")
    assert tab.locator("h2").inner_text() == "walker"
    assert tab.locator("[aria-current=page] strong").inner_text() == "walker"
    tab.close()


def test_a_machine_is_loaded_again_if_that_failed(browser, page_file):
    tab = browser.new_page()
    tab.goto(f"{page_file.as_uri()}#walker")
    tab.evaluate("() => { original = DecompressionStream; DecompressionStream = null; }")
    tab.get_by_role("button", name="Run").click()
    tab.get_by_role("alert").filter(has_text="cannot run the machine").wait_for()
    tab.evaluate("() => { DecompressionStream = original; }")
    run(tab)
    assert tab.get_by_role("alert").inner_text() == ""
    tab.close()


def test_the_page_holds_the_licence_and_no_address(page_file):
    text = page_file.read_text(encoding="utf-8")
    assert "Copyright (c) Microsoft Corporation" in text
    assert not re.findall(r"""(?:src|href)=["']?(?!#|data:)[^"' >]+""", text)
