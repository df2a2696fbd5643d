"""What reading costs, how it grows, what it keeps in memory: ratios measured side by side in one run.

`python -m extractor.eval.bench [--short] [--soak N] [--out FILE] [--json]`; exit 1 if a target is missed.
"""
