"""The networks, one family per file, in plain PyTorch."""
