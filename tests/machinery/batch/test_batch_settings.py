"""What batch.yaml may say of Spark's sessions."""

from pathlib import Path
from typing import Any

import pytest

from lifecycle.batch import settings
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml, write_json

ROOT = Path.cwd()  # the rendered project


def loaded(folder: Path, **spark: Any) -> settings.BatchSettings:
    write_json(read_yaml(ROOT / settings.BATCH) | {"spark": spark}, folder / "batch.yaml")
    return settings.load(folder / "batch.yaml")


def test_packages_and_settings_are_in_the_words_of_spark(tmp_path: Path) -> None:
    conf = {"spark.hadoop.fs.s3a.path.style.access": True, "spark.executor.cores": 2, "spark.driver.memory": "4g"}

    session = loaded(tmp_path, packages=["org.a:b_2.13:1.0", "org.c:d:2"], conf=conf).spark.session_conf()

    assert session == {
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.executor.cores": "2",
        "spark.driver.memory": "4g",
        "spark.jars.packages": "org.a:b_2.13:1.0,org.c:d:2",
    }


def test_a_repository_that_is_older_has_none(tmp_path: Path) -> None:
    content = read_yaml(ROOT / settings.BATCH)
    content.pop("spark")
    write_json(content, tmp_path / "batch.yaml")

    assert settings.load(tmp_path / "batch.yaml").spark.session_conf() == {}


@pytest.mark.parametrize(
    ("spark", "message"),
    [
        ({"packages": ["hadoop-aws"]}, r"spark\.packages\.0 is 'hadoop-aws'"),
        ({"conf": {"fs.s3a.endpoint": "x"}}, r"spark\.conf: fs\.s3a\.endpoint is not a setting of Spark's"),
        (
            {"conf": {"spark.jars.packages": "a:b:1"}},
            r"spark\.jars\.packages is what packages above it sets: leave it out",
        ),
        (
            {"conf": {"spark.sql.sources.partitionOverwriteMode": "static"}},  # which would remove other dates
            r"spark\.sql\.sources\.partitionOverwriteMode is set by `score` itself: leave it out",
        ),
        ({"jars": []}, r"spark\.jars is not a parameter"),
    ],
)
def test_what_spark_would_not_take_or_score_sets_itself_is_refused(
    spark: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path, **spark)
