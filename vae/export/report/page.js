// Draws the curves: as wide as the page, in its colours, anew when either changes, and dark on white for paper.
const NARROW = 560;  // pixels; below it the panels stand below each other, as in the app
const PAPER = 700;  // about the width of a printed page

const figures = [...document.querySelectorAll(".figure")].map((host) => {
  const told = JSON.parse(host.firstElementChild.textContent);
  const plot = host.appendChild(document.createElement("div"));
  return { host, plot, ...told };
});

function draw(ink, width) {
  for (const { host, plot, figure, narrow } of figures) {
    const wide = width ?? host.clientWidth;
    let layout = structuredClone(figure.layout);
    if (wide < NARROW) layout = merged(layout, narrow);
    layout.width = wide;
    layout.font.color = ink;
    for (const note of layout.annotations) note.font = { ...note.font, color: ink };
    const paper = getComputedStyle(document.body).backgroundColor;
    layout.hoverlabel = { bgcolor: paper, font: { size: 13, color: ink } };
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;  // a finger scrolls the page
    Plotly.react(plot, structuredClone(figure.data), layout, { displayModeBar: false });
    host.style.minHeight = layout.height + "px";
  }
}

const show = () => draw(getComputedStyle(document.body).color);
let waiting = null;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(show, 100); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
addEventListener("beforeprint", () => draw("#1f2328", PAPER));
addEventListener("afterprint", show);
show();
