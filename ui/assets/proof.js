// Proves that a form is in no hurry: finds a number whose SHA-256 together with the form's text begins with so many zero bits. It works
// while the person types, asks nothing of them, and tells nobody else of them.
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const fraction = (x) => ((x - Math.floor(x)) * 0x100000000) | 0;
const rounds = primes.map((p) => fraction(Math.cbrt(p)));
const start = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const turn = (x, n) => (x >>> n) | (x << (32 - n));

// The first 32 bits of the hash of at most 55 ASCII characters (FIPS 180-4).
function firstWord(text) {
  const w = new Int32Array(64);
  for (let i = 0; i < text.length; i++) w[i >> 2] |= text.charCodeAt(i) << (24 - (i & 3) * 8);
  w[text.length >> 2] |= 0x80 << (24 - (text.length & 3) * 8);
  w[15] = text.length * 8;
  for (let i = 16; i < 64; i++) {
    const a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = start;
  for (let i = 0; i < 64; i++) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + rounds[i] + w[i]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
  }
  return (start[0] + a) | 0;
}

for (const box of globalThis.document?.querySelectorAll("[data-work]") ?? []) {
  const form = box.closest("form"), status = box.querySelector("[role=status]");
  const field = form.elements.namedItem("work_number");
  let number = 0, waiting = null, solved = false;
  const step = () => {
    for (let until = performance.now() + 20; performance.now() < until; ) {
      for (let i = 0; i < 500; i++, number++) {
        if (Math.clz32(firstWord(box.dataset.work + ":" + number)) >= Number(box.dataset.bits)) {
          field.value = String(number);
          solved = true;
          status.hidden = true;
          if (waiting) form.requestSubmit(waiting.submitter ?? undefined);
          return;
        }
      }
    }
    setTimeout(step, 0);
  };
  form.addEventListener("submit", (event) => {
    if (solved) return;
    event.preventDefault();
    waiting = event;
    status.hidden = false;
  }, { capture: true });
  step();
}
