"""An index over the stores; rebuildable, never the truth."""
