import copy
import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from lifecycle.core.markdown import plain
from lifecycle.gate.policy import Policy
from lifecycle.gate.pull_request_comment import markdown
from lifecycle.gate.report import headline
from lifecycle.gate.report_exceptions import example
from lifecycle.gate.report_files import review
from lifecycle.gate.terminal import terminal

SAME = {"rows": 7043, "columns": 21, "checks": 96, "md5": "0" * 32}


def result(**changes: Any) -> dict[str, Any]:
    content = {"name": "roc_auc", "base": 0.85, "branch": 0.85, "limit": "≥ 0.8", "status": "pass", "why": ""}
    return content | {"change": 0.0, "low": None, "high": None} | changes


@pytest.fixture
def content() -> dict[str, Any]:
    """A pull request that changes nothing."""
    return copy.deepcopy(
        {
            "verdict": "pass",
            "reasons": [],
            "base": {"revision": "origin/main", "commit": "a" * 40, "has_metrics": True},
            "branch": {"commit": "b" * 40, "behind": 0, "model": "c" * 64, "lock": "d" * 64},
            "code": {"sha256": "e" * 64, "changed": False},
            "metrics": [result()],
            "slices": [],
            "paired_rows": 1384,
            "pairing_note": "",
            "params": {},
            "data": {"base": SAME, "branch": SAME},
            "date": "2026-06-15",
            "policy": {"of": "base", "change": "", "later": []},
            "files_affecting_verdict": [],
        }
    )


def test_nothing_changed_is_one_line(content: dict[str, Any]) -> None:
    says = "PASS: nothing changed: metrics, parameters, data and code are those of origin/main (aaaaaaaaa)"

    assert terminal(content) == f"gate: {says}\n"
    assert markdown(content) == f"### ✅ Gate: {says}\n"


def test_what_was_not_recomputed_is_said_even_if_nothing_changed(content: dict[str, Any]) -> None:
    content["recomputed"] = {
        "not": ["train was not run again (slow): its outputs are those of the base"],
        "rounded": ["x"],
    }

    assert "gate: PASS: nothing changed" in terminal(content)
    for text in (terminal(content), markdown(content)):
        assert "- Not recomputed: train was not run again" in text
        assert "- Rounded differently: x\n" in text


def test_a_change_of_the_seed_alone_is_said_with_what_other_seeds_give(content: dict[str, Any]) -> None:
    content["seed"] = {"only": True, "spread": {"roc_auc": [0.84, 0.85], "f1": [0.5, 0.6]}}

    says = "Only the seed changed, which makes no model better; with five other seeds: roc_auc 0.8400 to 0.8500, f1 0.5"
    assert terminal(content).count(says) == 1


def test_what_a_diff_does_not_show_is_a_change(content: dict[str, Any]) -> None:
    content["review"] = ["data/x.csv.dvc brings data/x.csv (000000000)"]

    assert "nothing changed" not in terminal(content)
    assert "- Read with care: data/x.csv.dvc brings data/x.csv" in markdown(content)


@pytest.mark.parametrize(
    ("change", "shows"),
    [
        ({"params": {"params.yaml": {"seed": {"old": 1, "new": 2}}}}, "| seed | 1 | 2 |"),
        ({"data": {"base": SAME, "branch": SAME | {"rows": 8000}}}, "changed from 7,043 rows × 21 columns (DVC 000000000) to 8,000"),
        ({"files_affecting_verdict": ["gates.yaml"]}, "- This branch changes 1 file that affects how the model is judged; review it with care:\n- gates.yaml: the limits\n"),
        ({"files_affecting_verdict": ["gates.yaml", "dvc.yaml"]}, "- This branch changes 2 files that affect how the model is judged; review them with care:\n- gates.yaml: the limits\n- dvc.yaml: what the stages run, and what they depend on\n"),
        ({"code": {"sha256": "f" * 64, "changed": True}}, "- Prediction code: changed since the base (the code that is stored with the model, params.yaml or contract.yaml), so answers may differ even where no metric does\n"),
        ({"metrics": [result(branch=0.86, change=0.01)]}, "| roc\\_auc | 0.8500 | 0.8600 | +0.0100 |"),
        ({"slices": [result(name="roc_auc where a=b", change=0.01)]}, "<details><summary>Slices that moved most</summary>"),
    ],
)  # fmt: skip
def test_whatever_changed_is_shown(content: dict[str, Any], change: dict[str, Any], shows: str) -> None:
    text = markdown(content | change)

    assert text.startswith("### ✅ Gate: PASS against origin/main (aaaaaaaaa): 1 metric within its limits\n")
    assert shows in text


def test_a_failure_leads_with_its_reason_and_ends_with_what_to_do(content: dict[str, Any]) -> None:
    reasons = [{"kind": "limit", "text": "roc_auc fell"}, {"kind": "limit", "text": "f1 fell"}]
    failed = content | {"reasons": reasons, "metrics": [result(status="FAIL", branch=0.7, change=-0.15)]}

    for text in (markdown(failed), terminal(failed)):
        assert "FAIL against origin/main (aaaaaaaaa)" in text.splitlines()[0]
        assert "roc_auc fell" in text.replace("\\", "")
        assert "f1 fell" in text
        assert "1. make the model better" in text
        assert "- {metric: roc_auc, min: 0.6999, reason: (why), accepted_by: (who), expires: 2026-06-29}" in text


def test_another_number_of_checks_is_no_change_of_the_data(content: dict[str, Any]) -> None:
    content["data"]["base"] = content["data"]["branch"] | {"checks": 1}

    assert "Data: unchanged, 7,043 rows" in terminal(content)


def test_what_is_gone_has_a_next_step_of_its_own_and_no_exception_to_copy(content: dict[str, Any]) -> None:
    content["reasons"] = [{"kind": "limit", "text": "roc_auc where city=Ulm is gone: the base has it"}]
    for result in content["metrics"] + content["slices"]:
        result["status"] = "pass"

    text = terminal(content)

    assert "1. measure again what the base has" in text
    assert "exceptions in gates.yaml" not in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metrics": [result(status="within noise", why="roc_auc fell, but")]}, "within noise: roc_auc"),
        ({"metrics": [result(status="accepted", why="roc_auc fell; Ada")]}, "accepted: roc_auc"),
    ],
)
def test_noise_and_exceptions_are_said_in_the_verdict(
    content: dict[str, Any], change: dict[str, Any], says: str
) -> None:
    changed = content | change | {"files_affecting_verdict": ["gates.yaml"]}

    assert says in headline(changed)
    assert change["metrics"][0]["why"] in terminal(changed)


def test_a_first_pull_request_says_that_there_is_no_baseline(content: dict[str, Any]) -> None:
    content["base"]["has_metrics"] = False
    content["metrics"] = [result(base=None, change=None)]

    assert "no baseline: the base has no metrics, so only absolute limits" in headline(content)


@pytest.mark.parametrize(
    ("behind", "line"),
    [(1, "- This branch is 1 commit behind its base: "), (2, "- This branch is 2 commits behind its base: ")],
)
def test_a_branch_that_is_behind_its_base_is_told_by_how_many_commits(
    content: dict[str, Any], behind: int, line: str
) -> None:
    content["branch"]["behind"] = behind
    content["code"]["changed"] = True

    assert line in terminal(content)


def test_a_branch_that_retrained_as_its_base_did_is_told_the_commands(content: dict[str, Any]) -> None:
    content["branch"] |= {"behind": 2, "both_retrained": True}
    content["code"]["changed"] = True

    line = "This branch is 2 commits behind its base, and both have retrained: run git merge origin/main, then make resolve"
    assert f"- {line}" in terminal(content)
    assert f"- {line}" in markdown(content)


def test_the_rule_in_force_is_named(content: dict[str, Any]) -> None:
    text = terminal(content | {"files_affecting_verdict": ["x"]})

    rule = "paired bootstrap on 1,384 test rows of both sides; a regression beyond its limit fails if its 95% interval excludes zero"
    assert f"- Rule: {rule}\n" in text


def test_without_predictions_the_report_says_why(content: dict[str, Any]) -> None:
    text = terminal(content | {"paired_rows": 0, "pairing_note": "they are gone", "files_affecting_verdict": ["x"]})

    assert "Rule: any regression beyond its limit fails, without an interval, because they are gone" in text


def test_what_a_stranger_wrote_does_nothing_on_github(content: dict[str, Any]) -> None:
    hostile = "@everyone #1 GH-1 :tada: $x$ <img src=x onerror=y> ![a](http://b) [c](//d) | `e` www.evil.example\n\n# Merged\x1b[31m"
    content["params"] = {"params.yaml": {hostile: {"old": hostile, "new": hostile}}}
    content["reasons"] = [{"kind": "limit", "text": hostile}]
    content["files_affecting_verdict"] = [hostile]
    content["policy"]["change"] = "```\n@everyone"

    text = markdown(content)

    outside = re.sub("```.*?```", "", text, flags=re.DOTALL)
    assert "@everyone" not in outside
    assert "<img" not in text
    assert "](http" not in text.replace("\\](http", "")
    assert "http://" not in outside
    assert "www.evil" not in outside
    assert "\n# Merged" not in text
    assert "\x1b" not in text + terminal(content)
    assert text.count("```") == 2  # the fence of the policy's change, which its text does not close
    assert plain("a|b") == "a\\|b"


def test_a_report_is_never_too_long_for_a_comment(content: dict[str, Any]) -> None:
    content["params"] = {"params.yaml": {f"p{i}": {"old": "x" * 9999, "new": "y" * 9999} for i in range(5000)}}
    content["slices"] = [result(name=f"roc_auc where a={i}", status="FAIL", branch=0.1) for i in range(5000)]
    content["reasons"] = [{"kind": "limit", "text": "z" * 9999} for _ in range(5000)]

    assert len(markdown(content)) < 60_000
    assert "and 4980 more" in markdown(content)


EXCHANGED = {
    "exchanged": ["task was binary, is regression", "data.target was churn, is price"],
    "permission": "our own table (accepted by Ada)",
    "approve": ["rmse ≤ 3", "rmse better than linear by 0"],
}


def test_another_problem_than_the_bases_is_said_before_the_tables(content: dict[str, Any]) -> None:
    content |= {
        "problem": EXCHANGED,
        "policy": {"of": "branch", "why": "the base predicts something else", "change": "", "later": []},
    }
    content["base"]["has_metrics"] = False
    content["params"] = {"params.yaml": {"task": {"old": "binary", "new": "regression"}}}

    for text in (terminal(content), markdown(content).replace("\\", "")):
        before, _, after = text.partition("95% interval")
        assert (
            "another problem than the base's (task was binary, is regression, data.target was churn, is price)"
            in before
        )
        assert "- Not compared with the base: metrics, slices and predictions of the same test rows" in before
        assert (
            "- A person has to approve the limits in this branch's gates.yaml: rmse ≤ 3; rmse better than linear by 0"
            in before
        )
        assert "- Allowed by new_problem in the base's gates.yaml: our own table (accepted by Ada)" in before
        assert "Rule: the base predicts something else, so only absolute limits apply" in after
        assert "The branch's own gates.yaml was applied: the base predicts something else" in after
        assert "no baseline" not in text


def test_without_permission_the_lines_to_add_are_given(content: dict[str, Any]) -> None:
    content |= {
        "problem": EXCHANGED | {"permission": ""},
        "reasons": [{"kind": "new_problem", "text": "another problem"}],
    }

    text = terminal(content)

    lines = "    new_problem:\n      reason: (why the table or task is replaced)\n      accepted_by: (who)\n"
    assert text.endswith(
        f"1. have somebody allow it: a separate pull request adds these lines to gates.yaml of the base\n{lines}"
    )


def test_limits_of_the_branchs_own_need_no_exception_on_the_base(content: dict[str, Any]) -> None:
    content |= {
        "reasons": [{"kind": "limit", "text": "roc_auc is 0.7, below its limit 0.8"}],
        "metrics": [result(status="FAIL", branch=0.7)],
        "policy": {"of": "branch", "why": "the base has no metrics", "change": "", "later": []},
    }

    text = terminal(content)

    assert "change the limits in this branch's gates.yaml, which apply here already" in text
    assert "accepted_by: (who)" not in text


def test_the_baselines_stand_beside_the_model_with_what_is_demanded(content: dict[str, Any]) -> None:
    check = result(
        name="roc_auc against the linear model", base=0.9, limit="better than linear", status="FAIL", why="w"
    )
    content["reasons"] = [{"kind": "baseline", "text": "w"}]
    content["baselines"] = {
        "figures": {"trivial": {"roc_auc": 0.5, "f1": 0.1}, "linear": {"roc_auc": 0.9}},
        "checks": [check],
    }

    assert re.search(
        r"Baselines\nmetric +trivial +linear +branch +demanded +status\nroc_auc +0.5000 +0.9000 +0.8500 +better than linear +FAIL\n",
        terminal(content),
    )
    assert "| roc\\_auc | 0.5000 | 0.9000 | 0.8500 | better than linear | ❌ FAIL |" in markdown(content)
    assert "1. make the model better than that" in terminal(content)


def test_what_decides_comes_before_what_is_folded_and_what_fails_is_unfolded(content: dict[str, Any]) -> None:
    failed = result(name="roc_auc where a=b", status="FAIL", branch=0.1, change=-0.75)
    content["reasons"] = [{"kind": "limit", "text": "roc_auc where a=b is 0.1"}]
    content["slices"], content["files_affecting_verdict"] = [failed], ["src/lifecycle/gate/rules.py"]
    content["params"] = {"params.yaml": {"seed": {"old": 1, "new": 2}}}

    text = markdown(content)

    order = [
        "### ❌ Gate: FAIL", "where a=b is 0.1", "| metric | base | branch |", "**What to do next**",
        "rules.py: the gate itself", "<details open><summary>Slices that moved most",
        "<details><summary>Parameters that changed",
    ]  # fmt: skip
    places = [text.replace("\\", "").index(part) for part in order]
    assert places == sorted(places)


def test_fairness_and_weak_slices_have_a_table_each(content: dict[str, Any]) -> None:
    gap = result(
        name="accuracy by region: ratio", base=0.9, branch=0.7, low=0.65, high=0.75, limit="≥ 0.8", status="FAIL"
    )
    content["fairness"] = [gap | {"lowest": "south", "highest": "north"}]
    figures = {"rows": 120, "loss": 0.8, "excess": {"value": 0.3, "low": 0.1, "high": 0.5}}
    check = result(name="log_loss where plan=basic", branch=0.8, limit="≤ 0.7", status="FAIL")
    content["weak_slices"] = {"searched": {"rows": 1000, "slices": 900}, "slices": {"plan=basic": figures, "a <= 2": {"rows": 50}}, "checks": [check]}  # fmt: skip
    content["reasons"] = [{"kind": "fairness", "text": "a gap"}, {"kind": "weak_slice", "text": "a slice"}]

    text = terminal(content)

    assert re.search(r"accuracy by region: ratio +south +north +0.9000 +0.7000 +0.6500 to 0.7500 +≥ 0.8 +FAIL\n", text)
    assert re.search(r"plan=basic +120 +0.8000 +\+0.3000 +\+0.1000 to \+0.5000 +log_loss ≤ 0.7 +FAIL\n", text)
    assert re.search(r"a <= 2 +50\n", text)
    assert "- Weak slices: 2 among 900 searched on 1,000 validation rows\n" in text
    assert "1. make the model better for the group that is behind" in text
    assert "2. look at the rows of that slice" in text


def test_the_report_proposes_an_exception_that_the_policy_takes(content: dict[str, Any]) -> None:
    gap = {"column": "region", "metric": "accuracy", "lowest": "south", "highest": "north", "status": "FAIL"}
    content["fairness"] = [
        result(name="accuracy by region: difference", branch=0.2, limit="≤ 0.1", kind="difference", **gap),
        result(name="accuracy by region: ratio", branch=0.75, limit="≥ 0.8", kind="ratio", **gap),
    ]
    name = 'plan="x", basic and 1 < n <= 1,492'
    check = result(name=f"log_loss where {name}", branch=0.8, limit="≤ 0.7", status="FAIL")
    content["weak_slices"] = {"slices": {}, "checks": [check]}
    content["reasons"] = [{"kind": "fairness", "text": "a gap"}]
    limits = {
        "metrics": {"metrics/test.json": {"roc_auc": {"min": 0.8}}},
        "fairness": {"min_rows": 9, "columns": {"region": {"accuracy": {"max_difference": 0.1, "min_ratio": 0.8}}}},
        "weak_slices": {"min_rows": 9, "metrics": {"log_loss": {"max": 0.7}}},
        "tolerance": 0.0,
    }

    text = terminal(content)

    assert "2. or have a reviewer accept the regression for a while" in text
    entries = YAML(typ="safe").load("\n".join(example(content)))
    accepted = [
        (exemption.place, exemption.max_difference, exemption.min_ratio, exemption.max)
        for exemption in Policy.checked(limits | {"exceptions": entries}, "gates.yaml").exceptions
    ]
    assert accepted == [
        (("fairness", "region"), 0.2001, None, None),
        (("fairness", "region"), None, 0.75, None),
        (("weak_slice", name), None, None, 0.8001),
    ]


def test_groups_that_are_accepted_are_said_in_the_verdict(content: dict[str, Any]) -> None:
    gap = {"column": "region", "lowest": "south", "highest": "north", "kind": "ratio", "metric": "accuracy"}
    content["fairness"] = [result(name="accuracy by region: ratio", status="accepted", why="a gap; Ada", **gap)]
    check = result(name="log_loss where a=1", status="accepted", why="a slice; Eve")
    content |= {"weak_slices": {"slices": {}, "checks": [check]}, "files_affecting_verdict": ["x"]}

    assert "accepted: accuracy by region: ratio, log_loss where a=1" in headline(content)
    assert "- a gap; Ada\n- a slice; Eve\n" in terminal(content)


PLOT = {
    "x": [0.0, 1.0],
    "lines": [
        {"side": "base", "group": "`no`|x", "values": [0.0, 0.5, 1.0]},
        {"side": "branch", "group": "`no`|x", "values": [0.0, 0.6, 1.0]},
        {"side": "branch", "group": "yes", "values": [0.0, 0.7, 1.0]},
    ],
}


def test_the_plots_of_both_sides_are_drawn_over_each_other(content: dict[str, Any]) -> None:
    content |= {"files_affecting_verdict": ["x"], "plots": {"distribution": PLOT}}

    text = markdown(content)

    chart = text.partition("```mermaid\n")[2].partition("```")[0]
    assert '{"plotColorPalette": "#8cb4e8, #0550ae, #bc4c00"}' in chart
    assert 'x-axis "score or residual" 0 --> 1\n  y-axis "share of rows" 0 --> 1\n  line [0, 0.5, 1]\n' in chart
    assert "(\\`no\\`\\|x: blue, yes: orange)" in text


@pytest.mark.parametrize(
    "change",
    [
        {"x": [0.0, "1\n```"]}, {"x": [0.0]}, {"lines": "```"}, {"lines": [{"side": "other", "group": "", "values": [1.0]}]},
        {"lines": [{"side": "base", "group": "", "values": ["```\n@everyone"]}]}, {"lines": [{"side": "base", "group": "", "values": []}]},
        {"lines": [{"side": "base", "group": "", "values": [float("nan")]}]}, {"lines": [{"side": "base", "group": "", "values": [1.0] * 999}]},
    ],
)  # fmt: skip
def test_what_is_not_the_points_of_a_plot_is_not_drawn(content: dict[str, Any], change: dict[str, Any]) -> None:
    content |= {"files_affecting_verdict": ["x"], "plots": {"roc": PLOT | change, "unknown": PLOT, "calibration": 3}}

    text = markdown(content)

    assert "```" not in text
    assert "Plots of both sides: the base" not in text


def test_an_error_is_reported_as_no_verdict() -> None:
    assert markdown({"verdict": "undecided", "error": "no such revision"}).startswith("### ⚠️ Gate: no verdict")


def test_a_file_above_a_project_in_a_subfolder_is_named_with_the_reason_that_it_has_anywhere() -> None:
    lines = review(["../../.github/workflows/x.yml", "../.gitattributes"])

    assert lines[1:] == [
        "../../.github/workflows/x.yml: the workflows, and what they run",
        "../.gitattributes: what git changes or leaves out when it checks files out",
    ]
