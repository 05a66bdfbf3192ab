"""Staff's door to the counter: one module per model."""

from orders.admin import invoice, order

__all__ = ["invoice", "order"]
