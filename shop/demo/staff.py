"""Who works in the demo shop: the roles with their limits, one login for each, and the theme of the back office."""

from __future__ import annotations

from admin_interface.models import Theme
from django.contrib.auth.models import Group, User
from django.core.management import call_command

ROLES = ("clerk", "cashier", "manager", "auditor")
THEME = "Everycent back office"


def load_staff() -> list[str]:
    """Load what is missing, and leave alone what is there. Returns the logins whose password is their name."""
    if not Group.objects.filter(name__in=ROLES).exists():
        call_command("loaddata", "roles", verbosity=0)
    if not Theme.objects.filter(name=THEME).exists():
        call_command("loaddata", "back_office_theme", verbosity=0)
    for role in Group.objects.filter(name__in=ROLES):
        if not User.objects.filter(username=role.name).exists():
            user = User.objects.create_user(role.name, f"{role.name}@example.com", role.name, is_staff=True)
            user.groups.add(role)
    return [user.username for user in User.objects.filter(username__in=ROLES) if user.check_password(user.username)]
