"""From a cart to a paid order: a page for each step, and the order's own page afterwards."""
