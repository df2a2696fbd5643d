"""The pages for people: queue, review, overview, documents. Server-rendered; scripts only add keys and decisions."""
