"""The metrics that the user's metrics.py declares, read from its source: what they are called and which direction is better.

Reading does not run it, so a process that judges a model can do so, of any commit.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lifecycle.core.errors import ConfigError
from lifecycle.core.home import ROOT

INPUTS = ("probability", "prediction")
COLUMNS = {"rows", "excess"}  # what files of metrics hold beside metrics

Function = TypeVar("Function", bound=Callable[..., Any])
OwnMetrics = dict[str, "OwnMetric"]


@dataclass(frozen=True)
class OwnMetric:
    """A metric of the user's, by its name in `OwnMetrics`."""

    higher_is_better: bool
    takes: str
    """The name of its second argument: `probability` or `prediction`."""


def metric(*, higher_is_better: bool) -> Callable[[Function], Function]:
    """Declare a function of `actual` and `prediction`, or of `actual` and `probability`, as a metric."""
    return lambda function: function


def source_of(package: str) -> Path:
    """Return where the user's metrics are, from the top of the repo."""
    return Path("src") / package / "metrics.py"


def declared_here(package: str) -> OwnMetrics:
    """Return the metrics that metrics.py in the working tree declares; none, if there is no such file."""
    path = ROOT / source_of(package)
    return declared(path.read_text(encoding="utf-8"), str(path)) if path.is_file() else {}


def declared(source: str, path: str) -> OwnMetrics:
    """Return the metrics that the source of a metrics.py declares.

    Raises ConfigError, which names the path and the line, if a declaration cannot be read from the source.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{path}, line {getattr(error, 'lineno', 1)}: {getattr(error, 'msg', error)}") from None
    own: OwnMetrics = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            if ast.unparse(decorator).partition("(")[0].rpartition(".")[2] == "metric":
                where = f"{path}, line {node.lineno}: {node.name}"
                if node not in tree.body or node.name in own:
                    raise ConfigError(f"{where} must be defined once, and at the top level")
                own[node.name] = _declaration(node, decorator, where)
    return own


def _declaration(node: ast.FunctionDef | ast.AsyncFunctionDef, decorator: ast.expr, where: str) -> OwnMetric:
    from lifecycle.core.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER  # pandas, which metrics.py need not wait for

    match decorator:
        case ast.Call(args=[], keywords=[ast.keyword(arg="higher_is_better", value=ast.Constant(value=bool(higher)))]):
            pass
        case _:
            raise ConfigError(
                f"{where}: write @metric(higher_is_better=True) or @metric(higher_is_better=False) above it"
            )
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    if names[:1] != ["actual"] or len(names) != 2 or names[1] not in INPUTS:
        raise ConfigError(f"{where} must take (actual, prediction) or (actual, probability), not ({', '.join(names)})")
    if node.name in HIGHER_IS_BETTER | LOWER_IS_BETTER | COLUMNS:
        raise ConfigError(f"{where} has the name of a metric that is there already: choose another")
    return OwnMetric(higher, names[1])


def sign_of(metric: str, own: OwnMetrics | None = None) -> int:
    """Return 1 where higher values of a metric, built in or the user's `own`, are better, else -1."""
    from lifecycle.core.metrics import HIGHER_IS_BETTER

    return 1 if metric in HIGHER_IS_BETTER | higher_is_better(own or {}) else -1


def higher_is_better(own: OwnMetrics) -> set[str]:
    """Return the names of those of which more is better."""
    return {name for name, of_user in own.items() if of_user.higher_is_better}
