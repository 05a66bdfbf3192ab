"""Translators, one file per provider: our words to theirs and back. Start at `base`, the contract."""
