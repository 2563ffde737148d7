"""The use cases: each wires files, solver and physics for one command."""
