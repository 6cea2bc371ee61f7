"""What a feature function or a model does that it has no need for: lines that a reviewer should read.

It reads the source, and proves nothing: Python can hide whatever it likes. It names what a plain change of features never has.
"""

import ast

from lifecycle.core.git import changed_files, files_at
from lifecycle.core.home import ROOT

LIBRARIES = {
    "__future__", "category_encoders", "catboost", "collections", "dataclasses", "datetime", "enum", "functools", "itertools",
    "lightgbm", "math", "numpy", "operator", "pandas", "re", "scipy", "sklearn", "statistics", "string", "typing",
    "unicodedata", "xgboost",
}  # fmt: skip
OF_LIFECYCLE = tuple(  # made for the user's code
    f"lifecycle.core.{name}"
    for name in (
        "category_codes",
        "column_checks",
        "column_kinds",
        "date_parts",
        "entity_history",
        "own_metrics",
        "text_terms",
    )
)
FUNCTIONS = {
    "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "getattr", "globals", "locals", "open", "setattr", "vars",
}  # fmt: skip
WRITERS = ("to_csv", "to_parquet", "to_pickle", "to_json", "to_sql")
READERS = ("fromfile", "load", "memmap", "read_", "save")  # of pandas and numpy
INTERNALS = ("io", "core", "compat", "ctypeslib", "modules")  # of pandas and numpy: behind them lies all of Python
# Reached through what another module imports, as in typing.sys.
MODULES = {
    "builtins", "ctypes", "gc", "importlib", "inspect", "os", "pathlib", "shutil", "subprocess", "sys",
}  # fmt: skip


def unusual_changes(base: str, head: str) -> list[str]:
    """Return what is unusual in the user's features.py and model.py, if the branch changes them."""
    names = changed_files(f"{base}...{head}", "--", ":(glob)src/*/features.py", ":(glob)src/*/model.py", folder=ROOT)
    sources = files_at(head, *names, folder=ROOT) if names else {}
    return [line for name, source in sources.items() for line in unusual(source, name)]


def unusual(source: bytes, name: str) -> list[str]:
    """Return what is unusual in the source of a module, as `name, line n: what`, in the order of its lines.

    It is read as Python reads it: with another encoding, a comment may be code.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        return [f"{name} is not valid Python: {error}"]
    aliases = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    libraries = {alias.asname or alias.name.partition(".")[0] for alias in aliases}
    lines = [(node.lineno, what) for node in ast.walk(tree) for what in _unusual_in(node, libraries)]  # type: ignore[attr-defined]
    return [f"{name}, line {line}: {what}" for line, what in sorted({*lines})]


def _unusual_in(node: ast.AST, libraries: set[str]) -> list[str]:
    match node:
        case ast.Import(names=aliases):
            modules = [alias.name for alias in aliases]
            return [f"imports {module}" for module in modules if not _is_usual(module)]
        case ast.ImportFrom(module=str(module), level=0) if not _is_usual(module):
            return [f"imports {module}"]
        case ast.ImportFrom(module=str(module), level=0, names=aliases) if not module.startswith("lifecycle"):
            return [f"imports {module}.{alias.name}" for alias in aliases if _leads_further(alias.name)]
        case ast.Name(id=called) if called in FUNCTIONS:
            return [f"uses {called}"]
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            return [f"sets {ast.unparse(node)}"]
        case ast.Attribute(attr=attribute) if attribute.startswith("__"):
            return [f"uses {attribute}"]
        case ast.Attribute(value=ast.Name(id=library), attr=attribute) if library in libraries:
            return [f"uses {library}.{attribute}"] if _leads_further(attribute) else []
        case ast.Attribute(attr=attribute) if attribute in WRITERS:
            return [f"uses {attribute}"]
    return []


def _leads_further(name: str) -> bool:
    """Whether what a library has under a name reads or writes files, or leads to all of Python."""
    return name in {*INTERNALS, *MODULES, "*"} or name.startswith(READERS)


def _is_usual(module: str) -> bool:
    return module.partition(".")[0] in LIBRARIES or module in OF_LIFECYCLE
