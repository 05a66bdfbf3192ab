"""States and provinces by their codes: taxes go by them, so that “new york” has to be the same as “NY”."""

from __future__ import annotations

# Codes as the post writes them, each with its name.
UNITED_STATES = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|FL Florida|GA Georgia|
HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|
MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|
NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|
OR Oregon|PA Pennsylvania|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|
VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming|DC District of Columbia|AS American Samoa|GU Guam|
MP Northern Mariana Islands|PR Puerto Rico|VI US Virgin Islands|AA Armed Forces Americas|AE Armed Forces Europe|
AP Armed Forces Pacific
"""
CANADA = """
AB Alberta|BC British Columbia|MB Manitoba|NB New Brunswick|NL Newfoundland and Labrador|NS Nova Scotia|
NT Northwest Territories|NU Nunavut|ON Ontario|PE Prince Edward Island|QC Quebec|QC Québec|SK Saskatchewan|YT Yukon
"""
AUSTRALIA = """
ACT Australian Capital Territory|NSW New South Wales|NT Northern Territory|QLD Queensland|SA South Australia|
TAS Tasmania|VIC Victoria|WA Western Australia
"""


def _plain(text: str) -> str:
    return " ".join(text.replace(".", "").split()).casefold()


def _known(table: str) -> dict[str, str]:
    pairs = [line.strip().partition(" ") for line in table.split("|")]
    return {_plain(said): code for code, _space, name in pairs for said in (code, name)}


KNOWN = {"US": _known(UNITED_STATES), "CA": _known(CANADA), "AU": _known(AUSTRALIA)}


def code_of(country: str, said: str) -> str | None:
    """The code of what was typed, None where there is none such; as typed in countries whose regions are not kept."""
    if country not in KNOWN or not said:
        return said
    return KNOWN[country].get(_plain(said))
