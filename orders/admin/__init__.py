"""Staff's door to the counter: one module per model."""

from orders.admin import order

__all__ = ["order"]
