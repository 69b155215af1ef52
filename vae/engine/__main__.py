"""python -m vae.engine 2: a local cluster of two workers that ends when its standard input does (local.py)."""

from vae.engine.local import serve

if __name__ == "__main__":
    serve()
