import pydantic
import pytest
import yaml

from tests.sample_project import CONFIGS
from tfxkit.config.dataset import Column, Dataset

LABEL = {"column": "y"}
COLUMNS = {"x": {"role": "numeric"}, "why not": {"role": "ignored"}}


def dataset(task="binary", label=LABEL, columns=COLUMNS):
    return Dataset.model_validate({"task": task, "label": label, "columns": columns})


def test_what_the_label_is_made_from_is_no_feature():
    taxi = Dataset.model_validate(yaml.safe_load((CONFIGS / "dataset.yaml").read_text()))
    assert taxi.label_sources() == {"tips"}
    assert "tips" not in taxi.features()
    assert "fare" in taxi.features()


def test_a_note_for_the_reader_changes_nothing_that_steps_depend_on():
    noted = dataset(columns={"x": {"role": "numeric", "why": "because"}})
    plain = dataset(columns={"x": {"role": "numeric"}})
    assert noted.for_model() == plain.for_model()


def test_what_steps_get_reads_back_to_the_same():
    column = {"role": "categorical", "vocabulary_size": 5, "fill": "none"}
    original = dataset(columns={"x": column})
    assert Dataset.model_validate(original.for_model()) == original


def test_keys_that_a_project_does_not_use_change_no_cache_key():
    """A project of an older version has steps in its cache that depend on this part."""
    columns = dataset(columns={"t": {"role": "timestamp"}, "x": {"role": "numeric"}})
    for column in columns.for_model()["columns"].values():
        assert not {"known", "parts"} & column.keys()
    column = {"role": "timestamp", "parts": ["trend"], "known": True}
    chosen = dataset(columns={"t": column})
    assert chosen.for_model()["columns"]["t"]["parts"] == ["trend"]
    assert Dataset.model_validate(chosen.for_model()) == chosen


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"role": "categorical", "unit": "ms"}, "role categorical has no option unit"),
        ({"role": "numeric", "min_count": 3}, "role numeric has no option min_count"),
        ({"role": "timestamp", "fill": 0}, "role timestamp has no option fill"),
        (
            {"role": "timestamp", "unit": "ms", "order": "dmy"},
            "applies only to text dates: set .unit: text",
        ),
        ({"role": "timestamp", "unit": "d"}, "unit"),
        ({"role": "text", "fill": "none"}, "role text has no option fill"),
        ({"role": "numeric", "fill": "much"}, "needs a number for fill"),
        ({"role": "bucketized", "buckets": 1}, "greater than or equal to 2"),
    ],
)
def test_an_option_that_the_role_would_ignore_is_refused(column, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Column.model_validate(column)


@pytest.mark.parametrize(
    ("task", "label", "message"),
    [
        ("regression", {"column": "y", "greater_than": 1}, "for the task binary"),
        ("binary", {"column": "y", "times": "x"}, "times needs greater_than"),
        ("binary", {"column": "y", "greater_than": 1, "positive": "yes"}, "give either"),
        ("multiclass", {"column": "y"}, "classes are for the task multiclass, which needs them"),
        ("binary", {"column": "y", "classes": ["a", "b"]}, "classes are for the task multiclass"),
        ("multiclass", {"column": "y", "classes": ["a", "a"]}, "each named once"),
        ("binary", {"column": "x"}, "cannot be a feature"),
    ],
)
def test_a_label_that_does_not_fit_the_task_is_refused(task, label, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        dataset(task, label)


def test_all_features_may_be_made_in_code():
    assert dataset(columns={"x": {"role": "ignored"}}).features() == {}


def test_an_accepted_leak_is_an_option_of_a_feature_and_changes_no_other_description():
    def describe(**options):
        columns = {"x": {"role": "numeric", **options}}
        return Dataset.model_validate(
            {"task": "binary", "label": {"column": "y"}, "columns": columns}
        )

    assert "known" not in describe().for_model()["columns"]["x"]
    accepted = describe(known=True)
    assert accepted.for_model()["columns"]["x"]["known"] is True
    assert Dataset.model_validate(accepted.for_model()).columns["x"].known
    with pytest.raises(ValueError, match="role ignored has no option known"):
        describe(role="ignored", known=True)
