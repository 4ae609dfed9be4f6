"""How fast the hot path is, beside the ceiling, in one run on one machine."""
