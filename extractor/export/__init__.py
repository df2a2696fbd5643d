"""What goes out: tables for spreadsheets, statistics programs and databases, and the JSON Schema (docs/export.md)."""
