// A presenter's clicker, and whoever has a keyboard: PageDown shows the answer, then goes on; PageUp goes back. Not while
// something is typed, and not with Ctrl, which is the browser's own.
const TYPED = "input:not([type=radio]):not([type=checkbox]):not([type=range]), textarea, select, [contenteditable=true]";
const WAYS = {
  PageDown: [".st-key-lesson-answer button", ".st-key-lesson-next a"],
  PageUp: [".st-key-lesson-back a"],
};
export default function ({ parentElement }) {
  (parentElement.closest('[data-testid="stElementContainer"]') ?? parentElement).style.display = "none";
  const go = (event) => {
    const ways = WAYS[event.key];
    if (!ways || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.(TYPED)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) ways.map((way) => document.querySelector(way)).find(Boolean)?.click();
  };
  window.addEventListener("keydown", go, true);
  return () => window.removeEventListener("keydown", go, true);
}
