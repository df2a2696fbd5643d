"""Parquet and DuckDB, in batches: amounts as DECIMAL(38, 10), counts as 64-bit integers, null where nothing is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from extractor.export.columns import Column
from extractor.export.dictionary import HEADINGS, dictionary
from extractor.export.needs import Untold, need, told
from extractor.export.shapes import Row

PRECISION, SCALE = 38, 10
_CELLS = 300_000  # of one batch
_DUCKDB_MEMORY = "512MB"


def fits_decimal(value: Decimal) -> bool:
    """Whether an amount goes into DECIMAL(38, 10) exactly."""
    exponent = value.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -SCALE and value.adjusted() < PRECISION - SCALE


def fits_integer(value: int) -> bool:
    """Whether a count goes into a signed 64-bit integer."""
    return -(2**63) <= value < 2**63


def arrow_schema(columns: Sequence[Column]) -> Any:
    """The pyarrow.Schema; each field's metadata is its line of the data dictionary."""
    pyarrow = need("pyarrow")
    kinds = {
        "text": pyarrow.string(),
        "choice": pyarrow.string(),
        "whole": pyarrow.int64(),
        "count": pyarrow.int64(),
        "amount": pyarrow.decimal128(PRECISION, SCALE),
        "flag": pyarrow.bool_(),
    }
    fields = []
    for column, entry in zip(columns, dictionary(columns), strict=True):
        metadata = {key: text for key, text in zip(HEADINGS, entry.cells(), strict=True) if text and key != "name"}
        fields.append(pyarrow.field(column.name, kinds[column.kind], metadata=metadata))
    return pyarrow.schema(fields)


def batches(schema: Any, columns: Sequence[Column], rows: Iterable[Row], untold: Untold) -> Iterator[Any]:
    """Rows as pyarrow.RecordBatch. A number that its type cannot hold is null there, and told; its exact text stays."""
    pyarrow = need("pyarrow")
    taken, size = iter(rows), max(1, _CELLS // len(columns))
    while batch := list(islice(taken, size)):
        arrays = []
        for index, (column, field) in enumerate(zip(columns, schema, strict=True)):
            values = [row[index] for row in batch]
            if column.kind in ("count", "amount"):
                fits: Any = fits_integer if column.kind == "count" else fits_decimal
                values = [untold.check(value, fits, column.name) for value in values]
            arrays.append(pyarrow.array(values, type=field.type))
        yield pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def write_parquet(path: Path, columns: Sequence[Column], rows: Iterable[Row], untold: Untold) -> int:
    """Writes a Parquet file; gives the number of rows."""
    parquet = need("pyarrow.parquet")
    schema, number = arrow_schema(columns), 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches(schema, columns, rows, untold):
            writer.write_batch(batch)
            number += batch.num_rows
    return number


def write_duckdb(
    path: Path,
    table: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    untold: Untold,
    others: Callable[[], dict[str, tuple[Sequence[str], list[Sequence[Any]]]]],
) -> int:
    """Writes a DuckDB file with the table, the table `dictionary` and what `others` gives at the end (name → headings,
    rows of text); every column has its label as comment."""
    duckdb = need("duckdb")
    schema, number = arrow_schema(columns), 0
    with told(duckdb.Error):
        connection = duckdb.connect(str(path), config={"memory_limit": _DUCKDB_MEMORY})
        try:
            first = True
            for batch in batches(schema, columns, rows, untold):
                connection.register("batch", batch)
                connection.execute(
                    f"create table {table} as from batch" if first else f"insert into {table} from batch"
                )
                connection.unregister("batch")
                first, number = False, number + batch.num_rows
            if first:
                connection.register("batch", schema.empty_table())
                connection.execute(f"create table {table} as from batch")
                connection.unregister("batch")
            for column in columns:
                label = f"{column.label}: {column.about}".replace("'", "''")
                connection.execute(f"comment on column {table}.{column.name} is '{label}'")
            entries: list[Sequence[Any]] = [entry.cells() for entry in dictionary(columns)]
            for name, (headings, lines) in {"dictionary": (HEADINGS, entries), **others()}.items():
                fields = ", ".join(f'"{heading}" varchar' for heading in headings)
                connection.execute(f"create table {name} ({fields})")
                if lines:
                    marks = ", ".join("?" * len(headings))
                    connection.executemany(f"insert into {name} values ({marks})", lines)
            connection.execute("checkpoint")
        finally:
            connection.close()
    return number
