// Shows nothing, and is to take no room: has plotly.js loaded while there is no figure yet.
export default function ({ data, parentElement }) {
  const element = parentElement.closest('[data-testid="stElementContainer"]') ?? parentElement;
  element.style.display = "none";
  loadPlotly(data.plotly).catch(() => {});  // a figure says it
}
