"""The parts of `holdfast doctor`."""
