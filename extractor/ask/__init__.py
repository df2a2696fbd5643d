"""The model stage: which questions a report leaves open, what a model is shown of it, and what its answer proves.

    stage ─ questions (what is in doubt) ─ excerpts (what is shown) ─ prompts, answers (how it is asked)
          ─ ground (each number back to its printed characters) ─ requests · disputes · disclosure (what is proved)

A model never types a number into the record: its answer is laid over printed tokens, and the value is read from the
token by the reader's own number reader.
"""
