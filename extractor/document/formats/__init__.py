"""File formats → blocks (content.py): one module a format, each with `read_FORMAT(data) -> Stored`."""
