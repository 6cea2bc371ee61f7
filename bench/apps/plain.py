"""A model behind FastAPI as people write it: load the version once, a frame of one row for each request.

`def`, so that FastAPI calls it in a thread and other requests are accepted meanwhile.
"""

import os
from typing import Any

import mlflow.pyfunc
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel, create_model

model = mlflow.pyfunc.load_model(os.environ["MODEL_URI"])
types = {"double": float | None, "string": str}
fields: dict[str, Any] = {
    column.name: (types[column.type.name if column.type.name in types else str(column.type)], ...)
    for column in model.metadata.get_input_schema().inputs
}
Row: type[BaseModel] = create_model("Row", **fields)
app = FastAPI()


@app.post("/predict")
def predict(row: Row) -> dict[str, float]:  # type: ignore[valid-type]
    frame = pd.DataFrame([row.model_dump()])
    return {"probability": float(model.predict(frame)[0, 1])}
