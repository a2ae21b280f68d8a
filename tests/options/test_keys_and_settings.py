import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdseg.errors import TdsegError
from tdseg.options.declare import index_of
from tdseg.options.settings import Settings, parse_numbers


def test_settings_survive_json():
    settings = Settings(features="deep", classical=["gaussian", "sobel"], shifts=2, flips=False)
    again = Settings.from_mapping(json.loads(json.dumps(settings.to_dict())))
    assert again == settings
    assert again.classical == "gaussian,sobel"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"features": "hybird"}, ["features", "hybird", "hybrid"]),
        ({"trees": 0}, ["trees", "0"]),
        ({"trees": 2.5}, ["trees"]),
        ({"seed": -1}, ["seed"]),
        ({"balance": "maybe"}, ["balance"]),
        ({"sigma_min": 8, "sigma_max": 2}, ["sigma_max", "sigma_min"]),
        ({"sigma_min": 0}, ["sigma_min"]),
        ({"channels": "red"}, ["channels", "red"]),
        ({"memory_limit": "lots"}, ["memory_limit", "auto"]),
        ({"colour": 1}, ["colour", "Valid keys", "channels"]),
    ],
)
def test_wrong_values_are_named(values, words):
    with pytest.raises(TdsegError) as caught:
        Settings.from_mapping(values)
    assert all(word in str(caught.value) for word in words)


@given(st.floats(0.05, 1e6), st.integers(0, 2**31 - 1))
def test_numbers_are_written_so_that_they_read_back(limit, seed):
    for name, value in (("memory_limit", limit), ("seed", seed)):
        key = index_of(Settings)[name]
        assert key.parse(key.format(value).partition("=")[2]) == value


def test_number_lists():
    assert parse_numbers("all", 3, "channels", "channels") == [0, 1, 2]
    assert parse_numbers("3,1-2", 3, "channels", "channels") == [2, 0, 1]
    with pytest.raises(TdsegError, match="'4' is not among the 3"):
        parse_numbers("1,4", 3, "channels", "channels")
