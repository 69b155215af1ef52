// A grid of pictures as one image, with labels beside and above it; a cell is picked by click or by keyboard.
function labels(host, name, texts) {
  const node = host.querySelector("." + name);
  node.replaceChildren(...texts.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
  node.hidden = !texts.length;
}

function build(host) {
  host.className = "vae-pictures";
  host.innerHTML = `<div class="above"></div><div class="beside"></div>
    <div class="grid"><img><div class="marks"></div><div class="cursor" hidden></div></div>`;
}

function place(node, row, column, { rows, columns }) {
  node.style.left = (100 * column) / columns + "%";
  node.style.top = (100 * row) / rows + "%";
  node.style.width = 100 / columns + "%";
  node.style.height = 100 / rows + "%";
}

function listen(host, grid, cursor) {
  let at = [0, 0];
  const inside = ([row, column]) => row * host.latest.data.columns + column < host.latest.data.count;
  const pick = (cell) => {
    if (host.latest.data.clicks && inside(cell)) host.latest.setTriggerValue("picked", { row: cell[0], column: cell[1], index: cell[0] * host.latest.data.columns + cell[1] });
  };
  const show = () => { place(cursor, ...at, host.latest.data); cursor.hidden = false; };
  grid.addEventListener("click", (event) => {
    const box = grid.getBoundingClientRect();
    const { rows, columns } = host.latest.data;
    at = [
      Math.min(rows - 1, Math.max(0, Math.floor((rows * (event.clientY - box.top)) / box.height))),
      Math.min(columns - 1, Math.max(0, Math.floor((columns * (event.clientX - box.left)) / box.width))),
    ];
    pick(at);
  });
  grid.addEventListener("focus", () => { if (grid.matches(":focus-visible")) show(); });
  grid.addEventListener("blur", () => { cursor.hidden = true; });
  grid.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (step) {
      const next = [at[0] + step[0], at[1] + step[1]];
      const { rows, columns } = host.latest.data;
      if (next[0] >= 0 && next[0] < rows && next[1] >= 0 && next[1] < columns && inside(next)) at = next;
      show();
    } else if (event.key === "Enter" || event.key === " ") pick(at);
    else return;
    event.preventDefault();
  });
}

export default function ({ data, parentElement, setTriggerValue }) {
  let host = parentElement.querySelector(".vae-pictures");
  if (!host) {
    host = document.createElement("div");
    build(host);
    parentElement.appendChild(host);
    listen(host, host.querySelector(".grid"), host.querySelector(".cursor"));
  }
  host.latest = { data, setTriggerValue };
  labels(host, "above", data.above);
  labels(host, "beside", data.beside);
  host.style.maxWidth = data.width + "px";
  const grid = host.querySelector(".grid");
  grid.classList.toggle("clicks", data.clicks);
  grid.tabIndex = data.clicks ? 0 : -1;
  grid.setAttribute("role", data.clicks ? "button" : "img");
  grid.setAttribute("aria-label", data.clicks ? words("{0}. Arrow keys choose a picture, Enter takes it.", data.alt) : data.alt);
  const img = grid.querySelector("img");
  const source = "data:image/png;base64," + data.png;
  if (img.src !== source) img.src = source;
  img.alt = "";
  const marks = grid.querySelector(".marks");
  marks.replaceChildren(...data.marks.map(([index, colour]) => {
    const mark = document.createElement("div");
    place(mark, Math.floor(index / data.columns), index % data.columns, data);
    mark.style.outlineColor = colour;
    return mark;
  }));
}
