"""Settings, limits and presets that several architectures share. Read by the website too, so without torch."""
