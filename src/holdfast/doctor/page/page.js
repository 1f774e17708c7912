"use strict";
(() => {
  const filters = document.getElementById("filters");
  if (!filters) return;
  const search = document.getElementById("search");
  const class_ = document.getElementById("class");
  const high = document.getElementById("high");
  const shown = document.getElementById("shown");
  const findings = [...document.querySelectorAll(".finding")].map((element) => ({
    element,
    text: element.textContent.toLowerCase(),
  }));

  function choose() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set(
      [...filters.querySelectorAll("[name=severity]:checked")].map((box) => box.value)
    );
    let count = 0;
    for (const { element, text } of findings) {
      const of = element.dataset;
      const fits =
        (!class_.value || of.class === class_.value) &&
        severities.has(of.severity) &&
        (!high.checked || of.confidence === "high") &&
        words.every((word) => text.includes(word));
      element.hidden = !fits;
      if (fits) count += 1;
    }
    shown.textContent =
      count === findings.length
        ? `All ${count} are shown. Keys: / to search, j and k for the next and the one before.`
        : `${count} of ${findings.length} are shown.`;
  }

  function step(by) {
    const visible = findings.map(({ element }) => element).filter((element) => !element.hidden);
    const now = visible.indexOf(document.activeElement.closest(".finding"));
    const next = visible[now < 0 ? (by > 0 ? 0 : visible.length - 1) : now + by];
    if (next) {
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    }
  }

  filters.hidden = false;
  filters.addEventListener("input", choose);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(choose));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-class]");
    if (!link) return;
    filters.reset();
    class_.value = link.dataset.class;
    choose();
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing) {
      search.value = "";
      document.activeElement.blur();
      choose();
    } else if (typing) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      search.focus();
    } else if (event.key === "j") {
      step(1);
    } else if (event.key === "k") {
      step(-1);
    }
  });
  choose();
})();
