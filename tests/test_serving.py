"""What `make run` and `make serve` say about who can reach the app."""

from vae.door.rules import Rules
from vae.serving import codes, notice


def test_loopback_is_said_to_be_private():
    said = notice("127.0.0.1", "8501", {})
    assert "http://127.0.0.1:8501" in said and "this machine only" in said and "Warning" not in said


def test_an_open_address_is_given_out_with_a_warning():
    said = notice("0.0.0.0", "8600", {})
    assert "give out http://" in said and ":8600" in said and "Warning: everybody on this network" in said
    assert "0.0.0.0" not in said
    assert "http://192.0.2.7:80" in notice("192.0.2.7", "80", {}) and "http://[2001:db8::1]:80" in notice(
        "2001:db8::1", "80", {}
    )


def test_a_class_is_given_a_code_and_the_lecturer_a_key_that_the_door_accepts_and_nobody_guesses():
    found = [codes({}) for _ in range(20)]
    assert len({one["VAE_CODE"] for one in found}) == 20
    for one in found:
        rules = Rules.of(one, "0.0.0.0")
        assert (rules.code, rules.key) == (one["VAE_CODE"], one["VAE_KEY"])
        assert all(code in notice("0.0.0.0", "1", one) for code in one.values())
    assert codes({"VAE_CODE": "our own"})["VAE_CODE"] == "our own"
