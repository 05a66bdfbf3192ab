"""A customer's account: signing in, what was ordered, kept cards and addresses, and finding an order without one."""
