// Checks a new password while it is typed against the rules that are listed below its field, as far as a browser can: whether it is much used, or was used
// before, the server alone knows. The list is there without this script, and the server decides.
const kinds = {
  lowerCase: /[a-z]/, upperCase: /[A-Z]/, numbers: /[0-9]/, specialCharacters: /[ !"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/,
};

// How many of a rule's items must be there; 1 for a rule without items.
const wanted = (rule) => (rule.code === "containsAtLeast" ? rule.least : rule.code === "shouldContain" ? rule.items.length : 1);

// How far the password keeps a rule, from 0 to 1; undefined for one that cannot be checked here. A rule is {code, least, items}.
function kept(rule, password) {
  const letters = [...password];
  switch (rule.code) {
    case "nonEmpty":
    case "lengthAtLeast":
      return Number(letters.length >= (rule.least || 1));
    case "containsAtLeast":
    case "shouldContain":
      return Math.min(rule.items.filter((code) => kinds[code].test(password)).length / wanted(rule), 1);
    case "identicalChars": {
      let run = 0, longest = 0;
      letters.forEach((c, i) => { longest = Math.max(longest, run = c === letters[i - 1] ? run + 1 : 1); });
      return letters.length && longest <= rule.least ? 1 : 0;
    }
    case "sequentialChars": {
      const at = [...password.toLowerCase()].map((c) => c.codePointAt(0));
      const follows = (i) => { const step = at[i] - at[i - 1]; return Math.abs(step) === 1 && step === at[i - 1] - at[i - 2]; };
      return letters.length && !at.some((_, i) => i > 1 && follows(i)) ? 1 : 0;
    }
  }
  return kinds[rule.code] && Number(kinds[rule.code].test(password));
}

for (const box of globalThis.document?.querySelectorAll("[data-policy]") ?? []) {
  const field = document.getElementById(box.dataset.policy), strength = box.querySelector(".strength");
  const [bar, count, status] = ["progress", ".count", "[role=status]"].map((what) => strength.querySelector(what));
  const children = (list) => [...(list?.children ?? [])].map((line) => ({
    line, code: line.dataset.rule, least: Number(line.dataset.least), said: line.querySelector(".said"), parts: children(line.querySelector("ul")),
  }));
  const rules = children(box.querySelector("ul"));
  for (const rule of rules) rule.items = rule.parts.map((part) => part.code);
  const checked = rules.filter((rule) => kept(rule, "") !== undefined);
  const all = checked.reduce((n, rule) => n + wanted(rule), 0);
  let strict = false, waiting = 0; // nothing is called wrong before somebody has finished typing once

  const mark = (rule, state) => {
    rule.line.className = state;
    rule.said.textContent = box.dataset[state] ? ` (${box.dataset[state]})` : "";
  };
  const tell = (met) => {
    bar.value = met / all;
    count.textContent = met === all ? box.dataset.complete : box.dataset.progress.replace("{met}", met).replace("{all}", all);
  };
  const check = () => {
    const password = field.value, otherwise = strict && password ? "broken" : "untried";
    let met = 0;
    for (const rule of checked) {
      const part = kept(rule, password), done = part === 1;
      met += Math.round(part * wanted(rule));
      mark(rule, done ? "kept" : otherwise);
      for (const item of rule.parts) mark(item, kept(item, password) ? "kept" : done ? "untried" : otherwise);
    }
    for (const rule of rules) if (!checked.includes(rule)) mark(rule, "untried");
    tell(met);
    clearTimeout(waiting); // a screen reader hears it when the typing rests
    waiting = setTimeout(() => { if (status.textContent !== count.textContent) status.textContent = count.textContent; }, 700);
  };
  if (!checked.length) continue;
  const was = (rule) => Number(rule.line.className === "kept"); // of the password that was sent before
  tell(checked.reduce((n, rule) => n + (rule.parts.length ? Math.min(rule.parts.reduce((m, part) => m + was(part), 0), wanted(rule)) : was(rule)), 0));
  strength.hidden = false;
  field.addEventListener("input", check);
  field.addEventListener("change", () => { strict = true; check(); });
}
