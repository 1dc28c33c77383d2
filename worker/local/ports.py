"""Free TCP ports on loopback."""

import socket


def free_port(preferred: int = 0, host: str = "127.0.0.1") -> int:
    """`preferred` when it can be bound now, else a port the system picks (0 asks for that at once)."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            # As servers do: a port in TIME_WAIT after a restart is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free TCP port on {host}")
