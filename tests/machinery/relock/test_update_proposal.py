"""What a pull request of updated packages says."""

from lifecycle.relock.update_proposal import Update, proposal

OLD = {"scikit-learn": "1.9.0", "scipy": "1.17.0", "tqdm": "4.66.6"}


def test_an_update_is_named_by_its_package_and_what_it_brings() -> None:
    update = Update(OLD, OLD | {"scikit-learn": "1.9.1", "scipy": "1.17.1"}, "scikit-learn", {})

    assert update.title == "Update scikit-learn 1.9.0 → 1.9.1 and 1 more package"
    assert update.moved == ["scikit-learn 1.9.0 → 1.9.1", "scipy 1.17.0 → 1.17.1"]


def test_all_others_are_one_update_and_may_come_and_go() -> None:
    update = Update(OLD, {"scikit-learn": "1.9.0", "scipy": "1.17.0", "rich": "14.0"}, "--upgrade", {})

    assert update.title == "Update 2 other packages"
    assert update.moved == ["rich (new) → 14.0", "tqdm 4.66.6 → (gone)"]


def test_the_table_says_which_package_moved_which_metric() -> None:
    first = Update(
        OLD,
        OLD | {"scikit-learn": "1.9.1"},
        "scikit-learn",
        {"roc_auc": 0.85, "brier": 0.1},
        {"roc_auc": 0.84, "brier": 0.1},
    )
    second = Update(OLD, OLD | {"tqdm": "4.67"}, "--upgrade", {"roc_auc": 0.84}, {"roc_auc": 0.84})

    content = proposal([first, second], "the report", passes=False)

    assert content.title == "Update packages: 2 commits"
    assert content.text.startswith("**Blocked by the gate, so this is a draft.**\n\n|")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in content.text.splitlines() if " → " in line
    ]
    assert rows == [
        ["scikit-learn 1.9.0 → 1.9.1", "roc_auc 0.8500 → 0.8400"],
        ["tqdm 4.66.6 → 4.67", "no metric changed"],
    ]
    assert content.text.endswith("the report")
