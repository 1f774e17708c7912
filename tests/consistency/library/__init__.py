"""The application that the harness reads and writes: a library, in a real PostgreSQL."""
