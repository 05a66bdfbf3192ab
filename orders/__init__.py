"""THE COUNTER: what is bought, what it costs, whether it is paid. Open `models/order.py` first."""
