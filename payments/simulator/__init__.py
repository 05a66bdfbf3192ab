"""A provider of our own, as a program of its own: it imports nothing of ours. Open `engine.py` first."""
