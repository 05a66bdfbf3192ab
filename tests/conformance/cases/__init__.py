"""Solidus's cases, area by area, with their numbers there: each a test here, or left out for a reason."""
