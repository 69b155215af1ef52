"""The only place that knows Streamlit, besides the pages: session state, cached resources, controls, components."""
