"""What the engines on a network share: event loops that come and go, forks, leases."""
