"""Models that were trained before: in packages, folders and hubs, brought by people, or left by an earlier run."""
