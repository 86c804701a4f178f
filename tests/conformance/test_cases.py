"""No machine is left out of the tests in this folder."""

import pytest
import toy_machine
from machine_cases import CASES, ONE_PER_MACHINE

from keras_nm.machines import MACHINES

ROWS = {**MACHINES, "ToyMachine": toy_machine.ROW}


@pytest.mark.parametrize("name", ROWS)
def test_every_machine_has_a_case(name):
    layers = [type(case.make()) for case in CASES.values()]
    assert ROWS[name].layer in layers
    assert layers == [case.layer for case in CASES.values()]


def test_one_case_per_machine_is_its_first():
    assert ONE_PER_MACHINE == [
        "lstm_ntm",
        "lstm_dnc",
        "stack_rnn",
        "tape_rnn",
        "npi",
        "toy",
        "dense_nram",
        "neural_gpu",
    ]
