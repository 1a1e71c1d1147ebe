//! Typed client of the two programs, and the shell that every tool shares: keys, configuration, RPC.
