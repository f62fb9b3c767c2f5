"use strict";
(() => {
  const form = document.querySelector(".filter");
  if (!form) return;
  const cases = [...document.querySelectorAll("details.case")];
  const text = new Map();
  const search = form.querySelector("input[type=search]");
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const output = form.querySelector("output");
  const present = new Set(cases.map((entry) => entry.classList[1]));
  for (const box of boxes) box.parentElement.hidden = !present.has(box.value);
  const apply = () => {
    const wanted = search.value.trim().toLowerCase();
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const entry of cases) {
      if (wanted && !text.has(entry)) text.set(entry, entry.textContent.toLowerCase());
      entry.hidden = !verdicts.has(entry.classList[1]) || (wanted !== "" && !text.get(entry).includes(wanted));
      if (!entry.hidden) shown += 1;
    }
    output.textContent = shown + " / " + cases.length;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of form.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      for (const entry of cases) if (!entry.hidden) entry.open = button.dataset.fold === "open";
    });
  }
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && (target.closest("details") || target);
    if (folded && "open" in folded) {
      folded.open = true;
      folded.hidden = false;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  form.hidden = false;
  apply();
  reveal();
})();
