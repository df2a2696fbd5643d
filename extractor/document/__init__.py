"""From bytes to a document: stored text, its 1:1 normalisation, sections, identity. Knows nothing of the reader."""
