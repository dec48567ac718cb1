// Checks a new password while it is typed against the rules that are listed below its field, as far as a browser can: whether it is much used, or was used
// before, the server alone knows. The list is there without this script, and the server decides.
const kinds = {
  lowerCase: /[a-z]/, upperCase: /[A-Z]/, numbers: /[0-9]/, specialCharacters: /[ !"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/,
};

// How far the password keeps a rule, from 0 to 1; undefined for one that cannot be checked here. A rule is {code, least, items}.
function kept(rule, password) {
  const letters = [...password];
  switch (rule.code) {
    case "nonEmpty":
    case "lengthAtLeast":
      return Math.min(letters.length / (rule.least || 1), 1);
    case "containsAtLeast":
    case "shouldContain": {
      const wanted = rule.code === "shouldContain" ? rule.items.length : rule.least;
      return Math.min(rule.items.filter((code) => kinds[code].test(password)).length / wanted, 1);
    }
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
  const [meter, count, status] = ["meter", ".count", "[role=status]"].map((what) => strength.querySelector(what));
  const children = (list) => [...(list?.children ?? [])].map((line) => ({
    line, code: line.dataset.rule, least: Number(line.dataset.least), said: line.querySelector(".said"), parts: children(line.querySelector("ul")),
  }));
  const rules = children(box.querySelector("ul"));
  for (const rule of rules) rule.items = rule.parts.map((part) => part.code);
  const checked = rules.filter((rule) => kept(rule, "") !== undefined);
  let strict = false, waiting = 0; // nothing is called wrong before somebody has finished typing once

  const mark = (rule, state) => {
    rule.line.className = state;
    rule.said.textContent = box.dataset[state] ? ` (${box.dataset[state]})` : "";
  };
  const tell = (met, share) => {
    meter.value = share;
    count.textContent = met === checked.length ? box.dataset.complete : box.dataset.progress.replace("{met}", met).replace("{all}", checked.length);
  };
  const check = () => {
    const password = field.value, otherwise = strict && password ? "broken" : "untried";
    let met = 0, share = 0;
    for (const rule of checked) {
      const part = kept(rule, password), done = part === 1;
      met += Number(done);
      share += part / checked.length;
      mark(rule, done ? "kept" : otherwise);
      for (const item of rule.parts) mark(item, kept(item, password) ? "kept" : done ? "untried" : otherwise);
    }
    for (const rule of rules) if (!checked.includes(rule)) mark(rule, "untried");
    tell(met, share);
    clearTimeout(waiting); // a screen reader hears it when the typing rests
    waiting = setTimeout(() => { if (status.textContent !== count.textContent) status.textContent = count.textContent; }, 700);
  };
  if (!checked.length) continue;
  const before = checked.filter((rule) => rule.line.className === "kept").length; // of the password that was sent before
  tell(before, before / checked.length);
  strength.hidden = false;
  field.addEventListener("input", check);
  field.addEventListener("change", () => { strict = true; check(); });
}
