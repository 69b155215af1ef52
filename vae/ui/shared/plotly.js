// plotly.js from this app's own server, once for a page: that which the page's own text asks for, or whoever needs it first.
function loadPlotly(address) {
  window.vaePlotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) { resolve(window.Plotly); return; }
    const source = new URL(address, document.baseURI).href;
    const asked = [...document.scripts].find((script) => script.src === source);
    const script = asked ?? Object.assign(document.createElement("script"), { src: source });
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => {
      script.remove();
      delete window.vaePlotly;
      reject(new Error("plotly.js could not be loaded"));
    });
    if (!asked) document.head.appendChild(script);
  });
  return window.vaePlotly;
}
