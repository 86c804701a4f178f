"""The rules of the house, as CONTRIBUTING gives them."""

import pytest
import structure

from keras_nm.machines import MACHINES


def test_every_module_is_in_a_room():
    rooms = {structure.room_of(module) for module in structure.modules()}
    assert rooms == set(structure.ROOMS)


def test_no_import_goes_back_up():
    assert structure.arrows_up() == []


def test_no_module_imports_itself_by_way_of_others():
    assert structure.circles() == []


def test_questions_about_all_machines_are_found():
    assert set(MACHINES) == structure.MACHINES


def test_no_room_asks_which_machine_it_is():
    assert structure.questions() == []


@pytest.mark.parametrize(
    "source",
    [
        "isinstance(layer, NTM)",
        "isinstance(task, keras_nm.tasks.TapeTask)",
        "layer['class_name'] == name",
        "type(layer).__name__ == 'NRAM'",
        "type(layer) is layers.NTM",
        "task.startswith('nram/')",
        "family == 'ntm'",
        "'wrong_cells' in metrics",
        "np.ndim(y) == 3",
        "y.ndim != 3",
    ],
)
def test_questions_are_found(source):
    assert structure.questions_in(source) == [1]


def test_files_hold_one_thing():
    assert {m for m, n in structure.lines().items() if n > 500} == set()
