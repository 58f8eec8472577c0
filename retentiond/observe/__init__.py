"""What the world sees of the daemon: clocks, metrics, the HTTP endpoint, service manager, logs."""
