"""Caches of a namespace that the change log keeps up to date: words, vectors, columns."""
