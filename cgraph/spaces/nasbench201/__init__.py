"""NAS-Bench-201, also the topology space of NATS-Bench."""
