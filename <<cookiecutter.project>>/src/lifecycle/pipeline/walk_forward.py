"""Dataset and params in; metrics/walk_forward.json out: the estimator, trained and tested on one period after another.

Without evaluate.walk_forward in params.yaml the file is an empty mapping. See time_folds.py for what it holds.
"""

from lifecycle.core import config
from lifecycle.core.files import write_json
from lifecycle.pipeline import run


def main() -> str:
    params = config.load()
    if params.evaluate.walk_forward is None:
        write_json({}, config.WALK_FORWARD)
        return f"nothing to do, for {config.PARAMS} has no evaluate.walk_forward"
    from lifecycle.pipeline import time_folds  # scikit-learn: most repos need none of it here

    content = time_folds.measured(params)
    write_json(content, config.WALK_FORWARD)
    return "; ".join([time_folds.summary(content), *content["left_out"], f"wrote {config.WALK_FORWARD}"])


if __name__ == "__main__":
    run("walk_forward", main)
