"""Bodies with `Content-Encoding: gzip`, sent to a server on a port."""

import gzip
import json
import zlib

import pytest

ROWS = {"examples": [{"x": 1.5, "n": 2, "word": "abc"}, {"x": None, "n": 4, "word": ""}]}
PLAIN = json.dumps(ROWS).encode()
PACKED = gzip.compress(PLAIN)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "identity, gzip", " gzip ,"])
def test_a_gzip_body_is_answered_like_the_plain_one(server, encoding):
    status, answer, _ = server.post(PACKED, {"Content-Encoding": encoding})
    assert (status, answer) == (200, {"predictions": [[8.0], [4.0]]})
    assert answer == server.post(PLAIN)[1]


@pytest.mark.parametrize("encoding", ["identity", ""])
def test_a_plain_body_stays_one(server, encoding):
    assert server.post(PLAIN, {"Content-Encoding": encoding})[:2] == (
        200,
        {"predictions": [[8.0], [4.0]]},
    )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (PLAIN, "damaged: Error -3"),
        (zlib.compress(PLAIN), "damaged: Error -3"),
        (PACKED[:-9], "truncated"),
        (PACKED[:5], "truncated"),
        (PACKED[:-6] + b"\0\0" + PACKED[-4:], "damaged: Error -3"),
        (PACKED + b"more", "bytes after its end"),
        (PACKED + PACKED, "bytes after its end"),
        (gzip.compress(PACKED), "JSON Parse error"),
        (gzip.compress(b""), "The document is empty"),
        (b"", "truncated"),
    ],
)
def test_a_body_that_is_no_whole_gzip_file_is_refused(server, body, problem):
    status, answer, _ = server.post(body, {"Content-Encoding": "gzip"})
    assert status == 400 and problem in answer["error"]
    assert server.post(ROWS)[0] == 200


def test_a_body_that_unpacks_to_more_than_the_limit_is_refused(server):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(257)) + packer.flush()
    assert len(bomb) < 1 << 20
    status, answer, _ = server.post(bomb, {"Content-Encoding": "gzip"})
    assert status == 413 and "more than 256 MiB unpacked" in answer["error"]
    assert server.post(ROWS)[0] == 200


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_other_encodings_are_refused_with_the_supported_one(server, encoding):
    status, answer, headers = server.post(PACKED, {"Content-Encoding": encoding})
    assert status == 415 and headers["Accept-Encoding"] == "gzip"
    assert answer["error"] == (
        f"Content-Encoding {encoding} is not supported. Send gzip, or no encoding."
    )


def test_refusals_count_as_invalid_requests(server):
    server.post(PACKED, {"Content-Encoding": "br"})
    server.post(PACKED, {"Content-Encoding": "gzip"})
    counts = [line for line in server.metrics().splitlines() if "request_count_total{" in line]
    assert [line.split("status=")[1] for line in counts] == ['"INVALID_ARGUMENT"} 1.0', '"OK"} 1.0']
