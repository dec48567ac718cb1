// Offers to show what is typed into a password field. The pages work without it: the buttons stay
// hidden then. The field is masked again before the form goes, so that browsers treat it as a password.
for (const button of document.querySelectorAll("button.reveal")) {
  const field = document.getElementById(button.getAttribute("aria-controls"));
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => {
    show(field.type === "password");
    field.focus({ preventScroll: true });
  });
  field.form.addEventListener("submit", () => show(false));
  button.hidden = false;
}
