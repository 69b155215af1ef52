// While it is on a page, that page can be read and scrolled, and nothing on it can be used. A courtesy to the class; what
// must not happen while the controls are locked, the server refuses.
const USED = "button, a, input, textarea, label, summary, [role=slider], [role=combobox], [role=option]";
const EVENTS = ["pointerdown", "mousedown", "click", "keydown"];

export default function ({ parentElement }) {
  (parentElement.closest('[data-testid="stElementContainer"]') ?? parentElement).style.display = "none";
  const stop = (event) => {
    if (!parentElement.isConnected) return letGo(); // its page was left in the middle of being made
    if (event.key === "Tab" || !event.target.closest?.(USED)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const letGo = () => EVENTS.forEach((name) => window.removeEventListener(name, stop, true));
  window.vaeHold?.(); // one, however often the page is made
  window.vaeHold = letGo;
  EVENTS.forEach((name) => window.addEventListener(name, stop, true));
  return letGo;
}
