// One image's way through a VAE: x, encoder, mu and log_var, eps, z, decoder, logits, p. The nodes stay; contents are set.
const BUTTONS = { again: words("Draw again"), zero: words("Set to 0"), back: words("Move back") };

function build(host) {
  const stage = (name, title, size = "") => `<div class="stage ${name} ${size}"><b>${title}</b><div class="inside"></div></div>`;
  const arrow = `<span class="arrow" aria-hidden="true">→</span>`;
  const net = (name, title) => `<button type="button" class="net ${name}" title="${words("Show the layers")}"><b>${title}</b><span></span></button>`;
  const buttons = (...names) => `<div class="buttons">${names.map((n) => `<button type="button" data-press="${n}">${BUTTONS[n]}</button>`).join("")}</div>`;
  host.className = "vae-pass";
  host.innerHTML = `<div class="flow">${[
    stage("x", `<i>x</i>, ${words("the image")}`),
    net("encoder", words("encoder")),
    stage("code", `<i>μ</i> ${words("and")} log <i>σ</i>²`, "wide"),
    stage("eps", `<i>ε</i>, ${words("the draw")}`, "mid"),
    stage("z", "<i>z</i> = <i>μ</i> + <i>σε</i>", "mid"),
    net("decoder", words("decoder")),
    stage("logits", "logits"),
    stage("p", `<i>p</i>, ${words("the picture")}`),
  ].join(arrow)}</div>
    <details><summary></summary><div class="layers"></div></details>`;
  host.querySelector(".eps").insertAdjacentHTML("beforeend", buttons("again", "zero"));
  host.querySelector(".z").insertAdjacentHTML("beforeend", `<div class="drags"></div>${buttons("back")}`);
}

const node = (tag, texts = {}, ...inside) => { const made = Object.assign(document.createElement(tag), texts); made.append(...inside); return made; };
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);

// Bars around 0, one for each dimension shown; a dot where `marks` say so.
function bars({ name, values, note, colour, span, marks }, labels) {
  const wide = 100 / Math.max(values.length, 2), most = span ?? Math.max(1e-9, ...values.map(Math.abs));
  const low = span !== null || Math.min(...values) < 0, zero = low ? 19 : 36, scale = (low ? 18 : 35) / most;
  const shapes = values.map((value, i) => {
    const height = Math.min(Math.abs(value) * scale, low ? 18 : 35), x = (i + 0.15) * wide, width = 0.7 * wide;
    const mark = marks ? `<line x1="${x}" x2="${x + width}" y1="${zero - marks[i] * scale}" y2="${zero - marks[i] * scale}" style="stroke-opacity:1;stroke-width:2"/>` : "";
    return `<g><title>${labels[i]}: ${value.toFixed(3)}</title><rect x="${i * wide}" width="${wide}" y="0" height="38" fill="transparent"/>
      <rect x="${x}" width="${width}" y="${value < 0 ? zero : zero - height}" height="${Math.max(height, 0.4)}" fill="${colour}"/>${mark}</g>`;
  });
  const head = node("div", { className: "bars" }, node("span", { textContent: name }), node("span", { textContent: note }));
  const drawn = node("div", { innerHTML: `<svg viewBox="0 0 100 38" preserveAspectRatio="none" role="img"><line x1="0" x2="100" y1="${zero}" y2="${zero}"/>${shapes.join("")}</svg>` });
  drawn.firstChild.setAttribute("aria-label", `${name}: ${note}`);
  return [head, drawn];
}

function pictures(seen) {
  const box = node("div", { className: "picture" + (seen.length > 1 ? " two" : "") });
  for (const { png, caption, alt } of seen) {
    box.append(png ? node("img", { src: "data:image/png;base64," + png, alt }) : node("div", { className: "unknown", textContent: alt }));
    box.append(node("div", { className: "caption", textContent: caption }));
  }
  return [box];
}

// Sliders keep their places while they are dragged: what was just asked for counts until the answer to it comes.
function drags(host, { sliders, span }) {
  const box = host.querySelector(".drags");
  while (box.children.length > sliders.length) box.lastChild.remove();
  sliders.forEach(({ name }, i) => {
    let label = box.children[i];
    if (!label) {
      const input = node("input", { type: "range", step: "0.05" });
      label = node("label", {}, node("span"), input, node("output"));
      box.append(label);
      input.addEventListener("input", () => {
        label.querySelector("output").textContent = signed(Number(input.value));
        host.asked = [...box.querySelectorAll("input")].map((slider) => Number(slider.value));
        clearTimeout(host.timer);
        host.timer = setTimeout(() => host.latest.setStateValue("shift", host.asked), 40);
      });
    }
    label.querySelector("span").textContent = name;
    const input = label.querySelector("input");
    [input.min, input.max] = [-span, span];
    input.setAttribute("aria-label", words("{0}, moved by", name));
  });
  const sent = sliders.map(({ value }) => value);
  if (host.asked && host.asked.length === sent.length && host.asked.every((value, i) => Math.abs(value - sent[i]) < 1e-6)) host.asked = undefined;
  if (!host.asked || host.asked.length !== sent.length) {
    host.asked = undefined;
    [...box.children].forEach((label, i) => {
      label.querySelector("input").value = String(sent[i]);
      label.querySelector("output").textContent = signed(sent[i]);
    });
  }
  host.querySelector("[data-press=back]").disabled = !sent.some(Boolean) && !host.asked;
}

function layers(host, { rows, said }) {
  host.querySelector("summary").textContent = said;
  const table = (part) => {
    const line = (cells, tag) => node("tr", {}, ...cells.map((text, i) => node(tag, { textContent: text, className: i === 3 ? "number" : "" })));
    const body = rows.filter((row) => row.part === part).map(({ cells }) => line(cells, "td"));
    return node("table", {}, node("thead", {}, line([words("layer"), words("kind"), words("output"), words("parameters")], "th")), node("tbody", {}, ...body));
  };
  host.querySelector(".layers").replaceChildren(table("encoder"), table("decoder"));
}

function listen(host) {
  host.addEventListener("click", (event) => {
    const press = event.target.closest("[data-press]")?.dataset.press;
    if (press === "back") host.asked = undefined;
    if (press) host.latest.setTriggerValue("pressed", press);
    if (event.target.closest(".net")) {
      const table = host.querySelector("details");
      table.open = !table.open;
      if (table.open) table.scrollIntoView({ block: "nearest" });
    }
  });
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let host = parentElement.querySelector(".vae-pass");
  if (!host) {
    host = document.createElement("div");
    build(host);
    parentElement.appendChild(host);
    listen(host);
  }
  host.latest = { setStateValue, setTriggerValue };
  host.style.setProperty("--own", data.colour);
  const fill = (name, parts) => host.querySelector(`.${name} > .inside`).replaceChildren(...parts);
  const charts = (list) => list.flatMap((chart) => bars(chart, data.dims));
  fill("x", pictures([data.x]));
  fill("code", charts(data.code));
  fill("eps", charts(data.eps));
  fill("z", charts(data.z));
  fill("logits", pictures([data.logits]));
  fill("p", pictures(data.p));
  host.querySelector("[data-press=zero]").disabled = data.still;
  for (const name of ["encoder", "decoder"]) host.querySelector(`.net.${name} span`).textContent = data.nets[name];
  drags(host, data.drags);
  layers(host, data.layers);
}
