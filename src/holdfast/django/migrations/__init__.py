"""Migrations of Holdfast's own tables."""
