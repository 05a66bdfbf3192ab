// A second click on a confirmation is answered by the server; this only spares it.
document.querySelectorAll("form[data-confirm-once]").forEach((form) => {
  const confirm = form.querySelector('button[name="confirm"]');
  if (!confirm) return;
  const amount = form.querySelector('input[name="amount"]');
  const rest = form.querySelector('input[name="keep_rest"]');
  const shown = [amount && amount.value, rest && rest.checked].join("|");
  const check = () => {
    confirm.disabled = [amount && amount.value, rest && rest.checked].join("|") !== shown;
  };
  form.addEventListener("input", check);
  form.addEventListener("submit", (event) => {
    if (event.submitter !== confirm) return;
    setTimeout(() => { confirm.disabled = true; }, 0);
  });
  window.addEventListener("pageshow", check);
});
