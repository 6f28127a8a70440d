"""The learning side of Merit: methods, the engine that runs them, the sandbox, and the door to the web."""
