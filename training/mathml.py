"""Formulas in LaTeX as MathML, which browsers draw by themselves."""

from latex2mathml.converter import convert


def to_mathml(latex: str) -> str:
    """One formula on a line of its own."""
    return str(convert(latex, display="block"))
