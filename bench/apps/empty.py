"""An endpoint that does nothing: what FastAPI and uvicorn can answer on this machine, whatever the model."""

from fastapi import FastAPI

app = FastAPI()


@app.post("/predict")
async def predict() -> dict[str, float]:
    return {"probability": 0.5}
