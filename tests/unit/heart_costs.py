"""What a solved heart's provenance says of its cost."""

from polycardia.study.heart_cost import HeartCost


def record(**known):
    """A provenance: a beat of 60 s on two ranks that steps for 50 s, or as ``known`` has it."""
    return {
        "cost_n_nodes": 30_000,
        "ranks": 2,
        "prepare_seconds": 20.0,
        "seconds": 60.0,
        "cost_reaction": 20.0,
        "cost_front": 10.0,
        "cost_diffusion": 10.0,
        "cost_halo": 5.0,
        "cost_output": 4.0,
        "cost_control": 1.0,
        "cost_processor": 40.0,
        "cost_n_steps": 4_000,
        "memory": 4e8,
        "host": "node1",
    } | known


def cost(**known):
    return HeartCost.of(record(**known))
