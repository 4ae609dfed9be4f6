"""Every call, described once: blocking and async clients are both made from these."""
