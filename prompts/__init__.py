"""Prompts as data with versions; installed as `extractor.prompts`."""
