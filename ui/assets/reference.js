// Finds operations by their words while one types, and opens the one that the address names. The page works without it: the browser's own
// search finds what is folded up, too.
const finder = document.querySelector(".finder");
const field = document.getElementById("find");
const told = finder.querySelector("[role=status]");
const operations = [...document.querySelectorAll("details.operation")].map((element) => ({
  element,
  words: element.querySelector("summary").textContent.toLowerCase(),
}));

const find = () => {
  const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { element, words } of operations) {
    element.hidden = !wanted.every((word) => words.includes(word));
    shown += element.hidden ? 0 : 1;
  }
  for (const section of document.querySelectorAll("section.noun")) {
    section.hidden = !section.querySelector("details:not([hidden])");
  }
  told.textContent = wanted.length === 0 ? "" : shown === 0 ? told.dataset.none : `${shown} / ${operations.length}`;
};

const open = () => {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) named.open = true;
};

field.addEventListener("input", find);
addEventListener("hashchange", open);
finder.hidden = false;
open();
