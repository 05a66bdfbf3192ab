"""Behaves as Solidus did, row by row and case by case, but for what was decided otherwise.

Start at `test_oracle.py` (every observed row) and `cases/` (given, when, then); `report.py` writes the table.
"""
