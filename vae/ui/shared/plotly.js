// plotly.js from this app's own server, once for a page, whoever asks for it first.
function loadPlotly(address) {
  window.vaePlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(address, document.baseURI).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { delete window.vaePlotly; reject(new Error("plotly.js could not be loaded")); };
    document.head.appendChild(script);
  });
  return window.vaePlotly;
}
