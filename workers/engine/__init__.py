"""The engine: torch, no web, no queue, and no method by name."""
