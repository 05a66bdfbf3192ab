/* At the first visit, tell the server the browser's time zone. Without this script times are in the site's zone
   until another one is chosen. */
"use strict";

(() => {
  const form = document.getElementById("first-time-zone");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!form || !zone || sessionStorage.getItem("time-zone-refused") === zone) {
    return;
  }
  const told = new FormData(form);
  told.append("zone", zone);
  fetch(form.action, { method: "POST", body: told, redirect: "manual", credentials: "same-origin" }).then((answer) => {
    if (answer.type !== "opaqueredirect") {
      sessionStorage.setItem("time-zone-refused", zone);
    } else if (zone !== form.dataset.shown && form.dataset.reload) {
      // A page that came of a POST is left alone: to load it again would be to send it again.
      window.location.reload();
    }
  });
})();
