// One component for every figure: Plotly.react on one DOM node, so cameras and zooms stay and nothing flickers.
let loading = null;

function loadPlotly(address) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  if (!loading) {
    loading = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(address, document.baseURI).href;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => { loading = null; reject(new Error("plotly.js could not be loaded")); };
      document.head.appendChild(script);
    });
  }
  return loading;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let host = parentElement.querySelector(".vae-figure");
  if (!host) {
    host = document.createElement("div");
    host.className = "vae-figure";
    host.setAttribute("role", "img");
    parentElement.appendChild(host);
  }
  const figure = JSON.parse(data.figure);
  host.setAttribute("aria-label", data.label);
  host.style.height = figure.layout.height + "px";
  const ink = getComputedStyle(host).getPropertyValue("--st-text-color").trim();
  const paper = getComputedStyle(host).getPropertyValue("--st-background-color").trim();
  if (ink) {
    figure.layout.font = { ...figure.layout.font, color: ink };
    for (const note of figure.layout.annotations ?? []) note.font = { ...note.font, color: ink };
    figure.layout.hoverlabel = { ...figure.layout.hoverlabel, bgcolor: paper, font: { size: 13, color: ink } };
  }
  host.latest = { setTriggerValue };
  loadPlotly(data.plotly).then((Plotly) => {
    const first = !host.drawn;
    host.drawn = true;
    return Plotly.react(host, figure.data, figure.layout, { responsive: true, displaylogo: false, ...data.config })
      .then(() => {
        host.dataset.updates = String(Number(host.dataset.updates ?? 0) + 1);
        if (!first) return;
        host.on("plotly_click", (event) => {
          if (!data.clicks) return;
          const { x, y, z, pointNumber, curveNumber, customdata } = event.points[0];
          host.latest.setTriggerValue("clicked", { x, y, z, pointNumber, curveNumber, customdata });
        });
        let linking = false;
        host.on("plotly_relayout", (change) => {
          const moved = Object.keys(change).find((key) => /^scene\d*\.camera$/.test(key));
          if (!moved || linking) return;
          const others = Object.keys(host.layout).filter((key) => /^scene\d*$/.test(key) && key + ".camera" !== moved);
          if (!others.length) return;
          linking = true;
          const update = Object.fromEntries(others.map((key) => [key + ".camera", change[moved]]));
          Plotly.relayout(host, update).finally(() => { linking = false; });
        });
      });
  }).catch((error) => { host.textContent = String(error.message ?? error); });
}
