"""Ours and the peers, one after another, under the same load: see README.md."""
