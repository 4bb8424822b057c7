import pydantic
import pytest

from tfxkit.config.data import PLAIN_CSV, CsvFormat


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("UTF8", "utf-8"), ("utf_8_sig", "utf-8"), ("windows-1252", "cp1252"), ("UTF-16", "utf-16")],
)
def test_an_encoding_has_one_name(name, encoding):
    """Another spelling must not read all data again."""
    assert CsvFormat(encoding=name).encoding == encoding


def test_numbers_that_mean_missing_are_texts():
    how = CsvFormat.model_validate({"missing": ["NA", -999]})
    assert how.missing == ("NA", "-999")
    assert CsvFormat.model_validate(how.model_dump(mode="json")) == how != PLAIN_CSV


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"delimiter": ""}, "one ASCII character; a tab is"),
        ({"delimiter": "; "}, "delimiter"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"delimiter": "·"}, "delimiter"),
        ({"quote": "''"}, 'one ASCII character; "" for none'),
        ({"delimiter": "|", "quote": "|"}, "must differ"),
        ({"encoding": "utf-9"}, "no such encoding; there are utf-8"),
        ({"encoding": "base64"}, "no such encoding"),
        ({"escape": ","}, "escape needs a quote, and differs from it"),
        ({"escape": "\\", "quote": ""}, "escape needs a quote"),
        ({"comment": "# "}, "comment"),
        ({"skip_lines": -1}, "skip_lines"),
        ({"header": "names"}, "must be a list of names, or none"),
        ({"header": []}, "must be different names"),
        ({"header": ["a", "a"]}, "must be different names"),
        ({"missing": "NA"}, "must be a list"),
        ({"missing": ["NA", None]}, "put None in quotes"),
        ({"missing": [9.5]}, "put 9.5 in quotes"),
        ({"missing": [False]}, "put False in quotes"),
    ],
)
def test_what_no_file_can_be_written_as_is_refused(values, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        CsvFormat.model_validate(values)
