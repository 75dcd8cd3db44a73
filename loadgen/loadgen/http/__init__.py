"""Requests over the wire: addresses, connections, TLS, the body and its progress."""
