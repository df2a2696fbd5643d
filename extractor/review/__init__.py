"""What people say of a result: what to look at first, decisions on cells, the record with them applied."""
