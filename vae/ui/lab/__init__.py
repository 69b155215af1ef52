"""The Lab page: sweeps, how they are started and watched, and what they say."""
