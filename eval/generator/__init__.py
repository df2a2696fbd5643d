"""True random reports × layouts × noise: what is on paper is known, so the promise can be attacked.

The generator shares no code with the reader: of the project it knows only the form (`extractor.form`).
"""

from extractor.eval.generator.sample import EVERY_FAMILY, FAMILIES, Expected, Planted, Sample, generate

__all__ = ["EVERY_FAMILY", "FAMILIES", "Expected", "Planted", "Sample", "generate"]
