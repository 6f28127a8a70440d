"""The feed over sockets."""
