"""The notebook that a project comes with runs, and is committed without output."""

import json
from pathlib import Path

from conftest import BakedProject

EXECUTE = """
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read("notebooks/explore.ipynb", 4)
NotebookClient(notebook, timeout=120, resources={"metadata": {"path": "notebooks"}}).execute()
nbformat.write(notebook, "notebooks/explore.ipynb")
"""


def execute(project: BakedProject, packages: Path) -> str:
    """Execute the notebook where it stands, in the project's environment. Returns what its cells show, as text."""
    install = f"uv pip install --quiet --constraint requirements.txt --target {packages} nbclient ipykernel"
    project.run(install)
    (packages / "execute.py").write_text(EXECUTE)
    project.run(f"python {packages / 'execute.py'}", PYTHONPATH=f"src:{packages}")
    notebook = json.loads(project.text("notebooks/explore.ipynb"))
    return json.dumps([cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"])


def test_it_shows_dataset_model_and_predictions_and_its_output_is_refused_by_lint(
    copy: BakedProject, tmp_path: Path
) -> None:
    output = execute(copy, tmp_path / "packages")
    refused = copy.run("python scripts/notebooks.py", check=False)
    copy.run("python scripts/notebooks.py --clear")

    assert output.count("image/png") == 2
    assert "probability" in output
    assert refused.returncode == 1
    assert (
        refused.stderr == "notebooks/explore.ipynb holds output, or what a run left in it: `make format` takes it out\n"
    )
    assert copy.run("git status --porcelain").stdout == ""
