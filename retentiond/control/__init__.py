"""The Unix socket over which decisions of people reach a running daemon."""
