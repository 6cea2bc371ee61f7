from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from lifecycle.core import contract
from lifecycle.core.config import Params
from lifecycle.pipeline.contract_draft import draft


def failed(frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params) -> set[tuple[str, str]]:
    records = contract.validate(frame, schema, params.data.id)
    return {(record["column"], record["check"].partition("(")[0]) for record in records if not record["passed"]}


def test_a_drafted_contract_holds_for_the_table_it_was_drafted_from(
    frame: pd.DataFrame, params: Params, tmp_path: Path
) -> None:
    (tmp_path / "contract.yaml").write_text(draft(frame))

    drafted = contract.load(tmp_path / "contract.yaml", params.package)

    assert drafted.columns[params.data.id].unique
    assert not failed(frame.astype({name: str(c.dtype) for name, c in drafted.columns.items()}), drafted, params)
    frame.loc[3, "tenure"] = 1000
    assert ("tenure", "less_than_or_equal_to") in failed(frame, drafted, params)
