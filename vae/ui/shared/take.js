// A small menu on each figure, to take it along: as a picture for slides, or its numbers. The server is not asked.
const SLIDE = { paper: "#ffffff", ink: "#1b1f24" };  // a picture is for white slides, whatever the page's theme
const KEY_HEIGHT = 28;  // pixels of the names of lines
const SHARP = 2;  // pixels of a PNG for one on the page
const COLUMNS = ["trace", "x", "y", "z", "base", "error", "text", "color", "customdata"];

function takeMenu(host) {
  const menu = document.createElement("div"), told = words("Take this figure along");
  menu.className = "vae-take";
  menu.innerHTML = `<button type="button" aria-label="${told}" title="${told}"
    aria-haspopup="menu" aria-expanded="false">⋯</button><div role="menu" aria-label="${told}" hidden></div>`;
  const [button, list] = menu.children;
  const items = () => [...list.children];
  const open = (on) => {
    if (on) list.replaceChildren(...entries(host).map(([label, act]) => entry(label, () => { open(false); button.focus(); return act(); })));
    list.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
  };
  const go = (index) => items().at(index % items().length).focus();
  button.addEventListener("click", () => { open(list.hidden); if (!list.hidden) go(0); });
  button.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); open(true); go(0); }
  });
  list.addEventListener("keydown", (event) => {
    const at = items().indexOf(document.activeElement);
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    if (event.key === "Escape") { open(false); button.focus(); }
    else if (event.key in moves) go(moves[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  menu.addEventListener("focusout", (event) => { if (!menu.contains(event.relatedTarget)) open(false); });
  host.after(menu);
  return menu;
}

function entry(label, act) {
  const item = Object.assign(document.createElement("button"), { type: "button", textContent: label, tabIndex: -1 });
  item.setAttribute("role", "menuitem");
  item.addEventListener("click", act);
  return item;
}

// What the menu offers: [label, what it does].
function entries(host) {
  const { file, alone } = host.latest.data;
  const name = slug(file);
  const offered = [
    [words("PNG, for a slide"), async () => save(bytesOf(await pictured(host, "png")), "image/png", name + ".png")],
    [words("SVG, to edit"), async () => save(await pictured(host, "svg"), "image/svg+xml", name + ".svg")],
    [words("CSV, its numbers"), () => save(tableOf(host._fullData), "text/csv", name + ".csv")],
  ];
  if (alone) offered.push([words("Copy the address of this panel alone"), () => copy(addressOf(alone))]);
  return offered;
}

const slug = (text) => text.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "figure";

function save(content, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---- As a picture -----------------------------------------------------------------------------------------------

// What is on show, zoomed and turned as it is, drawn again out of sight in the colours of a slide.
async function pictured(host, format) {
  const Plotly = await loadPlotly(host.latest.data.plotly);
  const [data, shown] = JSON.parse(JSON.stringify([plainly(host.data), host.layout]).replaceAll("var(--paper)", SLIDE.paper));
  const layout = named(data, inked(shown));
  const size = { width: host.clientWidth, height: layout.height };
  return Plotly.toImage({ data, layout, config: {} }, { format, ...size, scale: format === "png" ? SHARP : 1, imageDataOnly: true });
}

// With the names of its lines below, where the page has them outside the figure.
function named(data, layout) {
  const lines = [...new Map(data.filter((trace) => trace.name && (trace.type ?? "scatter") === "scatter" && trace.meta !== "outline" && trace.visible !== false).map((trace) => [trace.name, trace])).values()];
  if (layout.showlegend || lines.length < 2) return layout;
  for (const trace of data) trace.showlegend = lines.includes(trace);
  const key = { orientation: "h", x: 0, xanchor: "left", yref: "container", y: 0, yanchor: "bottom" };
  return { ...layout, showlegend: true, legend: { ...layout.legend, ...key }, height: layout.height + KEY_HEIGHT, margin: { ...layout.margin, b: (layout.margin?.b ?? 80) + KEY_HEIGHT } };
}

// Arrays that JSON would make objects of, as lists.
function plainly(value) {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map(plainly);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plainly(part)]));
}

function inked(layout) {
  const font = (part) => ({ ...part, font: { ...part.font, color: SLIDE.ink } });
  return {
    ...font(layout), autosize: false, paper_bgcolor: SLIDE.paper, plot_bgcolor: SLIDE.paper,
    annotations: layout.annotations?.map(font),
  };
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

// ---- As numbers -------------------------------------------------------------------------------------------------

// One row for each point, the columns that any trace has; RFC 4180.
function tableOf(traces) {
  const rows = traces.filter((trace) => trace.visible === true && trace.meta !== "outline").flatMap(rowsOf);
  const names = COLUMNS.filter((name) => rows.some((row) => row[name] !== undefined && row[name] !== null));
  const lines = [names, ...rows.map((row) => names.map((name) => cellOf(row[name])))];
  return lines.map((line) => line.map(quoted).join(",") + "\r\n").join("");
}

function rowsOf(trace) {
  const name = trace.name.replace(/<[^>]*>/g, "").trim();
  const texts = list(trace.hovertext) ?? list(trace.text);
  if (["surface", "heatmap", "contour"].includes(trace.type)) return cellsOf(trace, name, texts);
  const { x, y, z } = trace;
  const columns = {
    x, y, z, base: list(trace.base), error: list(trace.error_y?.array), text: texts, color: list(trace.marker?.color),
    customdata: list(trace.customdata),
  };
  const length = Math.max(0, ...[x, y].map((axis) => axis?.length ?? 0));
  return Array.from({ length }, (_, i) => ({
    trace: name, ...Object.fromEntries(Object.entries(columns).map(([key, values]) => [key, exact(values, i)])),
  }));
}

// Of a surface or a map: z row by row; its axes are lists, or as large as z, or not given.
function cellsOf({ x, y, z, customdata }, trace, texts) {
  const place = (axis, i, j, index) => (axis === undefined ? index : list(axis[i]) ? exact(axis[i], j) : exact(axis, index));
  return Array.from(z, (row, i) => Array.from(row, (_, j) => ({
    trace, x: place(x, i, j, j), y: place(y, i, j, i), z: exact(row, j), text: texts?.[i]?.[j], customdata: exact(customdata?.[i], j),
  }))).flat();
}

const list = (value) => (Array.isArray(value) || ArrayBuffer.isView(value) ? value : undefined);

// A number with as many digits as say which one it is, among those of its kind: .1, not .10000000149011612.
function exact(values, i) {
  const value = values?.[i];
  if (!(values instanceof Float32Array) || !Number.isFinite(value)) return value;
  const digits = [6, 7, 8].find((count) => Math.fround(value.toPrecision(count)) === value) ?? 9;
  return Number(value.toPrecision(digits));
}

function cellOf(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return "";
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value).join(" ");
  return String(value).replace(/<[^>]*>/g, " ").trim();
}

const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

// ---- As an address ----------------------------------------------------------------------------------------------

function addressOf(panel) {
  const address = new URL(location.href);
  address.searchParams.set("only", panel);
  address.searchParams.delete("present");
  return address.href;
}
