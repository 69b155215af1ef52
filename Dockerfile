# VAE Loss Lab in a container: for a class, one worker, on the processor, not as root. docs/deploy.md says how it is run.
# One stage: nothing is compiled, so there is nothing to leave behind. `make container-check` runs these steps without Docker.
FROM python:3.11-slim

# PyTorch's build for processors alone; the hashes of requirements.lock say which file may come from there.
ARG CPU_WHEELS=https://download.pytorch.org/whl/cpu

WORKDIR /app
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --extra-index-url "$CPU_WHEELS" -r requirements.lock

COPY streamlit_app.py pyproject.toml LICENSE ./
COPY .streamlit .streamlit
COPY checkpoints checkpoints
COPY pages pages
COPY vae vae

# What the app writes lies in /data, and nothing else may be written; plotly.js is copied to where pages fetch it.
RUN mkdir -p /data/sets /data/sweeps && chown -R 10001:10001 /data \
 && python -m compileall -q vae pages \
 && python -c "from vae.ui.shared.assets import plotly_js; plotly_js()"

ENV HOST=0.0.0.0 \
    PORT=8501 \
    HOME=/data \
    VAE_DATA=/data/sets \
    VAE_SWEEPS=/data/sweeps \
    VAE_WORKERS=1 \
    VAE_DEVICE=cpu \
    VAE_WORKER_MEMORY=900000000 \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    MALLOC_TRIM_THRESHOLD_=16777216 \
    PYTHONUNBUFFERED=1

USER 10001:10001
VOLUME /data
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD python -c "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/_stcore/health', timeout=4)"

CMD ["python", "-m", "vae.serving", "serve"]
