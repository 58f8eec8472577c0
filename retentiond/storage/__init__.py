"""One store on a disk: its identity, the walk over it, and the one place where names are removed."""
