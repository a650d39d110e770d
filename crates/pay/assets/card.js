// The card form's comfort: groups the number, recognises the brand, checks before sending, sends once.
// The form works without this file, and the server checks everything again.
"use strict";

const form = document.getElementById("card-form");
if (form) {
  const number = document.getElementById("number");
  const expiry = document.getElementById("expiry");
  const code = document.getElementById("cvc");
  const digits = (field) => field.value.replace(/\D/g, "");

  // Rewrites a field's digits and leaves the caret behind the digit that it was behind.
  const rewrite = (field, write) => {
    const before = field.value.slice(0, field.selectionStart).replace(/\D/g, "").length;
    const atEnd = field.selectionStart === field.value.length;
    field.value = write(digits(field));
    let caret = 0;
    for (let seen = 0; caret < field.value.length && seen < before; caret += 1) {
      if (/\d/.test(field.value[caret])) seen += 1;
    }
    if (atEnd) caret = field.value.length;
    field.setSelectionRange(caret, caret);
  };

  const brand = (text) => {
    if (/^4/.test(text)) return "visa";
    if (/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/.test(text)) return "mastercard";
    return "";
  };

  number.addEventListener("input", () => {
    rewrite(number, (text) => text.slice(0, 19).replace(/(\d{4})(?=\d)/g, "$1 "));
    number.parentElement.dataset.brand = brand(digits(number));
  });

  let expiryBefore = "";
  expiry.addEventListener("input", () => {
    const grows = expiry.value.length > expiryBefore.length;
    rewrite(expiry, (text) => {
      const sound = text.length === 1 && text > "1" ? `0${text}` : text.slice(0, 4);
      if (sound.length > 2) return `${sound.slice(0, 2)} / ${sound.slice(2)}`;
      return sound.length === 2 && grows ? `${sound} / ` : sound;
    });
    expiryBefore = expiry.value;
  });

  if (code) {
    code.addEventListener("input", () => {
      code.value = digits(code).slice(0, 4);
    });
  }

  const luhn = (text) => {
    let sum = 0;
    for (let index = 0; index < text.length; index += 1) {
      const digit = Number(text[text.length - 1 - index]);
      const value = index % 2 === 1 ? digit * 2 : digit;
      sum += value > 9 ? value - 9 : value;
    }
    return sum % 10 === 0;
  };

  const numberError = () => {
    const text = digits(number);
    return text.length >= 12 && text.length <= 19 && luhn(text) ? "" : form.dataset.numberError;
  };

  const expiryError = () => {
    const match = /^\s*(\d{1,2})\s*[/.\- ]\s*(?:20)?(\d{2})\s*$|^(\d{2})(\d{2})$/.exec(expiry.value);
    if (!match) return form.dataset.expiryError;
    const month = Number(match[1] || match[3]);
    const year = 2000 + Number(match[2] || match[4]);
    if (month < 1 || month > 12) return form.dataset.expiryError;
    const now = new Date();
    const months = (year - now.getFullYear()) * 12 + month - now.getMonth() - 1;
    // A day of grace for clocks on the other side of a month's end: the server decides.
    if (months < -1) return form.dataset.expiryPastError;
    return months > 241 ? form.dataset.expiryError : "";
  };

  const codeError = () => (/^\d{3,4}$/.test(code.value.trim()) ? "" : form.dataset.cvcError);

  const show = (field, error) => {
    document.getElementById(`${field.id}-error`).textContent = error;
    if (error) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    return error === "";
  };

  const saved = () => {
    const chosen = form.querySelector("input[name=card]:checked");
    return chosen !== null && chosen.value !== "new";
  };

  for (const [field, check] of [[number, numberError], [expiry, expiryError], [code, codeError]]) {
    if (field) {
      field.addEventListener("change", () => {
        if (field.value !== "") show(field, check());
      });
    }
  }

  let sending = false;
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button && button.name === "forget") return;
    const checks = [];
    if (!saved()) checks.push([number, numberError()], [expiry, expiryError()]);
    if (code) checks.push([code, codeError()]);
    const wrong = checks.filter(([field, error]) => !show(field, error));
    if (wrong.length > 0 || sending) {
      event.preventDefault();
      if (wrong.length > 0) wrong[0][0].focus();
      return;
    }
    sending = true;
    if (button) {
      button.dataset.label = button.textContent;
      button.textContent = form.dataset.busy;
      button.setAttribute("aria-busy", "true");
    }
  });

  // A page that comes back from the browser's memory shows where the session stands now, and no card.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
}
