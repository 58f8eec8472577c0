"""Configuration text in, frozen and validated values out; all problems at once, each with its line."""
