"""The page's answer where MNIST is absent and no mirror can be reached (the only one named is a closed loopback port)."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    from vae import TrainConfig
    from vae.data.torchvision_import import datasets as torchvision_datasets
    from vae.training.race import RaceConfig
    from vae.ui.train import datasets
    from vae.ui.train.state import STATE

    torchvision_datasets.MNIST.mirrors = ["http://127.0.0.1:9/"]
    STATE.restore()
    datasets.ensure_present(RaceConfig(TrainConfig(dataset="mnist")))


def test_a_fetch_without_a_network_says_so_and_names_digits(monkeypatch, tmp_path):
    from vae.data.torchvision_import import datasets

    monkeypatch.setattr(datasets.MNIST, "mirrors", list(datasets.MNIST.mirrors))  # put back after the test
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    app = AppTest.from_function(page, default_timeout=60).run()
    assert "not on this machine yet" in app.info[0].value
    next(b for b in app.button if b.label == "Fetch mnist").click().run()
    assert not app.exception
    (error,) = app.error
    assert "could not be fetched" in error.value and "'digits' needs none" in error.value
    next(b for b in app.button if b.label == "Use the small digits").click().run()
    assert app.session_state["train:state"]["set"]["dataset"] == "digits"
