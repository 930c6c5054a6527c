// Repairing one map: brush, erase, grow and shrink, a class to paint with, strokes undone, and the result as a lossless PNG.

const STROKES = 40; // that can be undone
const ERASED = 0;

class Mend {
  constructor(map, layer, task, changed) {
    this.map = map;
    this.layer = layer;
    this.task = task;
    this.changed = changed; // called when something was painted or undone
    this.state = map.layers.get(layer.kind);
    this.size = map.sizeOf(task, layer);
    this.values = new Uint8Array(this.state.raw || this.size[0] * this.size[1]);
    this.state.drawn = colourOf(this.values, this.size, map.palettes[layer.how]);
    this.palette = map.palettes[layer.how];
    this.state.on = true;
    this.past = [];
    this.strokes = 0; // since the repair began
    this.value = layer.how === "mask" ? 255 : 5; // at first the upper garment
    this.erasing = false;
    this.radius = Math.max(2, Math.round(this.size[1] / 50));
    this.at = null;
    this.follow = (event) => {
      this.at = map.pixelAt(layer, event.clientX, event.clientY);
      map.draw();
    };
    this.away = () => {
      this.at = null;
      map.draw();
    };
    map.canvas.addEventListener("pointermove", this.follow);
    map.canvas.addEventListener("pointerleave", this.away);
    map.brush = this;
    map.draw();
  }

  // Ends the repair; what is not saved is gone.
  leave() {
    this.map.canvas.removeEventListener("pointermove", this.follow);
    this.map.canvas.removeEventListener("pointerleave", this.away);
    this.map.brush = null;
    const raw = this.state.raw;
    this.state.drawn = raw ? colourOf(raw, this.size, this.palette) : null;
    this.map.draw();
  }

  get isChanged() {
    return this.past.length > 0;
  }

  remember() {
    this.strokes += 1;
    this.past.push(this.values.slice());
    if (this.past.length > STROKES) this.past.shift();
  }

  press(event) {
    this.remember();
    this.last = this.map.pixelAt(this.layer, event.clientX, event.clientY);
    this.stroke(this.last, this.last);
  }

  drag(event) {
    const here = this.map.pixelAt(this.layer, event.clientX, event.clientY);
    this.stroke(this.last, here);
    this.last = here;
  }

  release() {
    this.changed();
  }

  // A line as thick as the brush.
  stroke([x0, y0], [x1, y1]) {
    const [width, height] = this.size;
    const r = this.radius;
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - r));
    const right = Math.min(width, Math.ceil(Math.max(x0, x1) + r) + 1);
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - r));
    const bottom = Math.min(height, Math.ceil(Math.max(y0, y1) + r) + 1);
    const dx = x1 - x0;
    const dy = y1 - y0;
    const long = dx * dx + dy * dy;
    const value = this.erasing ? ERASED : this.value;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const px = x + 0.5 - x0;
        const py = y + 0.5 - y0;
        const along = long ? Math.min(1, Math.max(0, (px * dx + py * dy) / long)) : 0;
        const off = (px - along * dx) ** 2 + (py - along * dy) ** 2;
        if (off <= r * r) this.values[y * width + x] = value;
      }
    }
    this.show(left, top, right, bottom);
  }

  // Grows (or shrinks) what has the chosen value by one pixel.
  grow(outward) {
    const [width, height] = this.size;
    const before = this.values.slice();
    const value = this.value;
    this.remember();
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = y * width + x;
        if ((before[i] === value) === outward) continue;
        const around = [x > 0 ? i - 1 : i, x + 1 < width ? i + 1 : i, y > 0 ? i - width : i, y + 1 < height ? i + width : i];
        const found = around.find((one) => (before[one] === value) === outward);
        if (found !== undefined) this.values[i] = before[found];
      }
    }
    this.show(0, 0, width, height);
    this.changed();
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    this.values = before;
    this.show(0, 0, ...this.size);
    this.changed();
  }

  show(left, top, right, bottom) {
    if (right <= left || bottom <= top) return;
    const { canvas, pixels } = this.state.drawn;
    paintColours(pixels, this.values, this.palette, left, top, right, bottom);
    canvas.getContext("2d").putImageData(pixels, 0, 0, left, top, right - left, bottom - top);
    this.map.draw();
  }

  // The class under the pointer becomes the one to paint with.
  pick() {
    if (!this.at) return;
    const [x, y] = this.at.map(Math.floor);
    if (x < 0 || y < 0 || x >= this.size[0] || y >= this.size[1]) return;
    this.value = this.values[y * this.size[0] + x];
    this.erasing = false;
    this.changed();
  }

  resize(by) {
    this.radius = Math.min(200, Math.max(1, by > 1 ? Math.ceil(this.radius * by) : Math.floor(this.radius * by)));
    this.map.draw();
    this.changed();
  }

  ring(pen) {
    if (!this.at) return;
    const area = this.map.areaOf(this.layer);
    for (const [colour, wide] of [["#000", 3], ["#fff", 1.3]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = wide / this.map.view.scale;
      pen.beginPath();
      pen.arc(area.x + this.at[0] * area.unit, area.y + this.at[1] * area.unit, this.radius * area.unit, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  png() {
    return encodePng(this.values, this.size);
  }
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function pngChunk(name, body) {
  const chunk = new Uint8Array(12 + body.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length);
  for (let i = 0; i < 4; i++) chunk[4 + i] = name.charCodeAt(i);
  chunk.set(body, 8);
  let crc = 0xffffffff;
  for (let i = 4; i < 8 + body.length; i++) crc = CRC[(crc ^ chunk[i]) & 255] ^ (crc >>> 8);
  view.setUint32(8 + body.length, (crc ^ 0xffffffff) >>> 0);
  return chunk;
}

// A greyscale PNG of exactly these values: a canvas may not keep them, browsers that guard against fingerprints add noise.
async function encodePng(values, [width, height]) {
  const rows = new Uint8Array((width + 1) * height); // each row begins with its filter, 0
  for (let y = 0; y < height; y++) rows.set(values.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const deflated = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const body = new Uint8Array(await new Response(deflated).arrayBuffer());
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, 0, 0, 0, 0], 8); // 8 bits, greyscale
  const signature = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);
  return new Blob([signature, pngChunk("IHDR", head), pngChunk("IDAT", body), pngChunk("IEND", new Uint8Array(0))], {
    type: "image/png",
  });
}
