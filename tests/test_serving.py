"""What `make run` says about who can reach the app."""

from vae.serving import notice


def test_loopback_is_said_to_be_private():
    assert "http://127.0.0.1:8501" in notice("127.0.0.1", "8501") and "Warning" not in notice("127.0.0.1", "8501")


def test_an_open_address_is_given_out_with_a_warning():
    said = notice("0.0.0.0", "8600")
    assert "give out http://" in said and ":8600" in said and "Warning: everybody on this network" in said
    assert "0.0.0.0" not in said.replace("HOST=0.0.0.0", "")
    assert "http://192.0.2.7:80" in notice("192.0.2.7", "80")
