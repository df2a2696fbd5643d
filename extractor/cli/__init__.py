"""The command `gouji`: one module per command; heavy imports only where they are needed."""
