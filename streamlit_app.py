"""VAE Loss Lab: see what the loss of a variational autoencoder does. Start with: streamlit run streamlit_app.py"""

import streamlit as st

if __name__ == "__main__":  # a page is made: Streamlit runs this file each time
    from vae.ui.shared.shell import ICON, pages

    st.set_page_config(page_title="VAE Loss Lab", page_icon=ICON, layout="wide")
    pages().run()
else:  # the server starts, and imports it once
    from vae import launch

    launch.ahead()
    from vae.ui.shared import server

    app = st.App(__file__, lifespan=server.lifespan, routes=server.routes(), middleware=server.middleware())
