// What the pages of checkout do beside being forms: nothing here is needed to order.
(function () {
  "use strict";

  // Only the chosen way's fields are open; those of the others are neither shown nor sent.
  function follow(group) {
    var radios = Array.prototype.slice.call(group.querySelectorAll("input[type=radio]"));
    function open() {
      radios.forEach(function (radio) {
        var part = radio.dataset.opens && document.getElementById(radio.dataset.opens);
        if (!part) { return; }
        part.disabled = part.hidden = !radio.checked;
        if (radio.checked) { part.dispatchEvent(new CustomEvent("checkout:open", {bubbles: true})); }
      });
    }
    group.addEventListener("change", open);
    window.addEventListener("pageshow", open);
    open();
  }
  document.querySelectorAll("[data-choices]").forEach(follow);

  document.querySelectorAll("[data-closed-by]").forEach(function (part) {
    var tick = document.getElementById(part.dataset.closedBy);
    function open() { part.disabled = part.hidden = tick.checked; }
    tick.addEventListener("change", open);
    window.addEventListener("pageshow", open);
    open();
  });

  // A form is sent once. The server holds to that by itself; here it is only seen.
  document.querySelectorAll("form[data-once]").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      if (event.defaultPrevented) { return; }
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "yes";
      form.querySelectorAll("button[type=submit]").forEach(function (button) {
        button.setAttribute("aria-disabled", "true");
        if (button.dataset.busy) { button.dataset.said = button.textContent; button.textContent = button.dataset.busy; }
        setTimeout(function () { button.disabled = true; });
      });
    });
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-once]").forEach(function (form) {
      delete form.dataset.sent;
      form.querySelectorAll("button[type=submit]").forEach(function (button) {
        button.disabled = false;
        button.removeAttribute("aria-disabled");
        if (button.dataset.said) { button.textContent = button.dataset.said; }
      });
    });
  });

  // The test numbers on offer.
  document.querySelectorAll("[data-fill-number]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var part = button.closest("fieldset");
      part.querySelector("[name$=-number]").value = button.dataset.fillNumber;
      part.querySelector("[name$=-name]").value = part.querySelector("[name$=-name]").value || "Ada Byron";
      part.querySelector("[name$=-expiry]").value = "12 / " + String((new Date().getFullYear() + 3) % 100);
      part.querySelector("[name$=-code]").value = "123";
    });
  });
})();
