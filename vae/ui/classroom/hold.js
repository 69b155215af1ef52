// While it is on a page, that page can be read and scrolled, and nothing on it can be used. A courtesy to the class; what
// must not happen while the controls are locked, the server refuses.
const USED = "button, a, input, textarea, label, summary, [role=slider], [role=combobox], [role=option]";
const EVENTS = ["pointerdown", "mousedown", "click", "keydown"];

export default function ({ parentElement }) {
  (parentElement.closest('[data-testid="stElementContainer"]') ?? parentElement).style.display = "none";
  const stop = (event) => {
    if (event.key === "Tab" || !event.target.closest?.(USED)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  EVENTS.forEach((name) => window.addEventListener(name, stop, true));
  return () => EVENTS.forEach((name) => window.removeEventListener(name, stop, true));
}
