// A sheet to draw on: white on black, or with paints over a picture. After each stroke what is on it goes to Python, reduced,
// as raw levels: grey, or red, green and blue after each other for every pixel.
const FINE = 3; // canvas pixels for each one that is sent, a side

function build(host, { hint, paints }) {
  host.className = "vae-canvas";
  const pots = paints.map(([name, colour], i) => `<label><input type="radio" name="paint" value="${colour}" aria-label="${name}" ${i ? "" : "checked"}>
    <span style="background:${colour}" title="${name}"></span></label>`).join("");
  host.innerHTML = `<div class="paper"><canvas></canvas><div class="hint"></div></div>
    <div class="buttons"><div class="paints" role="radiogroup" aria-label="${words("Paint")}" ${paints.length ? "" : "hidden"}>${pots}</div><button type="button" class="undo">${words("Undo")}</button><button type="button" class="clear">${words("Clear")}</button></div>
    <p class="said" role="status" aria-live="polite"></p>`;
  host.querySelector(".hint").textContent = hint;
}

// The stroke as one smooth line through the middles between its points, so that a fast hand leaves no corners.
function stroke(pen, points, width, colour) {
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = pen.shadowColor = colour;
  pen.shadowBlur = width / 4;
  pen.beginPath();
  pen.moveTo(...points[0]);
  for (let i = 1; i < points.length - 1; i++) {
    const [x, y] = points[i], [nextX, nextY] = points[i + 1];
    pen.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  pen.lineTo(...points[points.length - 1]); // a tap is a dot
  pen.stroke();
}

// Means over FINE x FINE pixels: a sheet that was restored from what was sent is sent again exactly as it was.
function reduced(canvas, side, channels) {
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let i = 0; i < FINE * FINE; i++) sum += data[4 * ((row * FINE + Math.floor(i / FINE)) * width + column * FINE + (i % FINE)) + channel];
        text += String.fromCharCode(Math.round(sum / (FINE * FINE)));
      }
    }
  return btoa(text);
}

function restore(canvas, side, sent, channels) {
  const small = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const image = new ImageData(side, side);
  const levels = atob(sent);
  for (let i = 0; i < side * side; i++) {
    const pixel = [0, 1, 2].map((channel) => levels.charCodeAt(channels * i + (channels > 1 ? channel : 0)));
    image.data.set([...pixel, 255], 4 * i);
  }
  small.getContext("2d").putImageData(image, 0, 0);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function listen(host, canvas) {
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const before = []; // the sheet before each stroke, and before each clearing
  const { side, paints, brush } = host.latest.data;
  const channels = paints.length ? 3 : 1;
  let points = null, blank = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  const keep = () => before.push(pen.getImageData(0, 0, canvas.width, canvas.height));
  const wipe = () => {
    pen.shadowBlur = 0;
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    if (host.latest.data.ground) restore(canvas, side, host.latest.data.ground, channels);
    blank = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const inked = () => pen.getImageData(0, 0, canvas.width, canvas.height).data.some((level, i) => level !== blank[i]);
  const paint = () => host.querySelector(".paints input:checked")?.value ?? "#fff";
  const draw = () => { pen.putImageData(before[before.length - 1], 0, 0); stroke(pen, points, brush * canvas.width, paint()); };
  const show = () => {
    const some = inked();
    host.querySelector(".hint").hidden = some;
    host.querySelector(".undo").disabled = !before.length;
    host.querySelector(".clear").disabled = !some;
    return some;
  };
  const send = () => {
    const some = show();
    host.querySelector(".said").textContent = some ? words("The drawing was sent.") : words("The sheet is empty.");
    host.latest.setStateValue("drawing", some ? reduced(canvas, side, channels) : "");
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (points || (event.pointerType === "mouse" && event.button)) return; // a second finger, another button
    canvas.setPointerCapture(event.pointerId);
    keep();
    points = Object.assign([at(event)], { of: event.pointerId });
    draw();
    host.querySelector(".hint").hidden = true;
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!points || event.pointerId !== points.of) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    points.push(...(passed.length ? passed : [event]).map(at));
    draw();
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, (event) => {
      if (!points || event.pointerId !== points.of) return;
      points = null;
      send();
    });
  host.querySelector(".undo").onclick = () => { pen.putImageData(before.pop(), 0, 0); send(); };
  host.querySelector(".clear").onclick = () => { keep(); wipe(); send(); };
  host.lay = () => {
    before.length = 0;
    wipe();
    if (host.latest.data.drawing) restore(canvas, side, host.latest.data.drawing, channels);
    show();
  };
  host.lay();
}

export default function ({ data, parentElement, setStateValue }) {
  let host = parentElement.querySelector(".vae-canvas");
  const fresh = !host, ground = host?.latest.data.ground;
  if (fresh) {
    host = document.createElement("div");
    build(host, data);
    parentElement.appendChild(host);
  }
  host.latest = { data, setStateValue };
  const canvas = host.querySelector("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", data.label);
  if (fresh) { // later the sheet in the browser is ahead of what the server knows
    canvas.width = canvas.height = FINE * data.side;
    listen(host, canvas);
  } else if (ground !== data.ground) host.lay(); // another picture lies below
}
