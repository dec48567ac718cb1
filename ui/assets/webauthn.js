// Asks the browser for a key (WebAuthn): a form with data-webauthn is sent only with what the key said. What is asked for stands in
// data-options; "create" makes a new key, "get" signs with one. With data-autofill the browser offers passkeys where the identifier is
// typed, until the person does something else. Nothing is fetched: the form carries everything.
{
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const named = (list) => (list || []).map((key) => ({ ...key, id: bytes(key.id) }));

  // Browsers that cannot read and write the JSON form themselves get some help.
  const read = (options, create) => ({
    ...options,
    challenge: bytes(options.challenge),
    ...(create ? { user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: named(options.excludeCredentials) } : { allowCredentials: named(options.allowCredentials) }),
  });
  const write = (key) => {
    const r = key.response;
    const response = { clientDataJSON: text(r.clientDataJSON) };
    if (r.attestationObject) {
      response.attestationObject = text(r.attestationObject);
      response.transports = r.getTransports ? r.getTransports() : [];
    } else {
      response.authenticatorData = text(r.authenticatorData);
      response.signature = text(r.signature);
      if (r.userHandle) response.userHandle = text(r.userHandle);
    }
    return JSON.stringify({
      id: key.id, rawId: text(key.rawId), type: key.type, authenticatorAttachment: key.authenticatorAttachment || undefined,
      clientExtensionResults: key.getClientExtensionResults(), response,
    });
  };

  for (const form of document.querySelectorAll("form[data-webauthn]")) {
    const create = form.dataset.webauthn === "create";
    const status = form.querySelector(".key-status");
    let waiting = null;
    const say = (words) => {
      status.textContent = words || "";
      status.hidden = !words;
    };
    const send = (key) => {
      form.elements.key.value = write(key);
      HTMLFormElement.prototype.submit.call(form);
    };
    const ask = async (how) => {
      waiting?.abort();
      const mine = (waiting = new AbortController());
      const request = { publicKey: read(JSON.parse(form.dataset.options), create), signal: mine.signal, ...how };
      try {
        const key = await (create ? navigator.credentials.create(request) : navigator.credentials.get(request));
        if (key) send(key);
      } catch (error) {
        if (mine.signal.aborted || how.mediation) return;
        say(error.name === "InvalidStateError" ? form.dataset.known : form.dataset.failed);
      }
    };
    if (!window.PublicKeyCredential || !navigator.credentials || !form.dataset.options) {
      say(form.dataset.missing);
      for (const button of form.querySelectorAll("button.primary, button.passkey")) button.disabled = true;
      if (form.dataset.autofill !== undefined) form.hidden = form.dataset.only === undefined;
      continue;
    }
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      if (event.submitter?.hasAttribute("formnovalidate")) return; // "not now"
      event.preventDefault();
      say("");
      ask({});
    });
    if (form.dataset.autofill === "yes" && PublicKeyCredential.isConditionalMediationAvailable) {
      PublicKeyCredential.isConditionalMediationAvailable().then((can) => can && ask({ mediation: "conditional" }));
    }
  }
}
