"""A batch with more workers than its pool has connections: whoever waits for its turn holds none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from payments.models import Payment
from tests.database_url import here
from tests.factories import card_recipe, make_method, make_order, make_payment

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parent.parent.parent


def test_twelve_workers_and_two_connections():
    method = make_method(name="Card", gateway="bogus")
    for _number in range(12):
        card = card_recipe.make(token="BGS-approves")
        make_payment("10.00", order=make_order("10.00"), method=method, source=card).authorize()

    command = [sys.executable, "manage.py", "capture_payments", "--workers", "12", "--rate", "40", "--json"]
    environment = {**os.environ, "DATABASE_URL": here(), "DATABASE_POOL": "2"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1])["done"] == 12
    assert Payment.objects.filter(state="completed").count() == 12
