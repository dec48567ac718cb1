// What a machine can see of a page that somebody looks at: the parts of WCAG 2.2 AA that can be measured. It returns a list of faults, empty if
// there is none. Names of the success criteria are in brackets.
(async () => {
  await document.fonts.ready;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const faults = [], name = e => e.outerHTML.replace(/\s+/g, " ").slice(0, 110);
  const seen = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && !e.closest(".visually-hidden, .skip, [inert]");

  // Whole page [1.4.10, 2.4.2, 3.1.1, 1.3.1]
  const over = document.documentElement.scrollWidth - innerWidth;
  if (over > 0) faults.push(`${over} px over the side`);
  if (!document.title.trim()) faults.push("no title");
  if (!document.documentElement.lang) faults.push("no language");
  const shown = [...document.querySelectorAll("h1")].filter(seen);
  if (shown.length !== 1) faults.push(`${shown.length} main headings`);
  if ([...document.querySelectorAll("main")].filter(seen).length !== 1) faults.push("not one main part");
  let level = 0;
  for (const h of [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(seen)) {
    const next = Number(h.tagName[1]);
    if (next > level + 1) faults.push(`a heading of level ${next} under one of level ${level}: ${name(h)}`);
    level = next;
  }
  const ids = new Set();
  for (const e of document.querySelectorAll("[id]")) {
    if (ids.has(e.id)) faults.push(`the id ${e.id} is used twice`);
    ids.add(e.id);
  }

  // Controls have names and can be hit [4.1.2, 3.3.2, 2.5.8]
  const controls = [...document.querySelectorAll("button, a[href], input:not([type=hidden]), select, textarea, summary")].filter(seen);
  for (const e of controls) {
    const named = e.innerText?.trim() || e.value && e.type === "submit" || e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.labels?.length && e.labels[0].innerText.trim() || e.title || e.querySelector("img[alt]:not([alt=''])");
    if (!named) faults.push(`a control without a name: ${name(e)}`);
    const hit = ["checkbox", "radio"].includes(e.type) && e.labels.length ? e.labels[0] : e; // a label takes the click, too
    const box = hit.getBoundingClientRect(), inText = e.tagName === "A" && getComputedStyle(e).display === "inline";
    if (!inText && (box.width < 24 || box.height < 24)) faults.push(`hard to hit, ${Math.round(box.width)}×${Math.round(box.height)}: ${name(e)}`);
    for (const id of `${e.getAttribute("aria-describedby") ?? ""} ${e.getAttribute("aria-labelledby") ?? ""}`.split(" ").filter(Boolean)) {
      if (!document.getElementById(id)) faults.push(`described by ${id}, which is not there: ${name(e)}`);
    }
  }
  for (const e of document.querySelectorAll("img:not([alt])")) faults.push(`a picture without words: ${name(e)}`);

  // Whoever is at a control sees it [2.4.7]
  const active = document.activeElement;
  for (const e of controls.filter(e => !e.disabled)) {
    document.activeElement?.blur(); // who has the focus already does not get it again
    e.focus({preventScroll: true, focusVisible: true});
    if (document.activeElement !== e) continue;
    const s = getComputedStyle(e);
    if ((s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) && s.boxShadow === "none") faults.push(`no mark of the focus: ${name(e)}`);
  }
  active === document.body ? document.activeElement.blur() : active?.focus({preventScroll: true});

  // Texts stand out from what is behind them [1.4.3], and are whole
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = css => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const on = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = c => [0.2126, 0.7152, 0.0722].reduce((sum, k, i) => sum + k * ((c[i] /= 255) <= 0.04045 ? c[i] / 12.92 : ((c[i] + 0.055) / 1.055) ** 2.4), 0);
  const behind = e => { // null: a picture, which cannot be measured so
    const layers = [];
    for (; e; e = e.parentElement) {
      const s = getComputedStyle(e);
      if (s.backgroundImage !== "none") return null;
      const c = rgba(s.backgroundColor);
      layers.push(c);
      if (c[3] === 1) break;
    }
    return layers.reduceRight((under, top) => on(top, under), [255, 255, 255, 1]);
  };
  const scrolls = e => { // what does not fit can be brought into view
    for (; e && e !== document.body; e = e.parentElement) if (/auto|scroll/.test(getComputedStyle(e).overflowX)) return true;
    return false;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const told = new Set();
  for (let n = texts.nextNode(); n; n = texts.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || !seen(e) || e.closest("script, style, svg, :disabled, [aria-disabled=true]") || told.has(e)) continue;
    told.add(e);
    const s = getComputedStyle(e), size = parseFloat(s.fontSize), back = behind(e);
    if (back) {
      const front = on(rgba(s.color), back), [a, b] = [light(front), light(back.slice())].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05), least = size >= 24 || size >= 18.66 && s.fontWeight >= 700 ? 3 : 4.5;
      if (ratio < least - 0.005) faults.push(`contrast ${ratio.toFixed(2)}, not ${least}: ${name(e)}`);
    }
    if (s.overflowX !== "visible" && s.overflowX !== "auto" && s.overflowX !== "scroll" && e.scrollWidth > e.clientWidth + 1 && s.display !== "inline" && !e.title) faults.push(`a text is cut off: ${name(e)}`);
    const range = document.createRange();
    range.selectNodeContents(n);
    const r = range.getBoundingClientRect();
    if (r.right > innerWidth + 1 && !scrolls(e)) faults.push(`a text leaves the window: ${name(e)}`);
  }
  // A word that does not fit goes on in the next line behind a hyphen: where it is long, and breaks without one, the text lacks a soft hyphen.
  if (!/^(ja|zh)/.test(document.documentElement.lang)) {
    for (const e of [...document.querySelectorAll("h1, h2, h3, button, summary, label, .button")].filter(seen)) {
      const walk = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
      for (let n = walk.nextNode(); n; n = walk.nextNode()) {
        for (const word of n.data.matchAll(/[\p{L}\p{N}]{4,}/gu)) {
          const lines = new Set([...word[0]].map((_, at) => {
            const letter = document.createRange();
            letter.setStart(n, word.index + at);
            letter.setEnd(n, word.index + at + 1);
            return Math.round([...letter.getClientRects()].at(-1)?.top ?? 0); // the hyphen of a soft hyphen in front is the first box of the letter behind it
          }));
          if (lines.size > 1) faults.push(`the word ${word[0]} is broken: ${name(e)}`);
        }
      }
    }
  }
  return faults;
})()
