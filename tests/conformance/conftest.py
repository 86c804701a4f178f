import pytest
from machine_cases import ALL_GATES, CASES


@pytest.fixture(params=CASES)
def case(request):
    return (CASES | ALL_GATES)[request.param]


@pytest.fixture
def inputs(case, rng):
    return case.inputs(rng)
