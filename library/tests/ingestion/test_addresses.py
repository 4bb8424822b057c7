"""Nothing of a password, however it is written, is in a description or an error."""

import pytest

from tfxkit.ingestion.addresses import masked, public_address, secret_parts


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("postgresql://u:geheim@h:5432/d?sslmode=require", "postgresql://h:5432/d"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://u@h/d", "postgresql://h/d"),
        ("postgresql://u:ge/heim@h/d", "postgresql://h/d"),
        ("postgresql://u:ge@heim@h/d", "postgresql://h/d"),
        ("postgresql://u:ge?hei#m@h/d", "postgresql://h/d"),
        ("postgresql://u:ge[heim@h/d", "postgresql://h/d"),
        ("postgresql://h/d?user=u&password=geheim", "postgresql://h/d"),
        ("postgresql://h/d?user=a@b&password=geheim", "postgresql://b"),
        ("u:geheim@account/db/schema?warehouse=w", "account/db/schema"),
        ("u:geheim@account/db?authenticator=https://x.okta.com", "account/db"),
        ("https://catalog.example/api", "https://catalog.example/api"),
        ("sqlite:////data/catalog.db", "sqlite:////data/catalog.db"),
    ],
)
def test_the_public_part_of_an_address(address, public):
    assert public_address(address) == public


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("postgresql://u:geheim@h/d", "no access to postgresql://u:geheim@h/d"),
        ("postgresql://u:geheim@h/d", "password geheim is wrong"),
        ("postgresql://u:geheim@h/d", "u:geheim is wrong"),
        ("postgresql://u:gehe%69m%20x@h/d", "password 'geheim x', that is gehe%69m%20x"),
        ("postgresql://u:geheim/5@h/d", 'invalid value "geheim" for the option port'),
        ("postgresql://u:gehe?im@h/d", "no host gehe"),
        ("postgresql://h/d?password=geheim&x=1", "geheim"),
        ("u@account/db?privateKey=geheim", "no key geheim"),
    ],
)
def test_an_error_without_the_secret(address, text):
    shown = masked(text, secret_parts(address))
    assert "geheim" not in shown and "gehe" not in shown and "•••" in shown


def test_a_short_password_does_not_hide_a_message():
    assert masked("table a is absent: a", secret_parts("x://u:a@h/d")) == "table ••• is absent: •••"
    assert masked("a message", secret_parts("x://h/d")) == "a message"
