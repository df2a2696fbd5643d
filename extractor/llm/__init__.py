"""Endpoints: one question to an OpenAI-compatible model, one checked answer, and a row in the ledger for every call.

Nothing here knows of reports, tables or rules (extractor/ask does); openai and instructor are imported only here.
"""
