"""Each rule of the gate alone: the case it is for, and the one just inside it."""

import datetime
import math
from typing import Any

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.gate.accepted_regressions import unused_exceptions
from lifecycle.gate.check_result import CheckResult
from lifecycle.gate.paired_bootstrap import PairedComparison
from lifecycle.gate.policy import Policy
from lifecycle.gate.rules import check_metrics, check_slices

TODAY = datetime.date(2026, 6, 15)
FILE = "metrics/test.json"


def policy(**changes: Any) -> Policy:
    content: dict[str, Any] = {
        "metrics": {FILE: {"roc_auc": {"min": 0.8, "max_drop": 0.01}}},
        "slices": {"min_rows": 100, "metrics": {"roc_auc": {"min": 0.7}}},
        "tolerance": 0.0,
        "exceptions": [],
    }
    return Policy.checked(content | changes, "gates.yaml")


def exception(**changes: Any) -> dict[str, Any]:
    content = {"metric": "roc_auc", "min": 0.7, "reason": "why", "accepted_by": "Ada", "expires": TODAY}
    return content | changes


def checked(
    old: Any,
    new: Any,
    interval: tuple[float, float] | None = None,
    shared: float | None = None,
    complete: bool = True,
    **changes: Any,
) -> CheckResult:
    """The result for the first metric of the policy; `old` and `new` are what `dvc metrics diff` prints.

    `interval` is that of the change on the rows of both sides, which is `shared`, or new minus old.
    """
    chosen = policy(**changes)
    ((file, limits),) = chosen.metrics.items()
    (metric,) = limits
    paired = {}
    if interval:
        change = {"change": new - old if shared is None else shared, "low": interval[0], "high": interval[1]}
        paired[file] = PairedComparison({metric: change}, 100, complete)
    (result,) = check_metrics(chosen, {file: {metric: {"old": old, "new": new}}}, paired, TODAY)
    return result


def limited(metric: str, **limit: float) -> dict[str, Any]:
    return {"metrics": {FILE: {metric: limit}}}


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (None, "roc_auc is missing from metrics/test.json, or null"),
        (math.nan, "roc_auc is nan, not a finite number"),
        (math.inf, "roc_auc is inf, not a finite number"),
        (-math.inf, "roc_auc is -inf, not a finite number"),
        ("0.9", "roc_auc is '0.9', not a number"),
        (True, "roc_auc is 'True', not a number"),
        ([0.9], "roc_auc is '[0.9]', not a number"),
    ],
)
@pytest.mark.parametrize("old", [0.85, None])
def test_what_is_not_a_finite_number_fails_and_no_exception_covers_it(old: float | None, new: Any, says: str) -> None:
    result = checked(old, new, exceptions=[exception(min=0.0)])

    assert (result.status, result.why) == ("FAIL", says)


def test_a_metric_that_dvc_does_not_list_is_missing() -> None:
    (result,) = check_metrics(policy(), {}, {}, TODAY)

    assert (result.status, result.why) == ("FAIL", "roc_auc is missing from metrics/test.json, or null")


@pytest.mark.parametrize(
    ("metric", "limit", "value", "status"),
    [
        ("roc_auc", {"min": 0.8}, 0.8, "pass"),
        ("roc_auc", {"min": 0.8}, 0.7999, "FAIL"),
        ("log_loss", {"max": 0.4}, 0.4, "pass"),
        ("log_loss", {"max": 0.4}, 0.4001, "FAIL"),
        ("ratio", {"min": 0.9, "max": 1.1}, 1.0, "pass"),
        ("ratio", {"min": 0.9, "max": 1.1}, 1.2, "FAIL"),
    ],
)
@pytest.mark.parametrize("old", [0.1, 0.95, None])
def test_an_absolute_limit_holds_whatever_the_base_has(
    metric: str, limit: dict[str, float], value: float, status: str, old: float | None
) -> None:
    assert checked(old, value, **limited(metric, **limit)).status == status


def test_below_the_floor_no_noise_helps() -> None:
    assert checked(0.81, 0.79, interval=(-0.1, 0.1)).status == "FAIL"


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (0.85, 0.84, "pass"),  # exactly what is allowed, though 0.85 - 0.84 > 0.01 in floating point
        (0.85, 0.8399, "FAIL"),
        (0.85, 0.99, "pass"),
        (0.85, 0.85, "pass"),
    ],
)
def test_without_predictions_a_drop_beyond_what_is_allowed_fails(old: float, new: float, status: str) -> None:
    result = checked(old, new)

    assert result.status == status
    if status == "FAIL":
        assert result.why.endswith("0.01 is allowed (plain rule: no paired predictions of both sides)")


def test_for_a_loss_it_is_the_rise_that_counts() -> None:
    limit = limited("log_loss", max_rise=0.01)

    assert checked(0.40, 0.41, **limit).status == "pass"
    assert checked(0.40, 0.42, **limit).status == "FAIL"
    assert checked(0.40, 0.20, **limit).status == "pass"
    assert checked(0.40, 0.42, interval=(0.005, 0.03), **limit).status == "FAIL"
    assert checked(0.40, 0.42, interval=(-0.005, 0.03), **limit).status == "within noise"


@pytest.mark.parametrize(
    ("interval", "status"),
    [
        ((-0.03, -0.001), "FAIL"),
        ((-0.03, 0.001), "within noise"),
    ],
)
def test_with_predictions_a_drop_fails_if_its_interval_lies_wholly_below_zero(
    interval: tuple[float, float], status: str
) -> None:
    result = checked(0.85, 0.83, interval)

    assert result.status == status
    assert result.why.startswith("roc_auc fell by 0.0200 to 0.8300; 0.01 is allowed")
    assert (result.low, result.high) == interval


@pytest.mark.parametrize(
    ("new", "shared", "interval", "complete", "status"),
    [
        # rows came in and made the metric fall; on the base's own rows nothing, or little, has changed
        (0.83, 0.0, (0.0, 0.0), True, "pass"),
        (0.83, -0.02, (-0.03, 0.01), True, "within noise"),
        (0.83, -0.02, (-0.03, -0.01), True, "FAIL"),
        # easy rows came in, or hard ones went: better on the whole, worse on the rows of both sides
        (0.86, -0.02, (-0.03, -0.01), True, "FAIL"),
        (0.86, -0.02, (-0.03, -0.01), False, "FAIL"),
        (0.86, 0.01, (0.0, 0.02), False, "pass"),
        # rows of the base are gone or have another target: the rest is no excuse
        (0.83, 0.0, (0.0, 0.0), False, "FAIL"),
        (0.83, -0.02, (-0.03, 0.01), False, "FAIL"),
    ],
)
def test_where_the_test_rows_differ_the_base_is_compared_on_its_own(
    new: float, shared: float, interval: tuple[float, float], complete: bool, status: str
) -> None:
    assert checked(0.85, new, interval, shared, complete).status == status


@pytest.mark.parametrize("old", [None, math.nan, "0.9"])
def test_without_a_baseline_only_the_absolute_limit_counts(old: Any) -> None:
    assert checked(old, 0.81).status == "pass"
    assert "no baseline" in checked(old, 0.81).why
    assert checked(old, 0.79).status == "FAIL"


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({}, "accepted", "the exception of Ada (why) holds until 2026-06-15"),
        ({"expires": TODAY - datetime.timedelta(days=1)}, "FAIL", "the exception of Ada (why) ended on 2026-06-14"),
        ({"min": 0.83}, "FAIL", "does not reach that far: below its limit 0.8300"),
        ({"metric": "f1"}, "FAIL", ""),
        ({"slice": "contract=One year"}, "FAIL", ""),
    ],
)
def test_an_exception_covers_its_metric_as_far_and_as_long_as_it_says(
    changes: dict[str, Any], status: str, says: str
) -> None:
    limits = {"metrics": {FILE: {"roc_auc": {"min": 0.8, "max_drop": 0.01}, "f1": {"min": 0.1}}}}
    chosen = policy(exceptions=[exception(**changes)], **limits)
    figures = {FILE: {"roc_auc": {"old": 0.85, "new": 0.82}, "f1": {"old": 0.5, "new": 0.5}}}

    result, of_f1 = check_metrics(chosen, figures, {}, TODAY)

    assert result.status == status
    assert says in result.why
    assert result.why.startswith("roc_auc fell by 0.0300")
    assert of_f1.status == "pass"


def test_a_live_exception_counts_beside_one_that_is_over() -> None:
    over = exception(expires=TODAY - datetime.timedelta(days=1), accepted_by="Bob")

    assert checked(0.85, 0.82, exceptions=[over, exception()]).status == "accepted"


def part(rows: int, roc_auc: Any = None) -> dict[str, Any]:
    return {"contract": {"One year": {"rows": rows} | ({} if roc_auc is None else {"roc_auc": roc_auc})}}


@pytest.mark.parametrize(
    ("base", "branch", "status", "says"),
    [
        (part(200, 0.8), part(200, 0.70), "pass", ""),
        (part(200, 0.8), part(200, 0.69), "FAIL", "roc_auc where contract=One year is 0.6900, below its limit 0.7000"),
        (part(99, 0.8), part(99, 0.1), "not judged", "has 99 rows; 100 are needed"),
        (part(200, 0.8), part(99, 0.1), "FAIL", "below its limit"),
        (part(200, 0.8), {}, "FAIL", "roc_auc where contract=One year is gone: the base has it"),
        (part(200, 0.8), part(200), "FAIL", "is gone: the base has it"),
        (part(200), part(200), "not judged", "is not defined"),
        (part(99, 0.8), {}, "not judged", "has 99 rows"),
        ({}, part(200, 0.69), "FAIL", "below its limit"),
        (part(200, 0.8), part(200, "0.9"), "FAIL", "is '0.9', not a number"),
        (part(200, 0.8), part(200, math.nan), "FAIL", "is nan, not a finite number"),
    ],
)
def test_slices_have_a_floor(base: dict[str, Any], branch: dict[str, Any], status: str, says: str) -> None:
    (result,) = check_slices(policy(), base, branch, TODAY)

    assert result.status == status
    assert says in result.why


@pytest.mark.parametrize("named", ["contract=One year", "contract"])
@pytest.mark.parametrize("branch", [part(200, 0.69), {}])
def test_an_exception_can_name_a_slice_or_a_whole_column(named: str, branch: dict[str, Any]) -> None:
    chosen = policy(exceptions=[exception(slice=named, min=0.6)])

    (result,) = check_slices(chosen, part(200, 0.8), branch, TODAY)

    assert result.status == "accepted"


def test_an_exception_for_all_rows_covers_no_slice() -> None:
    (result,) = check_slices(policy(exceptions=[exception()]), part(200, 0.8), part(200, 0.69), TODAY)

    assert result.status == "FAIL"


def test_without_slices_in_the_policy_none_are_judged() -> None:
    assert check_slices(policy(slices=None), part(200, 0.8), {}, TODAY) == []


SLICES: dict[str, Any] = {
    "base": {"contract": {"One year": {}}, "a=b": {}},
    "branch": {"contract": {"Two years": {}}, "a=b": {"1": {}}},
}
WEAK = ["tenure <= 2 and contract=Two years"]


@pytest.mark.parametrize("name", ["contract", "contract=One year", "a=b", "a=b=1", None])
def test_an_exception_for_a_slice_that_is_there_is_not_remarked_on(name: str | None) -> None:
    own = policy(exceptions=[exception(slice=name)])

    assert unused_exceptions(own, own, SLICES, WEAK, TODAY) == []


@pytest.mark.parametrize("base", [policy(), policy(exceptions=[exception(slice="contract=One yaer")])])
def test_an_exception_for_a_slice_that_neither_side_has_is_said_to_cover_nothing(base: Policy) -> None:
    own = policy(exceptions=[exception(slice="contract=One yaer")])

    assert unused_exceptions(base, own, SLICES, WEAK, TODAY) == [
        "the exception of Ada for roc_auc where contract=One yaer covers nothing: neither side has this slice "
        "(did you mean contract=One year?)"
    ]


def test_an_exception_for_a_weak_slice_that_the_branch_does_not_have_is_said_to_cover_nothing() -> None:
    limits = {"weak_slices": {"min_rows": 50, "metrics": {"roc_auc": {"min": 0.7}}}}
    own = policy(
        exceptions=[exception(weak_slice=name) for name in (WEAK[0], WEAK[0].replace("years", "yaers"))], **limits
    )

    assert unused_exceptions(own, own, SLICES, WEAK, TODAY) == [
        "the exception of Ada for roc_auc where tenure <= 2 and contract=Two yaers covers nothing: evaluate does not find "
        "this weak slice (did you mean tenure <= 2 and contract=Two years?)"
    ]


def test_an_exception_of_the_branch_for_a_column_without_slices_is_refused_until_it_has_ended() -> None:
    own = policy(exceptions=[exception(slice="contrakt=One year")])

    for base in (policy(), own):
        with pytest.raises(ConfigError, match=r"slice 'contrakt=One year' is of no column in evaluate\.slices"):
            unused_exceptions(base, own, SLICES, WEAK, TODAY)
        assert unused_exceptions(base, own, SLICES, WEAK, TODAY + datetime.timedelta(days=1)) == []


def test_an_exception_of_the_base_for_a_column_without_slices_is_remarked_on_so_that_the_branch_can_remove_it() -> None:
    (line,) = unused_exceptions(policy(exceptions=[exception(slice="contrakt")]), policy(), SLICES, WEAK, TODAY)

    assert "where contrakt covers nothing" in line


@pytest.mark.parametrize("value", [10**400, float("nan"), [1], "0.9"])
def test_a_slices_figure_that_is_no_finite_number_fails_and_is_shown_as_text(value: Any) -> None:
    (result,) = check_slices(policy(), {}, {"contract": {"a": {"rows": 200, "roc_auc": value}}}, TODAY)

    assert result.status == "FAIL"
    assert isinstance(result.branch, str)
