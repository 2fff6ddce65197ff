"""Texts as tensors and as counts: tokenizers, windows, pairs, words, names, and how near one text is to another."""
