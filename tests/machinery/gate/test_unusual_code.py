"""Which lines of a feature function a reviewer is pointed to."""

from pathlib import Path

import pytest

from lifecycle.core.config import Params
from lifecycle.gate.unusual_code import unusual


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import numpy as np, pandas as pd", []),
        ("from sklearn.preprocessing import OneHotEncoder", []),
        ("from lifecycle.core.category_codes import CategoryCodes", []),
        ("from lifecycle.core.entity_history import lag, rolling", []),
        ("frame = frame.assign(a=frame['a'].str.len()).set_index('id')", []),
        ("frame['a'] = 1", []),
        ("import os", ["imports os"]),
        ("from lifecycle.core import metrics", ["imports lifecycle.core"]),
        ("from subprocess import run", ["imports subprocess"]),
        ("import numpy, sys.x", ["imports sys.x"]),
        ("exec('x')", ["uses exec"]),
        ("f = open", ["uses open"]),
        ("frame.__class__", ["uses __class__"]),
        ("import pandas as pd; pd.read_parquet('data/features/test.parquet')", ["uses pd.read_parquet"]),
        ("import pandas as pd; pd.io.common.os.system('x')", ["uses pd.io"]),
        ("import numpy as np; np.load('x')", ["uses np.load"]),
        ("import pandas as p; p.read_csv('x')", ["uses p.read_csv"]),
        ("from pandas import read_parquet as frame", ["imports pandas.read_parquet"]),
        ("import typing; typing.sys.modules", ["uses typing.sys"]),
        ("from typing import sys", ["imports typing.sys"]),
        ("from sklearn.utils import *", ["imports sklearn.utils.*"]),
        ("frame.to_csv('metrics/test.json')", ["uses to_csv"]),
        ("predict.predict = better", ["sets predict.predict"]),
        ("(predict.predict, x) = better", ["sets predict.predict"]),
        ("for pd.DataFrame.merge in better: pass", ["sets pd.DataFrame.merge"]),
        ("def f(:", ["is not valid Python"]),
    ],
)
def test_what_a_feature_has_no_need_for_is_named_with_its_line(line: str, says: list[str]) -> None:
    lines = unusual(f'"""A docstring."""\n{line}\n'.encode(), "features.py")

    if says == ["is not valid Python"]:
        assert lines[0].startswith("features.py is not valid Python: ")
    else:
        assert lines == [f"features.py, line 2: {what}" for what in says]


def test_the_users_own_code_as_it_is_has_nothing_unusual(params: Params) -> None:
    for name in ("features", "model"):
        assert unusual(Path(f"src/{params.package}/{name}.py").read_bytes(), name) == []


def test_code_that_an_encoding_hides_in_a_comment_is_named() -> None:
    source = b"# coding: utf-7\n# +AAo-import os\n"

    assert b"import os" not in source.splitlines()
    assert unusual(source, "features.py") == ["features.py, line 3: imports os"]
