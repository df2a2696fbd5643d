"""The validator's rules. Deterministic; they judge numbers and never change one."""
