// A link to this page in the other language; says to the browser, and to who listens to it, which this one is.
export default function ({ data, parentElement }) {
  document.documentElement.lang = data.here;
  const link = parentElement.querySelector("a") ?? parentElement.appendChild(document.createElement("a"));
  link.textContent = data.name;
  link.lang = link.hreflang = data.to;
  link.className = "vae-language";
  const aim = () => {  // the page's address changes with what it shows
    const address = new URL(location.href);
    address.searchParams.set("lang", data.to);
    link.href = address.href;
  };
  ["pointerdown", "focus", "click"].forEach((event) => link.addEventListener(event, aim));
  aim();
}
