"""Your features. Training and every use of the model call this one function."""

import numpy as np
import pandas as pd

ADD_ONS = ["online_security", "online_backup", "device_protection", "tech_support", "streaming_tv", "streaming_movies"]


def build_features(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with derived columns added. Its own columns and the order of its rows do not change.

    Row-wise and pure: the features of a row depend on that row alone, so it has the same features in any table.
    What has to be learned from data, such as an encoding, belongs in `make_preparation` in model.py.

    Args:
        frame: rows with the model's inputs, the contract's columns without id, target and data.exclude.

    Returns:
        The same rows with `average_charge` (US dollars a month since the start), `add_ons` (how many are booked)
        and `automatic_payment` (0 or 1).
    """
    months = frame["tenure"].where(frame["tenure"] > 0, np.nan)
    return frame.assign(
        average_charge=frame["total_charges"] / months,
        add_ons=np.sum([frame[name].to_numpy() == "Yes" for name in ADD_ONS], axis=0),
        automatic_payment=frame["payment_method"].str.endswith("(automatic)").astype("int64"),
    )
