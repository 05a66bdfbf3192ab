"""The catalogue's pages: everything on offer, a category, what a search finds, one product."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shop.cart import MOST, currency_of
from shop.models import Category, Product

PAGE = 12
LONGEST_QUERY = 100
BESIDE = 4


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """Everything on offer, or what a search finds among it."""
    return _shelf(request, None)


@require_safe
@never_cache
def category(request: HttpRequest, slug: str) -> HttpResponse:
    """What stands on one shelf."""
    return _shelf(request, get_object_or_404(Category, slug=slug))


@require_safe
@never_cache
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """One product, and others of its category. What has no price in the visitor's currency is shown without one."""
    currency = currency_of(request)
    found: Product | None = Product.objects.priced(currency).filter(slug=slug).first()
    if found is None:
        found = get_object_or_404(Product.objects.select_related("category"), slug=slug, active=True)
    beside = Product.objects.priced(currency).filter(category=found.category).exclude(pk=found.pk)
    context: dict[str, Any] = {
        "product": found,
        "has_price": hasattr(found, "price_amount"),
        "beside": beside[:BESIDE],
        "most": MOST if found.stock is None else min(MOST, found.stock),
        "currency": currency,
    }
    return render(request, "shop/product.html", context)


def _shelf(request: HttpRequest, shelf: Category | None) -> HttpResponse:
    currency = currency_of(request)
    query = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_QUERY]
    found = Product.objects.priced(currency).order_by("position", "id")
    if shelf:
        found = found.filter(category=shelf)
    if query:
        found = found.containing(query)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "categories": Category.objects.all(),
        "shelf": shelf,
        "query": query,
        "page": page,
        "currency": currency,
    }
    return render(request, "shop/home.html", context)
