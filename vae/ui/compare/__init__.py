"""The Compare page: models side by side under every measure, and the continuous Bernoulli rescue."""
