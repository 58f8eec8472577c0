"""HTTP within limits that the other side cannot stretch: asking another machine, and being asked."""
