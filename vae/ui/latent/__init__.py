"""The Latent page, part by part."""
