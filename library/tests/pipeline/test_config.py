"""The configuration: sources are merged, what is wrong is named."""

import shutil

import pytest
import yaml

from tests.sample_project import CONFIGS
from tfxkit.config import loading as configs
from tfxkit.config.engines import BeamConfig
from tfxkit.config.loading import ConfigError
from tfxkit.runs import validation


@pytest.fixture
def config_dir(tmp_path):
    shutil.copytree(CONFIGS, tmp_path / "configs")
    return tmp_path / "configs"


def test_what_show_prints_loads_back_to_the_same():
    config = configs.load(CONFIGS, ["local"])
    assert type(config).model_validate(yaml.safe_load(config.to_yaml())) == config


def test_later_sources_win(config_dir):
    (config_dir / "one.yaml").write_text("train: {epochs: 3, seed: 5}\n")
    (config_dir / "two.yaml").write_text("train: {epochs: 4}\n")
    config = configs.load(config_dir, ["one", "two"], ["train.patience=2"])
    assert (config.train.epochs, config.train.seed, config.train.patience) == (4, 5, 2)


def test_an_overlay_reaches_into_the_description_of_the_data(config_dir):
    (config_dir / "mine.yaml").write_text(
        "dataset: {evaluation: {thresholds: {auc: {min: 0.5}}}}\n"
    )
    before, after = configs.load(config_dir), configs.load(config_dir, ["mine"])
    assert after.dataset.evaluation.thresholds["auc"].min == 0.5
    assert after.dataset.columns == before.dataset.columns


def test_null_takes_a_threshold_away():
    with_auc = configs.load(CONFIGS)
    without = configs.load(CONFIGS, (), ["dataset.evaluation.thresholds.auc=null"])
    assert "auc" in with_auc.dataset.evaluation.thresholds
    assert "auc" not in without.dataset.evaluation.thresholds


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("data.spnas=1", "data.spnas: unknown key; did you mean spans?"),
        ("trian.epochs=1", "trian: unknown key; did you mean train?"),
        ("dataset.columns.fare.rol=x", "dataset.columns.fare.rol: unknown key; did you mean role?"),
        ("dataset.evaluation.thresholds.auc.mn=1", "did you mean min?"),
        ("dataset.evaluation.worst_slice.metrik=auc", "did you mean metric?"),
        ("beam.zzz=1", "known here: engine, mode, workers, flink, spark, dataflow, options"),
        ("beam.flink.paralelism=2", "did you mean parallelism?"),
        ("train.epochs=zero", "train.epochs: "),
        ("train.epochs=0", "train.epochs: "),
        ("data.spans=last", "data.spans: "),
        ("data.splits={train: 1}", "data.splits: "),
        ("data.split_by=3", "data.split_by: "),
        ("data.split_at={column: a, bounds: {}}", "data.split_at.bounds: "),
        ("data.split_at={column: a, bounds: {eval: yes}}", "data.split_at.bounds.eval"),
        ("data.split_at={column: a, bounds: {eval: .nan}}", "data.split_at.bounds.eval"),
        (f"data.split_at={{column: a, bounds: {{eval: {10**400}}}}}", "data.split_at.bounds.eval"),
        ("data.split_at={column: a, bounds: {eval: 2016-01-01 10:00:00}}", "a time in quotes"),
        ("data.split_at={column: a, bounds: {eval: 1, b: 1}}", "no two splits can begin at"),
        ("data.split_at={column: a, bounds: {eval: 1, b: x}}", "all are numbers or all are text"),
        ("data.split_at={column: a, bounds: {test: 1}}", "there is no split test in splits"),
        ("data.split_at={column: a, bounds: {train: 1, eval: 2}}", "all but the one with"),
        (
            "data={split_by: a, split_at: {column: a, bounds: {eval: 1}}}",
            "either split_by or split_at",
        ),
        ("data.columns={fare: {missing: NA}}", "data.columns.fare.missing: must be a list"),
        ("data.columns={fare: {missing: [no]}}", "data.columns.fare.missing: must be texts"),
        ("data.columns={fare: {parse: {sign: $}}}", "data.columns.fare.parse.sign"),
        (
            "data={csv: {decimal: ','}, columns: {fare: {parse: {thousands: ','}}}}",
            "columns.fare.parse: thousands and data.csv.decimal must differ",
        ),
        (
            "dataset.columns.trip_start_timestamp.parts=[trend, trend]",
            "parts: each can be named once",
        ),
        ("dataset.columns.trip_start_timestamp.parts=[month]", "trip_start_timestamp.parts"),
        ("dataset.columns.trip_start_timestamp.parts=[]", "trip_start_timestamp.parts"),
        ("dataset.columns.fare.parts=[trend]", "role numeric has no option parts"),
        ("data.reader=components/orders.py", "data.reader: write the dotted name of a module"),
        ("data.reader_options={table: a}", "reader_options need a reader"),
        ("pipeline=Has_Capitals", "pipeline: "),
        ("no-equals-sign", "KEY.KEY=VALUE"),
        ("a..b=1", "KEY.KEY=VALUE"),
        ("train.epochs=[1", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_named(setting, named):
    settings = ["data.splits=null", setting] if "splits=" in setting else [setting]
    with pytest.raises(ConfigError) as error:
        configs.load(CONFIGS, (), settings)
    assert named in str(error.value)


@pytest.mark.parametrize("module", ["components.no_such", "no_such", "components.errors.orders"])
def test_a_reader_that_is_not_there_is_refused_before_a_run(module):
    with pytest.raises(ConfigError, match=rf"data\.reader: there is no module {module}"):
        validation.check_reader(module)
    validation.check_reader("tfxkit.components.pusher")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("{fair: {missing: []}}", r"data\.columns describes the column 'fair', .* mean fare\?"),
        (
            "{company: {parse: {prefix: $}}}",
            r"data\.columns\.company\.parse: 'company' is BYTES in .* or remove parse",
        ),
    ],
)
def test_forms_of_columns_fit_the_schema(columns, message):
    config = configs.load(CONFIGS, (), [f"data.columns={columns}"])
    with pytest.raises(ConfigError, match=message):
        validation.check_schema(config, CONFIGS)


@pytest.mark.parametrize("module", ["pipeline.no_such", "no_such.dag"])
def test_a_dag_that_is_not_there_is_refused_before_a_run(module):
    config = configs.load(CONFIGS, (), [f"dag={module}"])
    with pytest.raises(ConfigError, match=rf"dag: there is no module {module} with the steps"):
        validation.check_description(config, CONFIGS)


@pytest.mark.parametrize(
    ("label", "advice"),
    [
        (
            {"task": "multiclass", "label": {"column": "company", "classes": ["a", "b"]}},
            "label.classes: [a, b, c]",
        ),
        (
            {"task": "binary", "label": {"column": "company", "positive": "a", "negative": "b"}},
            "has 'c' beside 'b' and 'a', but the task binary has two values",
        ),
    ],
)
def test_a_domain_of_the_label_with_a_value_that_is_no_class_is_refused(label, advice, config_dir):
    schema = config_dir / "schema.pbtxt"
    domain = 'string_domain { name: "company" value: "a" value: "b" value: "c" }'
    text = schema.read_text().replace('name: "company"', 'name: "company"\n  domain: "company"')
    schema.write_text(f"{text}\n{domain}\n")
    dataset = {**label, "columns": {"fare": {"role": "numeric"}}}
    (config_dir / "dataset.yaml").write_text(yaml.safe_dump(dataset))
    config = configs.load(config_dir)
    with pytest.raises(ConfigError) as error:
        validation.check_schema(config, config_dir)
    assert advice in str(error.value)
    schema.write_text(schema.read_text().replace(' value: "c"', ""))
    validation.check_schema(config, config_dir)


@pytest.mark.parametrize("path", ["host=db dbname=shop", "orders", "postgresql://db/shop"])
def test_a_reader_gets_text_that_names_no_file_as_it_is(path, config_dir):
    settings = [f"data.path={path}", "data.reader=components.trips"]
    config = configs.load(config_dir, (), settings)
    assert configs.data_path(config, config_dir) == path
    file = config_dir.parent / "shop.sqlite"
    file.touch()
    config = configs.load(config_dir, (), ["data.path=shop.sqlite", *settings[1:]])
    assert configs.data_path(config, config_dir) == str(file)


def test_a_date_is_text_in_the_data():
    found = configs.load(CONFIGS, (), ["data.split_at={column: day, bounds: {eval: 2016-02-29}}"])
    assert found.data.split_at.bounds == {"eval": "2016-02-29"}
    assert type(found).model_validate(yaml.safe_load(found.to_yaml())) == found


def test_all_problems_are_told_at_once():
    with pytest.raises(ConfigError) as error:
        configs.load(CONFIGS, (), ["train.epochs=x", "data.foo=1"])
    assert "train.epochs" in str(error.value) and "data.foo" in str(error.value)


def test_a_missing_overlay_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean fast"):
        configs.load(CONFIGS, ["fats"])


def test_an_overlay_of_a_backend_without_the_backends_own_names_the_order(config_dir):
    (config_dir / "gpu.yaml").write_text(
        "kubeflow: {steps: {Trainer: {accelerator: {type: nvidia.com/gpu}}}}\n"
    )
    with pytest.raises(ConfigError) as error:
        configs.load(config_dir, ["local", "gpu"])
    first, *problems = str(error.value).splitlines()
    assert first.startswith("The configuration is not valid (")
    assert problems == [
        "  gpu.yaml changes the section kubeflow. Apply it after kubeflow: "
        "--config local --config kubeflow --config gpu"
    ]
    config = configs.load(config_dir, ["local", "kubeflow", "gpu"])
    assert config.kubeflow.steps["Trainer"].accelerator.count == 1


@pytest.mark.parametrize("missing", ["base", "dataset"])
def test_where_there_is_no_description_yet_it_says_how_to_make_one(missing, config_dir):
    (config_dir / f"{missing}.yaml").unlink()
    with pytest.raises(
        ConfigError, match=r"pipeline init --data FILE.csv --config-dir .* writes it"
    ):
        configs.load(config_dir)
    (config_dir / "init.txt").write_text("--data=data/own\n")
    with pytest.raises(ConfigError, match=r"pipeline init @.*init\.txt --config-dir .* writes it"):
        configs.load(config_dir)


def test_broken_yaml_names_file_and_line(config_dir):
    (config_dir / "local.yaml").write_text("train:\n  epochs: [1\n")
    with pytest.raises(ConfigError, match=r"local\.yaml is not valid YAML(.|\n)*line"):
        configs.load(config_dir, ["local"])


def test_a_list_for_a_file_is_refused(config_dir):
    (config_dir / "local.yaml").write_text("- a\n")
    with pytest.raises(ConfigError, match="must hold keys and values"):
        configs.load(config_dir, ["local"])


def test_a_configuration_cannot_be_changed():
    config = configs.load(CONFIGS)
    with pytest.raises(ValueError, match="frozen"):
        config.train.epochs = 3


@pytest.mark.parametrize(
    ("settings", "data_bytes", "mode", "workers"),
    [
        ({"workers": 2}, 1_999_999_999, "in_memory", 1),
        ({"workers": 2}, 2_000_000_000, "multi_processing", 2),
        ({"workers": 1}, 2_000_000_000, "in_memory", 1),
        ({"mode": "in_memory"}, 2_000_000_000, "in_memory", 1),
        ({"mode": "multi_threading", "workers": 3}, 0, "multi_threading", 3),
        ({"mode": "multi_processing"}, 0, "multi_processing", 0),
    ],
)
def test_large_data_is_worth_several_processes(settings, data_bytes, mode, workers):
    args = BeamConfig(**settings).pipeline_args(data_bytes)
    assert f"--direct_running_mode={mode}" in args
    assert f"--direct_num_workers={workers}" in args


def test_beam_options_become_arguments():
    config = configs.load(
        CONFIGS,
        (),
        ["beam.mode=multi_processing", "beam.workers=2", "beam.options.temp_location=x"],
    )
    assert config.beam.pipeline_args() == [
        "--runner=FnApiRunner",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=2",
        "--sdk_container_image=none",
        "--temp_location=x",
    ]
    flags = configs.load(
        CONFIGS, (), ["beam.mode=in_memory", "beam.options={streaming: true, no_flag: false}"]
    )
    assert flags.beam.pipeline_args()[4:] == ["--streaming"]


@pytest.mark.parametrize("module", ["pipeline.no_such_steps", "tfxkit.errors"])
def test_a_project_without_the_settings_of_own_steps_is_refused(module, monkeypatch):
    monkeypatch.setattr(configs, "STEPS_MODULE", module)
    with pytest.raises(ConfigError, match="there is no class Steps"):
        configs.load(CONFIGS)
