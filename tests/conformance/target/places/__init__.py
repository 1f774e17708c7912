"""The places: each view goes to one place, pauses, and records what it read there."""
