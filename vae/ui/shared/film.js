// Columns of pictures with one slider over their history. The nodes stay; only what changed is set.
export default function ({ data, parentElement, setStateValue }) {
  let host = parentElement.querySelector(".vae-film");
  if (!host) {
    host = document.createElement("div");
    host.className = "vae-film";
    host.innerHTML = `<div class="columns"></div>
      <div class="scrub"><label><span class="at"></span><input type="range" min="0" step="1"></label>
      <button type="button" class="live">${words("latest")}</button></div>
      <p class="said" role="status" aria-live="polite"></p>`;
    parentElement.appendChild(host);
  }
  const columns = host.querySelector(".columns");
  columns.style.setProperty("--columns", data.columns.length);
  keep(columns, data.columns, () => '<h5><span class="mark"></span><b></b> <small></small></h5><div class="rows"></div>', (node, column) => {
    node.querySelector("h5").hidden = !column.title;
    node.querySelector(".mark").style.color = column.colour;
    put(node.querySelector(".mark"), column.mark);
    put(node.querySelector("b"), column.title);
    put(node.querySelector("small"), column.note);
    keep(node.querySelector(".rows"), column.rows, () => "<figcaption></figcaption><img>", (figure, row) => {
      put(figure.querySelector("figcaption"), row.label);
      const img = figure.querySelector("img");
      const source = "data:image/png;base64," + row.png;
      if (img.src !== source) img.src = source;
      img.alt = row.alt;
      img.dataset.row = row.name;
      img.dataset.step = String(data.steps[data.shown] ?? "");
    }, "figure");
  });

  const input = host.querySelector("input");
  const live = host.querySelector(".live");
  const say = (index) => {
    host.querySelector(".at").textContent = data.steps.length ? words("pictures after step {0}", data.steps[index].toLocaleString("en")) : "";
    input.setAttribute("aria-valuetext", words("step {0}", data.steps[index]));
  };
  input.max = String(Math.max(0, data.steps.length - 1));
  // What was just asked for is kept until the answer to it comes: refreshes sent before that still show the old place.
  if (host.asked === data.looking) host.asked = undefined;
  if (host.asked === undefined) input.value = String(data.shown);
  input.setAttribute("aria-label", words("Look back: pictures after step"));
  input.disabled = data.steps.length < 2;
  live.disabled = data.looking === null;
  say(Math.min(Number(input.value), data.steps.length - 1));
  const ask = (step) => {
    host.asked = step;
    clearTimeout(host.timer);  // a drag sends what it rests on, not every pixel of the way
    host.timer = setTimeout(() => setStateValue("looking", step), 40);
  };
  input.oninput = () => {
    const index = Number(input.value);
    say(index);
    ask(index === data.steps.length - 1 ? null : data.steps[index]);
  };
  live.onclick = () => ask(null);
  put(host.querySelector(".said"), data.said);
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// One child for each item, made where there is none yet, taken away where there is one too many.
function keep(parent, items, html, fill, tag = "section") {
  items.forEach((item, i) => {
    let node = parent.children[i];
    if (!node) {
      node = document.createElement(tag);
      node.innerHTML = html();
      parent.appendChild(node);
    }
    fill(node, item);
  });
  while (parent.children.length > items.length) parent.lastChild.remove();
}
