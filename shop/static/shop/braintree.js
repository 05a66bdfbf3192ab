// Card entry by Braintree: the number is typed into the vendor's own frames, and all that reaches us is a nonce.
(function () {
  "use strict";

  var PATIENCE = 10000; // Milliseconds until card entry is said to be unavailable.
  var MODULES = ["client", "hosted-fields"];

  function load(address) {
    return new Promise(function (done, failed) {
      var script = document.createElement("script");
      script.src = address;
      script.onload = done;
      script.onerror = failed;
      document.head.appendChild(script);
    });
  }

  function within(promise) {
    return Promise.race([promise, new Promise(function (_, failed) { setTimeout(failed, PATIENCE); })]);
  }

  function begin(part) {
    var config = JSON.parse(document.getElementById(part.dataset.braintree).textContent);
    var form = part.closest("form"), token = part.querySelector("input[type=hidden]");
    var set = part.closest("fieldset"), fields = null, busy = false, state = "new";

    function one(name) { return part.querySelector("[data-braintree-" + name + "]"); }
    function show(name, visible) { one(name).hidden = !visible; }
    function turn(next) {
      state = next;
      show("loading", next === "loading");
      show("failed", next === "failed");
      show("fields", next === "ready");
    }
    function say(reason) {
      var wrong = one("wrong");
      wrong.hidden = !reason;
      wrong.textContent = reason ? wrong.dataset[reason] : "";
    }

    function start() {
      if (state === "loading" || state === "ready") { return; }
      turn("loading");
      token.value = "";
      if (!config.authorization) { turn("failed"); return; }
      one("fields").hidden = false; // The frames need their room to be measured.
      var base = config.script_url + "/", loaded = Promise.resolve();
      MODULES.forEach(function (name) {
        var there = window.braintree && window.braintree[name === "client" ? "client" : "hostedFields"];
        loaded = loaded.then(function () { return there || load(base + name + ".min.js"); });
      });
      within(loaded.then(function () {
        return window.braintree.client.create({authorization: config.authorization});
      }).then(function (client) {
        var wanted = {};
        part.querySelectorAll("[data-braintree-field]").forEach(function (place) {
          wanted[place.dataset.braintreeField] = {container: place};
        });
        var seen = getComputedStyle(part);
        return window.braintree.hostedFields.create({
          client: client,
          styles: {input: {"font-size": seen.fontSize, color: seen.color}},
          fields: wanted
        });
      })).then(function (made) {
        fields = made;
        turn("ready");
      }, function () { turn("failed"); });
    }

    form.addEventListener("submit", function (event) {
      if (set && set.disabled || token.value || state !== "ready") { return; }
      event.preventDefault();
      event.stopImmediatePropagation();
      if (busy) { return; }
      busy = true;
      say("");
      fields.tokenize().then(function (payload) {
        busy = false;
        token.value = payload.nonce;
        form.requestSubmit ? form.requestSubmit() : form.submit();
      }, function (error) {
        busy = false;
        var ours = error && error.type === "CUSTOMER";
        say(ours ? "incomplete" : "refused");
      });
    }, true);

    one("retry").addEventListener("click", function () {
      if (config.authorization) { start(); } else { window.location.reload(); }
    });
    window.addEventListener("pageshow", function (event) { if (event.persisted) { token.value = ""; } });
    document.addEventListener("checkout:open", function (event) { if (event.target === set) { start(); } });
    if (!set || !set.disabled) { start(); }
  }

  document.querySelectorAll("[data-braintree]").forEach(begin);
})();
