"""The statutory form as data: tables, rows, columns, labels, versions and equations (see form.toml)."""

from extractor.form.equations import Equation, equations
from extractor.form.model import (
    DISPUTE_BLOCKS,
    DISPUTE_COLUMNS,
    FORM,
    GROUPS,
    REQUEST_COLUMNS,
    REQUEST_ROWS,
    TABLES,
    Form,
    Label,
    cell_paths,
    fold,
    group_all,
)

__all__ = [
    "DISPUTE_BLOCKS",
    "DISPUTE_COLUMNS",
    "FORM",
    "GROUPS",
    "REQUEST_COLUMNS",
    "REQUEST_ROWS",
    "TABLES",
    "Equation",
    "Form",
    "Label",
    "cell_paths",
    "equations",
    "fold",
    "group_all",
]
