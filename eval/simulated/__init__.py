"""A simulated competent model: answers our questions from a generated document's truth, with adjustable faults."""
