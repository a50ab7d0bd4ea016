"use strict";
// Everything is in the page; this hides what a filter leaves out, and opens what a
// link leads to.
(() => {
  const form = document.getElementById("filter");
  const search = document.getElementById("search"), area = document.getElementById("area"), shown = document.getElementById("shown");
  const boxes = [...form.querySelectorAll("input[name=verdict]")];
  const requirements = [...document.querySelectorAll("details.req")];
  const areas = [...document.querySelectorAll("section.area")];

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set(boxes.filter((b) => b.checked).map((b) => b.value));
    let count = 0;
    for (const r of requirements) {
      const text = r.dataset.text.toLowerCase();
      const fits = verdicts.has(r.dataset.word) && words.every((w) => text.includes(w)) && (!area.value || r.dataset.id.startsWith(area.value + "/"));
      r.hidden = !fits;
      if (fits) count++;
    }
    for (const a of areas) a.hidden = !a.querySelector("details.req:not([hidden])");
    shown.textContent = `${count} of ${requirements.length} requirements are shown`;
  }
  function only(verdict) {
    search.value = "";
    area.value = "";
    for (const b of boxes) b.checked = !verdict || b.value === verdict;
    apply();
  }
  function follow() {
    const body = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const r = body && body.closest("details.req");
    if (!r) return;
    if (r.hidden) only();
    r.open = true;
    r.scrollIntoView();
    r.querySelector("summary").focus({ preventScroll: true });
  }
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (e) => e.preventDefault());
  document.getElementById("reset").addEventListener("click", () => only());
  const every = (open) => { for (const r of requirements) if (!r.hidden) r.open = open; };
  document.getElementById("expand").addEventListener("click", () => every(true));
  document.getElementById("collapse").addEventListener("click", () => every(false));
  for (const chip of document.querySelectorAll("[data-verdict]")) chip.addEventListener("click", () => only(chip.dataset.verdict));
  addEventListener("hashchange", follow);
  apply();
  follow();
})();
