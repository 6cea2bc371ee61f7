"""search.yaml for a table: ranges for the parameters of the estimator that `adopt` chose."""

import re

from lifecycle.adopt.plan import Plan

FOREST = {
    "min_samples_leaf": "{low: 1, high: 30}",
    "max_features": "{low: 0.1, high: 1.0}",
    "max_depth": "[4, 8, 16, null]",
}
BOOSTING = {
    "learning_rate": "{low: 0.01, high: 0.3, log: true}",
    "max_iter": "{low: 50, high: 500}",
    "max_leaf_nodes": "[4, 8, 15, 31]",
    "l2_regularization": "{low: 0.01, high: 10, log: true}",
}


def rewrite(text: str, plan: Plan) -> str:
    """Return the text of search.yaml with the metric of the task and the ranges for the estimator, comments included."""
    metric = "rmse" if plan.target.task == "regression" else "log_loss"
    space = FOREST if "RandomForest" in plan.estimator[0] else BOOSTING
    text = re.sub(r"^metric: \w+", f"metric: {metric}", text, flags=re.MULTILINE)
    lines = [line for line in text.splitlines() if not line.startswith("  ")]
    return "\n".join([*lines, *(f"  train.parameters.{name}: {values}" for name, values in space.items())]) + "\n"
