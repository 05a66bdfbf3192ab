"""THE VAULT: payment methods, payments, refunds, sources, recovery. Open `models/processing.py` first."""
