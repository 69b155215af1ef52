// A presenter's clicker, and whoever has a keyboard: PageDown shows the answer, then goes on; PageUp goes back. Not while
// something is typed, and not with Ctrl, which is the browser's own.
const TYPED = "input:not([type=radio], [type=checkbox], [type=range], [role=combobox][aria-expanded=false]), textarea, select, [contenteditable=true]";
export default function ({ data, parentElement }) {
  // An answer is there a moment before the server says so, and an old button a moment longer: so both are asked for this step.
  const ways = {
    PageDown: () => (data.answered || document.querySelector(data.told) ? ".st-key-lesson-next a" : ".st-key-lesson-answer button"),
    PageUp: () => ".st-key-lesson-back a",
  };
  (parentElement.closest('[data-testid="stElementContainer"]') ?? parentElement).style.display = "none";
  const go = (event) => {
    const way = ways[event.key];
    if (!way || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.(TYPED) || !document.querySelector(".st-key-lesson-bar")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) document.querySelector(way())?.click();
  };
  const stop = () => window.removeEventListener("keydown", go, true);
  window.vaeLessonKeys?.(); // one of another page may still be listening, for a step that is past
  window.vaeLessonKeys = stop;
  window.addEventListener("keydown", go, true);
  return stop;
}
