"""The vendor's scripts as a page sees them: fields in frames of another origin, and a nonce at the end."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

NUMBERS = {
    "4111111111111111": "fake-valid-nonce",
    "4012888888881881": "fake-valid-visa-nonce",
    "4000111111111115": "fake-processor-declined-visa-nonce",
}
LABELS = {"number": "Card number", "expirationDate": "Expiry date", "cvv": "Security code"}
CLIENT = """
window.braintree = window.braintree || {};
window.braintree.client = {create: function (options) {
  var good = String(options.authorization).indexOf("local-client-token-") === 0;
  return good ? Promise.resolve(options) : Promise.reject({type: "MERCHANT", message: "no authorization"});
}};
"""
FIELDS = """
window.braintree.hostedFields = {create: function (options) {
  var session = Math.random().toString(16).slice(2), names = Object.keys(options.fields);
  var loaded = names.map(function (name) {
    return new Promise(function (done, failed) {
      var frame = document.createElement("iframe");
      frame.src = "ORIGIN/web/frame?name=" + name + "&session=" + session;
      frame.title = name;
      frame.style.cssText = "border:0;width:100%;height:100%";
      frame.onload = done;
      frame.onerror = failed;
      options.fields[name].container.appendChild(frame);
    });
  });
  return Promise.all(loaded).then(function () {
    return {tokenize: function () {
      return fetch("ORIGIN/web/tokenize?session=" + session, {method: "POST"}).then(function (answer) {
        return answer.json().then(function (said) { return answer.ok ? said : Promise.reject(said); });
      });
    }};
  });
}};
"""
FRAME = """<!doctype html><title>LABEL</title>
<input aria-label="LABEL" inputmode="numeric" style="width:100%;height:2.25rem;border:0;font:inherit;background:none">
<script>
document.querySelector("input").addEventListener("input", function (event) {
  fetch(location.href, {method: "POST", body: event.target.value});
});
</script>
"""


class Browser:
    """What was typed into the frames of each page; it never leaves this origin."""

    def __init__(self) -> None:
        self.typed: dict[str, dict[str, str]] = {}

    def answer(self, method: str, path: str, body: bytes, origin: str) -> tuple[int, str, bytes]:
        parts = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        typed = self.typed.setdefault(query.get("session", ""), {})
        match method, parts.path:
            case "GET", "/web/js/client.min.js":
                return 200, "text/javascript", CLIENT.encode()
            case "GET", "/web/js/hosted-fields.min.js":
                return 200, "text/javascript", FIELDS.replace("ORIGIN", origin).encode()
            case "GET", "/web/frame" if query.get("name") in LABELS:
                return 200, "text/html; charset=utf-8", FRAME.replace("LABEL", LABELS[query["name"]]).encode()
            case "POST", "/web/frame":
                typed[query.get("name", "")] = body.decode()
                return 200, "application/json", b"{}"
            case "POST", "/web/tokenize":
                return self._tokenize(typed, query.get("session", ""))
        return 404, "text/plain", b""

    def _tokenize(self, typed: dict[str, str], session: str) -> tuple[int, str, bytes]:
        number = typed.get("number", "").replace(" ", "")
        if not all(typed.get(name) for name in LABELS) or len(number) < 12:
            return 422, "application/json", _said(type="CUSTOMER", code="HOSTED_FIELDS_FIELDS_INVALID")
        nonce = NUMBERS.get(number, "fake-luhn-invalid-nonce")
        return 200, "application/json", _said(nonce=f"{nonce}--{session}", type="CreditCard")


def _said(**content: Any) -> bytes:
    return json.dumps(content).encode()
