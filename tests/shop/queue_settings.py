"""The settings of the workers that `test_mail_queue` starts: the queue, and nobody but the letters to react."""

from shop.settings import *  # noqa: F403

REACTIONS = {"order.completed": ["shop.mail.order_confirmed"]}
