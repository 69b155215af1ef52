// One component for every figure: Plotly.react on one DOM node, so cameras and zooms stay and nothing flickers.
const NARROW = 560;  // pixels; below it a figure takes its narrow layout, if it has one

const TALLEST = 0.62;  // of the window; no figure grows beyond it with its type

const isScene = (key) => /^scene\d*$/.test(key);

// A figure with all its type larger or smaller, and room for it. Notes change less: they stand beside each other.
function lettered(part, type) {
  if (type === 1 || part === null || typeof part !== "object" || part.bdata) return part;
  if (Array.isArray(part)) return typeof part[0] === "object" ? part.map((one) => lettered(one, type)) : part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, scaled(key, value, type)]));
}

function scaled(key, value, type) {
  if (/font$/.test(key) && typeof value?.size === "number") return { ...value, size: value.size * type };
  if (key === "margin") return Object.fromEntries(Object.entries(value).map(([side, room]) => [side, room * type]));
  if (key === "standoff") return value * type;
  if (key === "height") return Math.max(value, Math.min(value * type, TALLEST * innerHeight));
  return lettered(value, key === "annotations" ? Math.sqrt(type) : type);
}

// How large type is on this page: 1 as a rule, more for a hall.
const typeOf = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;

// The layout as this window shows it: its width, the page's colours and letters, and the camera as it was left.
function fitted(host, layout, narrow, ink, paper, family) {
  if (narrow && host.clientWidth < NARROW) layout = merged(layout, narrow);
  if (ink) {
    layout.font = { ...layout.font, color: ink, family };
    for (const note of layout.annotations ?? []) note.font = { ...note.font, color: ink };
    layout.hoverlabel = { ...layout.hoverlabel, bgcolor: paper, font: { size: 13, color: ink } };
  }
  const scenes = Object.keys(layout).filter(isScene);
  if (host.camera) for (const key of scenes) layout[key].camera = host.camera;
  if (!scenes.length && matchMedia("(pointer: coarse)").matches) layout.dragmode ??= false;  // a finger scrolls the page
  return layout;
}

async function draw(Plotly, host) {
  if (!host.clientWidth) return;  // hidden, so of no size: drawn once it is shown
  const { data } = host.latest;
  const style = getComputedStyle(host);
  const ink = style.getPropertyValue("--st-text-color").trim();
  const paper = style.getPropertyValue("--st-background-color").trim();
  const type = typeOf();
  const wanted = [data.figure, data.narrow, host.clientWidth < NARROW, ink, paper, type].join("\n");
  if (wanted === host.drawn) {
    const apart = Math.abs((host._fullLayout?.width ?? host.clientWidth) - host.clientWidth);
    if (apart >= 1) await Plotly.Plots.resize(host);
    return;
  }
  const first = !host.drawn;
  host.drawn = wanted;
  const figure = JSON.parse(data.figure);
  const layout = lettered(fitted(host, figure.layout, data.narrow && JSON.parse(data.narrow), ink, paper, style.fontFamily), type);
  host.style.height = layout.height + "px";
  const config = { displaylogo: false, scrollZoom: false, modeBarButtonsToRemove: ["toImage"], ...data.config };
  await Plotly.react(host, lettered(figure.data, type), layout, config);
  host.dataset.updates = String(Number(host.dataset.updates ?? 0) + 1);
  if (first) {
    reportClicks(host);
    reportSelections(host);
    showThumbnails(host);
    linkCameras(Plotly, host);
    shareTouch(host);
  }
  if (data.player) play(Plotly, host, data.player);
}

// In 3-D Plotly calls the press that begins an orbit a click: there a click is a press released where it began.
function reportClicks(host) {
  const send = (point) => {
    const { x, y, z, pointNumber, curveNumber, customdata } = point;
    if (host.latest.data.clicks) host.latest.setTriggerValue("clicked", { x, y, z, pointNumber, curveNumber, customdata });
  };
  let under = null, pressed = null;
  const keep = (event) => { if (event.points[0].fullData?.scene) under = event.points[0]; };
  host.on("plotly_hover", keep);
  host.on("plotly_unhover", () => { under = null; });
  host.on("plotly_click", (event) => { keep(event); if (!event.points[0].fullData?.scene) send(event.points[0]); });
  host.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; }, true);
  window.addEventListener("pointerup", (event) => {
    if (!pressed || !host.isConnected) return;
    const still = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) < 4;
    pressed = null;
    if (still) setTimeout(() => { if (under) send(under); }, 80);  // a touch finds its point a frame later
  }, true);
}

// The points that a lasso was drawn round, by their customdata; none once it is undone.
function reportSelections(host) {
  const send = (points) => {
    if (!host.latest.data.selects) return;
    const chosen = points.filter((point) => point.curveNumber === 0).map((point) => point.customdata);
    host.latest.setTriggerValue("selected", chosen);
  };
  host.on("plotly_selected", (event) => { if (event) send(event.points); });
  host.on("plotly_deselect", () => send([]));
}

// Pictures beside the pointer: hover labels of Plotly cannot hold any.
function showThumbnails(host) {
  const box = Object.assign(document.createElement("div"), { className: "vae-thumbnails", hidden: true });
  host.parentElement.appendChild(box);
  host.on("plotly_hover", ({ points: [point], event }) => {
    const atlas = (window.vaeAtlases ?? {})[host.latest.data.thumbnails];
    if (!atlas || point.curveNumber !== 0 || point.customdata === undefined) return;
    const { columns, rows } = atlas, index = point.customdata;
    const share = (at, of) => (of > 1 ? (100 * at) / (of - 1) : 0) + "%";
    box.replaceChildren(...atlas.pages.map(({ label, png }) => {
      const figure = document.createElement("figure"), picture = document.createElement("div");
      picture.style.backgroundImage = `url(data:image/png;base64,${png})`;
      picture.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
      picture.style.backgroundPosition = `${share(index % columns, columns)} ${share(Math.floor(index / columns), rows)}`;
      figure.append(picture, Object.assign(document.createElement("figcaption"), { textContent: label }));
      return figure;
    }));
    const bounds = host.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    box.style.left = (x > bounds.width / 2 ? x - 20 - 84 * atlas.pages.length : x + 20) + "px";
    box.style.top = Math.max(0, Math.min(bounds.height - 100, y - 45)) + "px";
    box.dataset.index = String(index);
    box.hidden = false;
  });
  host.on("plotly_unhover", () => { box.hidden = true; });
}

// All scenes of a figure are seen from the same side, while one of them is turned and after.
function linkCameras(Plotly, host) {
  let source = null, busy = false, shown = null;
  const follow = () => {
    const others = Object.keys(host._fullLayout).filter((key) => isScene(key) && key + ".camera" !== source);
    if (busy || !others.length || shown === host.camera) return;
    busy = true;
    shown = host.camera;
    const update = Object.fromEntries(others.map((key) => [key + ".camera", shown]));
    Plotly.relayout(host, update).finally(() => { busy = false; requestAnimationFrame(follow); });
  };
  const turned = (change) => {
    const moved = Object.keys(change).find((key) => /^scene\d*\.camera$/.test(key));
    if (!moved || (busy && moved !== source)) return;  // our own relayout reports the other scenes
    source = moved;
    host.camera = structuredClone(change[moved]);
    follow();
  };
  host.on("plotly_relayouting", turned);
  host.on("plotly_relayout", turned);
}

// With a finger: a stroke to the side turns a 3-D plot, one up or down scrolls the page as it does elsewhere. The
// browser scrolls (touch-action in figure.css) unless Plotly has seen the stroke's first move. While the page still
// rolls from the stroke before, the browser keeps a stroke to itself: such moves cannot be cancelled.
function shareTouch(host) {
  let start = null, turns = false;
  const listen = (name, handle) => host.addEventListener(name, handle, { capture: true, passive: true });
  listen("touchstart", ({ touches }) => {
    start = touches.length === 1 ? touches[0] : null;
    turns = !start;
  });
  listen("touchmove", (event) => {
    if (!(event.target instanceof HTMLCanvasElement)) return;
    if (start) {
      const { clientX, clientY } = event.touches[0];
      turns = event.cancelable && Math.abs(clientX - start.clientX) > Math.abs(clientY - start.clientY);
      start = null;
    }
    if (!turns) event.stopPropagation();
  });
}

// Points that move over the steps: a slider and a button below the figure. The server is not asked.
function play(Plotly, host, { traces, x, y }) {
  const bar = host.player ?? (host.player = controls(host));
  const [button, input, at] = bar.children;
  const last = x[0].length - 1;
  clearInterval(bar.timer);
  const show = (step) => {
    input.value = String(step);
    at.textContent = words("step {0} of {1}", step, last);
    Plotly.restyle(host, { x: x.map((path) => [path[step]]), y: y.map((path) => [path[step]]) }, traces);
  };
  const stop = () => { clearInterval(bar.timer); button.textContent = words("Play"); };
  const start = () => {
    if (Number(input.value) >= last) show(0);
    button.textContent = words("Pause");
    const stride = Math.max(1, Math.round(last / 120));  // about five seconds, however many steps
    bar.timer = setInterval(() => {
      show(Math.min(last, Number(input.value) + stride));
      if (Number(input.value) >= last) stop();
    }, 40);
  };
  input.max = String(last);
  input.oninput = () => { stop(); show(Number(input.value)); };
  button.onclick = () => (button.textContent === words("Play") ? start() : stop());
  stop();
  show(Math.min(Number(input.value), last));
}

function controls(host) {
  const bar = document.createElement("div");
  bar.className = "vae-player";
  bar.innerHTML = `<button type="button">${words("Play")}</button><input type="range" min="0" step="1" value="0" aria-label="${words("step")}">
    <span></span>`;
  host.after(bar);
  return bar;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let host = parentElement.querySelector(".vae-figure");
  if (!host) {
    host = document.createElement("div");
    host.className = "vae-figure";
    host.setAttribute("role", "img");
    parentElement.appendChild(host);
  }
  host.setAttribute("aria-label", data.label);
  host.latest = { data, setTriggerValue };
  const show = () => loadPlotly(data.plotly)
    .then((Plotly) => draw(Plotly, host))
    .catch((error) => { host.textContent = String(error.message ?? error); });
  if (!host.sized) {
    host.sized = new ResizeObserver(show);  // calls show at once, and whenever the size changes
    host.sized.observe(host);
    host.sized.observe(takeMenu(host));  // as large as the page's type
  } else {
    show();
  }
}
