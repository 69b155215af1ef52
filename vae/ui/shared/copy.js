// Where a page comes over http, as from a laptop in class, browsers have no clipboard for scripts but this old one.
async function copy(text) {
  if (navigator.clipboard) {
    try { return await navigator.clipboard.writeText(text); } catch { /* not allowed: the old way */ }
  }
  const held = Object.assign(document.createElement("textarea"), { value: text });
  const before = document.activeElement;
  document.body.append(held);
  held.select();
  document.execCommand("copy");
  held.remove();
  before?.focus();
}
