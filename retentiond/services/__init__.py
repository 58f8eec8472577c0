"""Use cases, one verb a module. They act through ports and know no adapter."""
