// Beside the page: a button that copies its address, and on a phone a menu that closes when it has led somewhere.
const LINK = `<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" d="M10 13.5a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10.5a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.2-1.2"/></svg>`;
const TOLD = 2000; // milliseconds

function build(host) {
  host.className = "vae-frame";
  host.innerHTML = `<button type="button">${LINK}</button><span role="status" aria-live="polite"></span>`;
  const [button, said] = [host.querySelector("button"), host.querySelector("span")];
  const say = (text) => {
    said.textContent = text;
    setTimeout(() => { said.textContent = ""; }, TOLD);
  };
  button.onclick = () => copy(location.href).then(() => say(words("Link copied")));
}

export default function ({ data, parentElement }) {
  let host = parentElement.querySelector(".vae-frame");
  if (!host) {
    host = parentElement.appendChild(document.createElement("div"));
    build(host);
  }
  const button = host.querySelector("button");
  button.title = words("Copy the link to this page as it is");
  button.setAttribute("aria-label", button.title);
  if (window.vaePage !== undefined && window.vaePage !== data.page && innerWidth <= 640)
    document.querySelector('.stSidebar[data-collapsed="false"] [data-testid="stSidebarCollapseButton"] button')?.click();
  window.vaePage = data.page;
}
