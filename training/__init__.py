"""The engine: reads data, trains, evaluates and answers, with PyTorch and transformers and without Django.

The catalog side (spec, events, registry, errors, recipes, report, tasks, architectures, data) imports no torch, so that
the website can read it. Everything else runs only in worker processes.
"""
