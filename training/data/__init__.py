"""From any accepted file to one folder: `data.parquet`, `dataset.json`. Streams, no torch."""
