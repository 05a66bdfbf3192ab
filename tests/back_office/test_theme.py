"""The colours of the back office can be read: every text has contrast with its ground, in the light and in the dark."""

import json
import re
from pathlib import Path

import pytest
from admin_interface.models import Theme
from django.conf import settings
from django.core.management import call_command
from django.urls import reverse

FIXTURE = Path(settings.BASE_DIR) / "shop" / "fixtures" / "back_office_theme.json"
SHEET = Path(settings.BASE_DIR) / "shop" / "static" / "shop" / "admin.css"
READABLE = 4.5  # WCAG 2.2, 1.4.3 (AA)

# Where a style sheet of django-admin-interface puts the one on the other.
THEME_PAIRS = (
    ("title_color", "css_header_background_color"),
    ("logo_color", "css_header_background_color"),
    ("css_header_text_color", "css_header_background_color"),
    ("css_header_link_color", "css_header_background_color"),
    ("css_header_link_hover_color", "css_header_background_color"),
    ("css_module_text_color", "css_module_background_color"),
    ("css_module_link_color", "css_module_background_color"),
    ("css_module_link_hover_color", "css_module_background_color"),
    ("css_module_link_selected_color", "css_module_background_color"),
    ("css_generic_link_color", "css_module_background_selected_color"),
    ("css_generic_link_hover_color", "css_module_background_selected_color"),
    ("css_save_button_text_color", "css_save_button_background_color"),
    ("css_save_button_text_color", "css_save_button_background_hover_color"),
    ("css_delete_button_text_color", "css_delete_button_background_color"),
    ("css_delete_button_text_color", "css_delete_button_background_hover_color"),
)
LIGHT_PAPER = ("#FFFFFF", "#F8F8F8", "#DFF1EC")
DARK_GROUNDS = ("body-bg", "darkened-bg", "selected-bg", "selected-row")
DARK_TEXTS = (
    "body-fg",
    "body-quiet-color",
    "body-medium-color",
    "body-loud-color",
    "error-fg",
    "link-fg",
    "link-hover-color",
    "link-selected-fg",
    "admin-interface-generic-link-color",
    "admin-interface-generic-link-hover-color",
    "admin-interface-generic-link-active-color",
)
DARK_PAIRS = (
    *((text, ground) for text in DARK_TEXTS for ground in DARK_GROUNDS),
    *(("body-fg", ground) for ground in ("message-success-bg", "message-warning-bg", "message-error-bg")),
    ("object-tools-fg", "object-tools-bg"),
    ("object-tools-fg", "object-tools-hover-bg"),
    ("primary-fg", "primary"),
    ("primary-fg", "secondary"),
)


def luminance(colour):
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def theme():
    [row] = json.loads(FIXTURE.read_text("utf-8"))
    return row["fields"]


def colours(block):
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def blocks():
    """The light colours, the dark ones of the switch, and the dark ones of the system's wish."""
    sheet = SHEET.read_text("utf-8")
    by_switch = re.search(r'html\[data-theme="dark"\] \.admin-interface \{(.*?)\n\}', sheet, re.DOTALL)
    by_system = re.search(r'html:not\(\[data-theme="light"\]\) \.admin-interface \{(.*?)\n  \}', sheet, re.DOTALL)
    light = re.search(r"^:root \.admin-interface \{(.*?)\n\}", sheet, re.DOTALL | re.MULTILINE)
    return colours(light[1]), colours(by_switch[1]), colours(by_system[1])


def test_the_measure_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(("text", "ground"), THEME_PAIRS)
def test_the_theme_can_be_read(text, ground):
    assert contrast(theme()[text], theme()[ground]) >= READABLE


@pytest.mark.parametrize(
    "text", ["css_generic_link_color", "css_generic_link_hover_color", "css_generic_link_active_color"]
)
@pytest.mark.parametrize("paper", LIGHT_PAPER)
def test_links_can_be_read_on_paper(text, paper):
    assert contrast(theme()[text], paper) >= READABLE


def test_no_colour_of_the_theme_is_left_out():
    text = {name for pair in THEME_PAIRS for name in pair} | {"css_generic_link_active_color"}
    beside_the_text = {"env_color", "related_modal_background_color"}  # No text is on these.
    assert {name for name in theme() if name.endswith("_color")} == text | beside_the_text


@pytest.mark.parametrize(("text", "ground"), DARK_PAIRS)
def test_the_dark_theme_can_be_read(text, ground):
    _light, dark, _by_system = blocks()
    assert contrast(dark[text], dark[ground]) >= READABLE


def test_the_dark_of_the_switch_is_the_dark_of_the_system():
    _light, by_switch, by_system = blocks()
    assert by_switch == by_system
    assert len(by_switch) > 20


@pytest.mark.parametrize("paper", LIGHT_PAPER)
def test_quiet_text_can_be_read_in_the_light(paper):
    light, _dark, _by_system = blocks()
    assert contrast(light["body-quiet-color"], paper) >= READABLE


@pytest.mark.django_db
def test_the_theme_is_loaded_once_and_shown(admin_client):
    for _time in range(2):
        call_command("loaddata", "back_office_theme", verbosity=0)
    assert Theme.objects.filter(active=True).get().name == "Everycent back office"
    content = admin_client.get(reverse("admin:index")).content.decode()
    assert "everycent-back-office-theme" in content
    assert "Back office | Everycent" in content
    assert "language-chooser-select" not in content and "Django administration" not in content


@pytest.mark.django_db
def test_a_page_may_be_zoomed(admin_client):
    """The last one counts: the theme's own forbids it."""
    content = admin_client.get(reverse("admin:index")).content.decode()
    viewports = re.findall(r'<meta name="viewport" content="([^"]*)"', content)
    assert "user-scalable" not in viewports[-1] and "maximum-scale" not in viewports[-1]
