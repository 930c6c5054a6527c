// All maps of an item on one canvas: the person's on top of each other, the garment's beside them, under one zoom and pan.

const GAP = 0.03; // between person and garment, of the person's height
const MOST = 32; // screen pixels a map pixel
const LEAST = 0.5; // of the size at which all is seen
const BLACK = 90; // red, green and blue together: JPEG blurs it
const NEARLY = 0.8; // of its size at which one side is shown smaller, if then both are seen
const TINT = [0, 220, 110]; // of a mask: seldom the colour of skin or cloth
const BONES = [
  [1, 8], [1, 2], [2, 3], [3, 4], [1, 5], [5, 6], [6, 7], [8, 9], [9, 10], [10, 11], [8, 12], [12, 13], [13, 14], [1, 0], [0, 15],
  [15, 17], [0, 16], [16, 18], [14, 19], [19, 20], [14, 21], [11, 22], [22, 23], [11, 24],
]; // of BODY_25
const COCO_18 = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]; // as BODY_25

// Maps are kept by their address, which changes with them: what was fetched ahead is not fetched again.
class MapStore {
  constructor() {
    this.kept = new Map();
  }

  get(how, url, size) {
    if (!this.kept.has(url)) {
      this.kept.set(url, this.load(how, url, size).catch(() => null)); // null is a map that cannot be shown
      if (this.kept.size > 120) this.kept.delete(this.kept.keys().next().value);
    }
    return this.kept.get(url);
  }

  forget(url) {
    this.kept.delete(url);
  }

  async load(how, url, size) {
    if (how === "picture" || how === "body") {
      const image = new Image();
      image.src = url;
      await image.decode();
      return how === "body" ? withoutBlack(image) : image;
    }
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(await answer.text());
    if (how === "joints") return readJoints(await answer.json());
    const values = new Uint8Array(await answer.arrayBuffer());
    if (values.length !== size[0] * size[1]) throw new Error("another size than the photo's");
    return values;
  }
}

// A picture whose black is seen through: what DensePose says of the background.
function withoutBlack(image) {
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    if (pixels.data[i] + pixels.data[i + 1] + pixels.data[i + 2] < BLACK) pixels.data[i + 3] = 0;
  }
  pen.putImageData(pixels, 0, 0);
  return canvas;
}

function readJoints(file) {
  return file.people.map((person) => {
    const flat = person.pose_keypoints_2d;
    const found = Array.from({ length: flat.length / 3 }, (_, i) => flat.slice(3 * i, 3 * i + 3));
    if (found.length !== 18) return found;
    const body = Array.from({ length: 25 }, () => [0, 0, 0]);
    found.forEach((joint, i) => (body[COCO_18[i]] = joint));
    return body;
  });
}

// The values of a mask or a parse as colours: nothing where they are 0.
function colourOf(values, size, palette) {
  const canvas = new OffscreenCanvas(size[0], size[1]);
  const pixels = new ImageData(size[0], size[1]);
  paintColours(pixels, values, palette, 0, 0, size[0], size[1]);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return { canvas, pixels };
}

function paintColours(pixels, values, palette, left, top, right, bottom) {
  const rgba = new Uint32Array(pixels.data.buffer);
  for (let y = top; y < bottom; y++) {
    for (let i = y * pixels.width + left, end = y * pixels.width + right; i < end; i++) rgba[i] = palette[values[i]];
  }
}

const packed = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

class MapCanvas {
  constructor(canvas, factor, store) {
    this.canvas = canvas;
    this.factor = factor;
    this.store = store;
    this.layers = new Map(); // kind -> {on, opacity, drawn}
    this.view = { scale: 1, x: 0, y: 0 }; // world to screen, in CSS pixels
    this.sized = new ResizeObserver(() => this.resize());
    this.sized.observe(canvas.parentElement);
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.addEventListener("dblclick", () => this.brush || this.fit());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.brush = null; // while a map is repaired: takes the pointer
  }

  leave() {
    this.sized.disconnect();
  }

  begin(layers, classes) {
    this.described = layers;
    for (const layer of layers) if (!this.layers.has(layer.kind)) this.layers.set(layer.kind, { on: true, opacity: layer.opacity });
    this.palettes = {
      classes: Uint32Array.from({ length: 256 }, (_, id) => (id && id < classes.length ? packed(classes[id].colour) : 0)),
      mask: Uint32Array.from({ length: 256 }, (_, value) => (value >= 128 ? packed(TINT) : 0)),
    };
  }

  sizeOf(task, layer) {
    return layer.on_cloth ? task.cloth_size : task.size;
  }

  // Fetches every map of an item and shows it; false where another item was asked for meanwhile.
  async load(task, side) {
    this.wanted = task;
    const found = await Promise.all(this.described.map((layer) => this.fetched(task, layer)));
    if (this.wanted !== task) return false;
    const moved = !this.task || this.task.stem !== task.stem;
    this.task = task;
    this.described.forEach((layer, i) => {
      const state = this.layers.get(layer.kind);
      state.missing = !found[i];
      state.raw = found[i];
      state.drawn = found[i] instanceof Uint8Array ? colourOf(found[i], this.sizeOf(task, layer), this.palettes[layer.how]) : found[i];
    });
    this.place(task);
    if (moved) this.fit(side);
    else this.draw();
    return true;
  }

  fetched(task, layer) {
    const url = task.layers[layer.kind];
    const size = this.sizeOf(task, layer);
    return url && size ? this.store.get(layer.how, url, size) : null;
  }

  // Where person and garment lie in the world: person pixels, the garment as high as the person.
  place(task) {
    const person = task.size;
    const height = person ? person[1] : task.cloth_size ? task.cloth_size[1] : 1;
    const wide = task.cloth_size ? (task.cloth_size[0] * height) / task.cloth_size[1] : 0;
    const start = person ? person[0] + (task.cloth_size ? GAP * height : 0) : 0;
    this.areas = {
      person: person && { x: 0, y: 0, width: person[0], height, unit: 1 },
      cloth: task.cloth_size && { x: start, y: 0, width: wide, height, unit: height / task.cloth_size[1] },
    };
    this.world = { width: start + wide, height };
  }

  areaOf(layer) {
    return layer.on_cloth ? this.areas.cloth : this.areas.person;
  }

  // The pixel of a layer's own photo under a place on the screen.
  pixelAt(layer, clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    const area = this.areaOf(layer);
    const x = (clientX - box.left - this.view.x) / this.view.scale;
    const y = (clientY - box.top - this.view.y) / this.view.scale;
    return [(x - area.x) / area.unit, (y - area.y) / area.unit];
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.width = width;
    this.height = height;
    if (this.task) this.fit();
  }

  // The scale at which an area fills the stage.
  filling(area) {
    return Math.min(this.width / area.width, this.height / area.height) * 0.97;
  }

  // Looks at the person or the garment; the other lies beside as far as there is room. Without a side at both.
  fit(side = this.side) {
    if (!this.world || !this.width) return;
    this.side = side;
    const area = this.areas[side] || { x: 0, y: 0, ...this.world };
    const both = this.filling(this.world);
    const scale = both > NEARLY * this.filling(area) ? both : this.filling(area);
    const [wide, high] = [this.world.width * scale, this.world.height * scale];
    const margin = 0.015 * this.width;
    const left = side === "cloth" ? this.width - wide - margin : margin;
    this.view = { scale, x: wide <= this.width ? (this.width - wide) / 2 : left, y: (this.height - high) / 2 };
    this.draw();
  }

  // Looks at the other side where it is not looked at yet; a zoom into the same side stays.
  turn(side) {
    if (side !== this.side) this.fit(side);
  }

  zoom(by, x = this.width / 2, y = this.height / 2) {
    if (!this.world) return;
    const scale = Math.min(Math.max(this.view.scale * by, this.filling(this.world) * LEAST), MOST);
    const ratio = scale / this.view.scale;
    this.view = { scale, x: x - (x - this.view.x) * ratio, y: y - (y - this.view.y) * ratio };
    this.draw();
  }

  pan(dx, dy) {
    this.view.x += dx;
    this.view.y += dy;
    this.draw();
  }

  wheel(event) {
    event.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 30 : 1; // Firefox counts lines
    this.zoom(Math.exp(-event.deltaY * lines * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }

  grab(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    const painting = this.brush && event.button === 0;
    let { clientX: x, clientY: y } = event;
    if (painting) this.brush.press(event);
    const move = (moved) => {
      if (painting) this.brush.drag(moved);
      else this.pan(moved.clientX - x, moved.clientY - y);
      [x, y] = [moved.clientX, moved.clientY];
    };
    const end = () => {
      this.canvas.removeEventListener("pointermove", move);
      this.canvas.removeEventListener("pointerup", end);
      this.canvas.removeEventListener("pointercancel", end);
      if (painting) this.brush.release();
    };
    this.canvas.addEventListener("pointermove", move);
    this.canvas.addEventListener("pointerup", end);
    this.canvas.addEventListener("pointercancel", end);
  }

  draw() {
    if (this.due) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      this.paint();
    });
  }

  paint() {
    if (!this.task || !this.world) return;
    const pen = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.setTransform(ratio * this.view.scale, 0, 0, ratio * this.view.scale, ratio * this.view.x, ratio * this.view.y);
    for (const side of [this.areas.person, this.areas.cloth]) {
      if (!side) continue;
      pen.fillStyle = "#000";
      pen.fillRect(side.x, side.y, side.width, side.height);
    }
    const order = ["image", "agnostic", "densepose", "parse", "parse_agnostic", "agnostic_mask", "keypoints", "cloth", "cloth_mask"];
    for (const kind of order) this.paintLayer(pen, this.described.find((layer) => layer.kind === kind));
    this.brush?.ring(pen);
    this.factor.textContent = `${Math.round(this.view.scale * 100)}%`;
  }

  paintLayer(pen, layer) {
    const state = this.layers.get(layer.kind);
    const area = this.areaOf(layer);
    if (!state.on || !state.drawn || !area) return;
    pen.globalAlpha = state.opacity;
    pen.imageSmoothingEnabled = layer.how === "picture" && this.view.scale * area.unit < 3;
    if (layer.how === "joints") this.paintJoints(pen, state.drawn);
    else pen.drawImage(state.drawn.canvas || state.drawn, area.x, area.y, area.width, area.height);
    pen.globalAlpha = 1;
  }

  paintJoints(pen, people) {
    const thick = Math.max(2 / this.view.scale, this.world.height / 400);
    for (const joints of people) {
      BONES.forEach(([from, to], i) => {
        if (!(joints[from]?.[2] > 0 && joints[to]?.[2] > 0)) return;
        pen.strokeStyle = `hsl(${(i * 360) / BONES.length} 90% 55%)`;
        pen.lineWidth = thick;
        pen.beginPath();
        pen.moveTo(joints[from][0], joints[from][1]);
        pen.lineTo(joints[to][0], joints[to][1]);
        pen.stroke();
      });
      for (const [x, y, score] of joints) {
        if (!(score > 0)) continue;
        pen.fillStyle = "#fff";
        pen.strokeStyle = "#000";
        pen.lineWidth = thick / 3;
        pen.beginPath();
        pen.arc(x, y, thick * 1.1, 0, 2 * Math.PI);
        pen.fill();
        pen.stroke();
      }
    }
  }
}
