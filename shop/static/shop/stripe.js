// Card entry by Stripe: the number is typed into the vendor's own frame, and all that reaches us is a payment method.
(function () {
  "use strict";

  var PATIENCE = 10000; // Milliseconds until card entry is said to be unavailable.
  var BREATH = 3200; // The server, which has asked Stripe for this page, asks again no sooner.
  var begun = Date.now(); // Later than it asked: a navigation's own clock begins before the form was sent.
  var loading = {};

  function load(address) {
    if (window.Stripe) { return Promise.resolve(); }
    loading[address] = loading[address] || new Promise(function (done, failed) {
      var script = document.createElement("script");
      script.src = address;
      script.onload = done;
      script.onerror = function () { delete loading[address]; script.remove(); failed(); };
      document.head.appendChild(script);
    });
    return loading[address];
  }

  function within(promise) {
    return Promise.race([promise, new Promise(function (_, failed) { setTimeout(failed, PATIENCE); })]);
  }

  function told(part, name) { return JSON.parse(document.getElementById(part.dataset[name]).textContent); }

  function sayer(part) {
    var wrong = part.querySelector("[data-stripe-wrong]");
    return function (message) {
      wrong.hidden = !message;
      wrong.textContent = message === true ? wrong.dataset.incomplete : message || "";
    };
  }

  // Entering a card

  function begin(part) {
    var config = told(part, "stripe"), say = sayer(part);
    var form = part.closest("form"), token = part.querySelector("input[type=hidden]");
    var set = part.closest("fieldset"), stripe = null, card = null, busy = false, state = "new";

    function one(name) { return part.querySelector("[data-stripe-" + name + "]"); }
    function turn(next) {
      state = next;
      one("loading").hidden = next !== "loading";
      one("failed").hidden = next !== "failed";
      one("fields").hidden = next !== "ready";
    }

    function start() {
      if (state === "loading" || state === "ready") { return; }
      token.value = "";
      if (!config.publishable_key) { turn("failed"); return; }
      turn("loading");
      within(load(config.script_url)).then(function () {
        var seen = getComputedStyle(part);
        stripe = window.Stripe(config.publishable_key);
        card = stripe.elements().create("card", {style: {base: {fontSize: seen.fontSize, color: seen.color}}});
        turn("ready"); // The frame needs its room to be measured.
        card.mount(one("card"));
        card.on("change", function (event) { say(event && event.error ? event.error.message : ""); });
      }).catch(function () { turn("failed"); });
    }

    function billing() {
      var details = {};
      if (one("name").value.trim()) { details.name = one("name").value.trim(); }
      if (config.email) { details.email = config.email; }
      if (config.country) { details.address = {country: config.country}; }
      return details;
    }

    // A stand-in for Stripe may make no payment methods: its token names the card.
    function entered() {
      return stripe.createPaymentMethod({type: "card", card: card, billing_details: billing()}).then(function (made) {
        if (made) { return made.error ? Promise.reject(made.error) : made.paymentMethod.id; }
        return stripe.createToken(card).then(function (old) {
          return old.error ? Promise.reject(old.error) : old.token.card.id;
        });
      });
    }

    form.addEventListener("submit", function (event) {
      if (set && set.disabled || token.value || state !== "ready") { return; }
      event.preventDefault();
      event.stopImmediatePropagation();
      if (busy) { return; }
      busy = true;
      say("");
      Promise.resolve().then(entered).then(function (name) {
        busy = false;
        token.value = name;
        if (form.requestSubmit) { form.requestSubmit(event.submitter || undefined); } else { form.submit(); }
      }, function (error) {
        busy = false;
        say(error && error.message || true);
      });
    }, true);

    one("retry").addEventListener("click", function () {
      if (config.publishable_key) { turn("new"); start(); } else { window.location.reload(); }
    });
    window.addEventListener("pageshow", function (event) { if (event.persisted) { token.value = ""; } });
    document.addEventListener("checkout:open", function (event) { if (event.target === set) { start(); } });
    if (!set || !set.disabled) { start(); }
  }

  // The bank's question, within our page

  function confirm(part) {
    var config = told(part, "stripeChallenge"), say = sayer(part), button = part.querySelector("[data-stripe-confirm]");
    var secret = part.dataset.clientSecret;
    button.addEventListener("click", function () {
      button.disabled = true;
      say("");
      within(load(config.script_url)).then(function () {
        var stripe = window.Stripe(config.publishable_key);
        return stripe.handleNextAction ? stripe.handleNextAction({clientSecret: secret}) : stripe.confirmCardPayment(secret);
      }).then(function (answer) {
        if (answer && answer.error && !answer.error.payment_intent) {
          button.disabled = false;
          say(answer.error.message || true);
          return;
        }
        // What became of it, Stripe tells the server.
        setTimeout(function () { window.location.reload(); }, Math.max(0, begun + BREATH - Date.now()));
      }, function () {
        button.disabled = false;
        say(true);
      });
    });
  }

  document.querySelectorAll("[data-stripe]").forEach(begin);
  document.querySelectorAll("[data-stripe-challenge]").forEach(confirm);
})();
