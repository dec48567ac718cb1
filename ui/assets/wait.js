// Waits for an answer that comes from elsewhere: asks the server every few seconds, without touching the page, and goes on once there is one. What the
// person has ticked meanwhile goes along.
for (const box of document.querySelectorAll("[data-wait]")) {
  const ask = async () => {
    try {
      const answer = await fetch(box.dataset.wait, { cache: "no-store", redirect: "manual" });
      const busy = answer.status === 429 || answer.status >= 500; // no answer at all: the page stays
      if (answer.status !== 204 && !busy) {
        const tick = document.getElementById("remember");
        location.replace(box.dataset.next + (tick?.checked ? "&remember=1" : ""));
        return;
      }
    } catch {
      // the network is away; it may come back
    }
    setTimeout(ask, 3000);
  };
  setTimeout(ask, 3000);
}
