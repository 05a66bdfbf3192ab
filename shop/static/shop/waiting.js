// Look at our own status now and then, and show the page anew as soon as it is settled.
(function () {
  "use strict";
  var part = document.querySelector("[data-waits]");
  var looks = 0;
  function look() {
    looks += 1;
    // The page asks the provider, too; but nobody is torn away from the bank's question.
    if (looks >= 6 && !part.hasAttribute("data-patient")) { location.reload(); return; }
    fetch(part.dataset.waits, {cache: "no-store"})
      .then(function (answer) { return answer.json(); })
      .then(function (said) { if (said.settled) { location.reload(); } else { setTimeout(look, 2000); } })
      .catch(function () { setTimeout(look, 2000); });
  }
  if (part) { setTimeout(look, 1500); }
})();
