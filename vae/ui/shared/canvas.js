// A sheet to draw on: white on black. After each stroke what is on it goes to Python, reduced, as raw grey levels.
const FINE = 3; // canvas pixels for each one that is sent, a side

function build(host) {
  host.className = "vae-canvas";
  host.innerHTML = `<div class="paper"><canvas></canvas><div class="hint">draw a digit here</div></div>
    <div class="buttons"><button type="button" class="undo">Undo</button><button type="button" class="clear">Clear</button></div>
    <p class="said" role="status" aria-live="polite"></p>`;
}

// The stroke as one smooth line through the middles between its points, so that a fast hand leaves no corners.
function stroke(pen, points, width) {
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = pen.shadowColor = "#fff";
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
function reduced(canvas, side) {
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      let sum = 0;
      for (let i = 0; i < FINE * FINE; i++) sum += data[4 * ((row * FINE + Math.floor(i / FINE)) * width + column * FINE + (i % FINE))];
      text += String.fromCharCode(Math.round(sum / (FINE * FINE)));
    }
  return btoa(text);
}

function restore(canvas, side, sent) {
  const small = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const image = new ImageData(side, side);
  const levels = atob(sent);
  for (let i = 0; i < levels.length; i++) image.data.set([...Array(3).fill(levels.charCodeAt(i)), 255], 4 * i);
  small.getContext("2d").putImageData(image, 0, 0);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function listen(host, canvas) {
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const before = []; // the sheet before each stroke, and before each clearing
  let points = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  const keep = () => before.push(pen.getImageData(0, 0, canvas.width, canvas.height));
  const wipe = () => { pen.shadowBlur = 0; pen.fillStyle = "#000"; pen.fillRect(0, 0, canvas.width, canvas.height); };
  const inked = () => pen.getImageData(0, 0, canvas.width, canvas.height).data.some((level, i) => i % 4 === 0 && level > 0);
  const draw = () => { pen.putImageData(before[before.length - 1], 0, 0); stroke(pen, points, host.latest.data.brush * canvas.width); };
  const show = () => {
    const some = inked();
    host.querySelector(".hint").hidden = some;
    host.querySelector(".undo").disabled = !before.length;
    host.querySelector(".clear").disabled = !some;
    return some;
  };
  const send = () => {
    const some = show();
    host.querySelector(".said").textContent = some ? "The drawing was sent." : "The sheet is empty.";
    host.latest.setStateValue("drawing", some ? reduced(canvas, host.latest.data.side) : "");
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
  wipe();
  if (host.latest.data.drawing) restore(canvas, host.latest.data.side, host.latest.data.drawing);
  show();
}

export default function ({ data, parentElement, setStateValue }) {
  let host = parentElement.querySelector(".vae-canvas");
  const fresh = !host;
  if (fresh) {
    host = document.createElement("div");
    build(host);
    parentElement.appendChild(host);
  }
  host.latest = { data, setStateValue };
  const canvas = host.querySelector("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", data.label);
  if (fresh) { // later the sheet in the browser is ahead of what the server knows
    canvas.width = canvas.height = FINE * data.side;
    listen(host, canvas);
  }
}
