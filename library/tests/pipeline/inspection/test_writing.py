"""Files of `init`: valid together, written over others on request only, with backups."""

import subprocess

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.pipeline.inspection.conftest import ROWS, coin, noise, rows
from tfxkit import cli
from tfxkit.config import loading as config
from tfxkit.onboarding.files import uncommitted
from tfxkit.runs import validation

TABLE = rows(
    customer_id=lambda i: 1000 + i,
    income=noise(1),
    town=lambda i: ["Ulm", "Bonn"][i % 2],
    Left=coin(1),
)


def write(tmp_path, text=TABLE):
    (tmp_path / "own data.csv").write_text(text)
    return tmp_path / "own data.csv"


def test_nothing_is_replaced_unasked(project, tmp_path, capfd):
    before = (project / "configs" / "dataset.yaml").read_bytes()
    file = write(tmp_path)
    assert cli.main(["init", "--data", str(file), "--config-dir", str(project / "configs")]) == 2
    screen = capfd.readouterr().err
    assert "dataset.yaml" in screen
    assert "--force" in screen
    assert (project / "configs" / "dataset.yaml").read_bytes() == before


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_what_git_has_is_replaced_without_asking(project, tmp_path, capfd):
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "-m", "as shipped")
    shipped = (project / "configs" / "dataset.yaml").read_bytes()
    arguments = ["init", "--data", str(write(tmp_path)), "--config-dir", str(project / "configs")]
    assert cli.main(arguments) == 0
    [kept] = (project / "configs").glob("before-init-*")
    assert (kept / "dataset.yaml").read_bytes() == shipped
    # Now they are not as git has them, and the data is there.
    assert cli.main(arguments) == 2
    told = capfd.readouterr().err
    assert "base.yaml" in told and "schema.pbtxt" in told and "own-data" in told


@pytest.mark.parametrize("state", ["edited", "staged", "untracked", "ignored", "in no commit"])
def test_what_git_does_not_have_is_asked_for(state, project):
    folder = project / "configs"
    git(project, "init")
    if state == "ignored":
        (project / ".gitignore").write_text("configs/\n")
        git(project, "add", ".gitignore")
        git(project, "commit", "-m", "first")
    elif state != "in no commit":
        git(project, "add", *(["configs/fast.yaml"] if state == "untracked" else ["."]))
        git(project, "commit", "-m", "first")
    if state in ("edited", "staged"):
        (folder / "base.yaml").write_text("pipeline: mine")
    if state == "staged":
        git(project, "add", ".")
    assert "base.yaml" in uncommitted(folder, ["base.yaml", "fast.yaml"])
    if state in ("edited", "staged", "untracked"):
        assert uncommitted(folder, ["fast.yaml"]) == []


def test_what_is_replaced_is_kept(init, project, tmp_path):
    before = (project / "configs" / "dataset.yaml").read_bytes()
    assert init(write(tmp_path)) == 0
    [kept] = (project / "configs").glob("before-init-*")
    assert (kept / "dataset.yaml").read_bytes() == before
    first = (project / "data" / "own-data" / "span-1" / "own data.csv").read_bytes()
    assert init(write(tmp_path, TABLE.replace("Ulm", "Kiel"))) == 0
    [old] = (project / "data").glob("own-data-before-init-*")
    assert (old / "span-1" / "own data.csv").read_bytes() == first
    assert [path.name for path in (project / "data").iterdir() if path.name.startswith(".")] == []


def test_all_overlays_hold(init, project, tmp_path):
    assert init(write(tmp_path)) == 0
    for overlays in (["local"], ["fast"], ["local", "fast"]):
        how = config.load(project / "configs", overlays)
        validation.check(how, project / "configs")
    assert how.pipeline == "own-data-fast"
    assert config.load(project / "configs", ["local"]).pipeline == "own-data"


def test_each_choice_has_its_reason(init, project, tmp_path):
    assert init(write(tmp_path)) == 0
    text = (project / "configs" / "dataset.yaml").read_text()
    columns = yaml.safe_load(text)["columns"]
    assert columns["customer_id"]["why"].startswith("An identifier")
    assert "  town: {role: categorical} # 'Bonn' and 'Ulm'." in text
    assert "'yes' is the positive value, by its name." in text
    assert f"{ROWS} rows and 4 columns" in text
    assert all(len(line) < 160 for line in text.splitlines())


@pytest.mark.parametrize(
    ("labels", "lines", "domain"),
    [
        (
            ["no", "yes"] * (ROWS // 2),
            {"positive": "yes", "negative": "no"},
            {"churned": ["no", "yes"]},
        ),
        (["a", "c", "b"] * (ROWS // 3), {"classes": ["a", "b", "c"]}, {"churned": ["a", "b", "c"]}),
        ([0, 1] * (ROWS // 2), {}, (0, 1)),
        ([1, 2, 4] * (ROWS // 3), {"classes": ["1", "2", "4"]}, (1, 4)),
    ],
)
def test_the_label_gets_the_domain_of_its_classes(labels, lines, domain, init, tmp_path):
    project = tmp_path / "project"
    assert init(write(tmp_path, rows(x=noise(1), churned=labels))) == 0
    dataset = yaml.safe_load((project / "configs" / "dataset.yaml").read_text())
    assert dataset["label"] == {"column": "churned", **lines}
    text = (project / "configs" / "schema.pbtxt").read_text()
    schema = text_format.Parse(text, schema_pb2.Schema())
    [label] = (feature for feature in schema.feature if feature.name == "churned")
    domains = {each.name: list(each.value) for each in schema.string_domain}
    if isinstance(domain, tuple):
        assert (label.int_domain.min, label.int_domain.max) == domain
        assert domains == {}
    else:
        assert domains == domain
        assert label.domain == "churned"
        assert label.distribution_constraints.min_domain_mass == 1.0


def test_an_amount_as_label_has_no_domain(init, project, tmp_path):
    assert init(write(tmp_path, rows(x=noise(1), price=noise(2)))) == 0
    schema = (project / "configs" / "schema.pbtxt").read_text()
    assert "domain: " not in schema and "string_domain {" not in schema


def test_the_screen_says_what_was_decided(init, tmp_path, capfd):
    assert init(write(tmp_path, TABLE.replace("\n1007,", "\n10x7,"))) == 0
    shown = capfd.readouterr().out
    for words in ("town", "identifier", "Chosen as the last column", "python -m pipeline run"):
        assert words in shown


def test_suspects_are_named(init, tmp_path, capfd):
    ages = [20 + i % 60 for i in range(ROWS)]
    ages[5] = ages[7] = ages[9] = -999
    sizes = [*map(str, range(ROWS - 1)), "3o"]
    assert init(write(tmp_path, rows(age=ages, size=sizes, x=noise(1), label=coin(1)))) == 0
    shown = " ".join(capfd.readouterr().out.split())
    assert "age: -999 in 3 rows lies far from all other values" in shown
    assert "size: mixed types" in shown
    assert "'3o' (row 120)" in shown


def test_options_from_a_file_and_a_name_of_the_pipelines_own(project, tmp_path, monkeypatch, capfd):
    write(tmp_path)
    monkeypatch.chdir(project)
    options = ["--data=../own data.csv", "", "--label=town", "--name=churn", "   "]
    (project / "configs" / "init.txt").write_text("\n".join(options))
    assert cli.main(["init", "@configs/init.txt", "--force"]) == 0
    assert "\nReview these files, then: python -m pipeline run\n" in capfd.readouterr().out
    assert cli.main(["init", "@configs/init.txt", "--force", "--no-next-step"]) == 0
    assert "python -m pipeline run" not in capfd.readouterr().out  # `make run` runs it anyway
    how = config.load(project / "configs", ["local"])
    assert (how.pipeline, how.dataset.label.column) == ("churn", "town")
    assert how.data.path == "data/own-data"
    assert config.load(project / "configs", ["fast"]).pipeline == "churn-fast"


def test_a_file_of_options_that_is_not_there(capfd):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["init", "@configs/none.txt"])
    assert stopped.value.code == 2
    assert "configs/none.txt" in capfd.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("name", ["My pipeline", "", "x_y", "a" * 120])
def test_what_is_no_name_of_a_pipeline(name, init, tmp_path, capfd):
    assert init(write(tmp_path), name=name) == 2
    assert "--name" in capfd.readouterr().err
