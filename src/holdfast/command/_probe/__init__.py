"""Parts of `holdfast probe`."""
