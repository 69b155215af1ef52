"""VAE Loss Lab: see what the loss of a variational autoencoder does. Start with: streamlit run streamlit_app.py"""


def main() -> None:
    import streamlit as st

    from vae.ui.shell import ICON, pages

    st.set_page_config(page_title="VAE Loss Lab", page_icon=ICON, layout="wide")
    pages().run()


if __name__ == "__main__":  # Dask's workers import this file under another name, and must not run the app
    main()
