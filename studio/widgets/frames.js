// What pages of pictures share: elements, and one zoom for all frames of a box.

const make = (tag, values = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), values);
  made.append(...children);
  return made;
};

const picture = (src, alt = "") => make("img", { src, alt, decoding: "async", draggable: false });

const FARTHEST = 8; // times
const TAP_PX = 8; // a pointer that moves no farther has tapped

// Pictures lie in the `.pan` of a `.frame`; `factor` says how large a pixel is, and `moved` hears of every change by hand.
class SharedZoom {
  constructor(box, factor, moved = () => {}) {
    Object.assign(this, { box, factor, moved, k: 1, x: 0, y: 0, wide: 0 });
    this.resized = new ResizeObserver(() => this.place());
    this.resized.observe(box);
    this.watch();
  }

  leave() {
    this.resized.disconnect();
  }

  fit() {
    this.show({ k: 1, x: 0, y: 0 });
    this.moved();
  }

  // Zoom by a factor about a place (0..1 across and down a picture).
  scale(factor, at = [0.5, 0.5]) {
    const before = this.k;
    const k = Math.min(FARTHEST, Math.max(1, before * factor));
    this.show({ k, x: at[0] - ((at[0] - this.x) * k) / before, y: at[1] - ((at[1] - this.y) * k) / before });
    this.moved();
  }

  show(place) {
    Object.assign(this, place);
    this.place();
  }

  place() {
    for (const axis of ["x", "y"]) this[axis] = Math.min(0, Math.max(1 - this.k, this[axis]));
    this.box.classList.toggle("zoomed", this.k > 1);
    for (const pan of this.box.querySelectorAll(".pan")) {
      pan.style.transform = `translate(${100 * this.x}%, ${100 * this.y}%) scale(${this.k})`;
    }
    const frame = this.box.querySelector(".frame");
    if (!frame || !this.wide) return;
    const factor = (this.k * frame.clientWidth) / this.wide;
    this.box.classList.toggle("crisp", factor * devicePixelRatio > 3);
    this.factor.textContent = `${Math.round(100 * factor)} %`;
  }

  // The frame that an event is in, if it is one that zooms.
  frameOf(event) {
    return event.target.closest(".frame");
  }

  // Without Ctrl the wheel scrolls the page.
  isZooming(event) {
    return event.ctrlKey || event.metaKey;
  }

  // A pointer went down and up in a frame without moving.
  tapped() {}

  doubleClicked(at) {
    this.k > 1 ? this.fit() : this.scale(3, at);
  }

  // Wheel, double click, drag and pinch.
  watch() {
    const { box } = this;
    const held = new Map(); // pointer -> where it is now
    let start = null; // where the gesture began
    const placeIn = (frame, [x, y]) => {
      const { left, top, width, height } = frame.getBoundingClientRect();
      return [(x - left) / width, (y - top) / height];
    };
    const centreOf = (points) => [0, 1].map((i) => points.reduce((sum, point) => sum + point[i], 0) / points.length);
    const spreadOf = (points) => (points.length > 1 ? Math.hypot(points[0][0] - points[1][0], points[0][1] - points[1][1]) : 0);
    const begin = (frame, hasMoved) => {
      const points = [...held.values()];
      start = { frame, hasMoved, at: placeIn(frame, centreOf(points)), spread: spreadOf(points), k: this.k, x: this.x, y: this.y };
    };
    box.addEventListener(
      "wheel",
      (event) => {
        const frame = this.frameOf(event);
        if (!frame || !this.isZooming(event)) return;
        event.preventDefault();
        this.scale(event.deltaY < 0 ? 1.2 : 1 / 1.2, placeIn(frame, [event.clientX, event.clientY]));
      },
      { passive: false },
    );
    box.ondblclick = (event) => {
      const frame = this.frameOf(event);
      if (frame) this.doubleClicked(placeIn(frame, [event.clientX, event.clientY]));
    };
    box.onpointerdown = (event) => {
      const frame = start ? start.frame : this.frameOf(event);
      if (!frame || event.button !== 0) return;
      held.set(event.pointerId, [event.clientX, event.clientY]);
      begin(frame, held.size > 1);
    };
    box.onpointermove = (event) => {
      const over = this.frameOf(event);
      this.pointer = over ? placeIn(over, [event.clientX, event.clientY]) : null;
      if (!held.has(event.pointerId)) return;
      const from = held.get(event.pointerId);
      if (!start.hasMoved && Math.hypot(event.clientX - from[0], event.clientY - from[1]) < TAP_PX) return;
      if (!start.hasMoved) box.setPointerCapture(event.pointerId);
      start.hasMoved = true;
      held.set(event.pointerId, [event.clientX, event.clientY]);
      const points = [...held.values()];
      const at = placeIn(start.frame, centreOf(points));
      const wanted = start.spread ? (start.k * spreadOf(points)) / start.spread : start.k;
      const k = Math.min(FARTHEST, Math.max(1, wanted));
      this.show({ k, x: at[0] - ((start.at[0] - start.x) * k) / start.k, y: at[1] - ((start.at[1] - start.y) * k) / start.k });
    };
    box.onpointerup = (event) => {
      if (!held.delete(event.pointerId)) return;
      const { frame, hasMoved } = start;
      if (held.size) begin(frame, true);
      else start = null;
      hasMoved ? this.moved() : this.tapped(frame);
    };
    box.onpointercancel = (event) => {
      if (held.delete(event.pointerId) && !held.size) start = null;
    };
    box.onpointerleave = () => {
      this.pointer = null;
    };
  }
}
