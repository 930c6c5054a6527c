// Two to four runs on one pair. How they are compared, at which stage, and where one looks is chosen here; the page hears of it
// afterwards, so that the address says it too. Only turning to another pair needs the server.

const MODES = {
  side: { label: "Side by side", told: "Each run's picture" },
  slider: { label: "Slider", told: "Two pictures in one frame, with a divider to drag" },
  blink: { label: "Blink", told: "One picture after the other in one place" },
  difference: { label: "Difference", told: "The absolute difference of red, green and blue" },
  colour: { label: "Colour", told: "The difference as colours are seen: ΔE*ab in CIELAB (CIE 1976)" },
};
const STAGES = { result: "Result", composite: "Composite", warp: "Warped cloth" };
const TRUTH = "truth";
const KEYS = [
  ["← →", "previous, next pair"],
  ["1 2 3 4 5", "side by side, slider, blink, difference, colour"],
  ["S", "next stage"],
  ["A", "against the next run"],
  ["space", "the picture that the others are held against, while it is held"],
  ["[ ]", "divider, or how much a difference is amplified"],
  ["+ - 0", "zoom, fit"],
];
const BLINK_MS = 700;
const TOLD_MS = 500; // after the last change the page hears of it
const LONGEST_MS = 1500; // that new pictures are waited for before they are shown unfinished
const WORST = 20; // ΔE*ab at the end of the colour scale; about 2.3 is just noticeable
const RAMP = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];

const heat = (share) => {
  const at = Math.min(0.9999, Math.max(0, share)) * (RAMP.length - 1);
  const [low, high] = [RAMP[Math.floor(at)], RAMP[Math.floor(at) + 1]];
  return low.map((value, i) => value + (high[i] - value) * (at % 1));
};

const linear = Float32Array.from({ length: 256 }, (_, value) => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});
const cube = (t) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);

// CIELAB of an sRGB pixel, D65.
const lab = (pixels, i) => {
  const [r, g, b] = [linear[pixels[i]], linear[pixels[i + 1]], linear[pixels[i + 2]]];
  const x = cube((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = cube(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = cube((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
};

class CompareView {
  constructor(root) {
    this.box = root.querySelector(".pictures");
    this.find = (selector) => this.box.querySelector(selector);
    this.view = { mode: "side", stage: "result", against: "", gain: 4, at: 50 };
    this.onKey = (event) => this.key(event);
    this.onKeyUp = (event) => event.key === " " && this.hold(false);
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("keyup", this.onKeyUp);
    this.zoom = new SharedZoom(this.find(".table"), this.find(".factor"), () => this.tell());
    this.blinking = setInterval(() => this.blink(), BLINK_MS);
    const slider = this.find(".gain input");
    slider.oninput = () => this.set({ gain: Number(slider.value) });
    slider.onchange = () => slider.blur();
    const against = this.find(".against select");
    against.onchange = () => {
      this.set({ against: against.value });
      against.blur();
    };
    this.find(".help").onclick = () => this.help();
    this.find(".modes").append(
      ...Object.entries(MODES).map(([name, { label, told }], i) => this.button(label, String(i + 1), told, () => this.set({ mode: name }), { mode: name })),
    );
    this.find(".keys").append(
      ...KEYS.flatMap(([keys, words]) => [
        make("dt", {}, ...keys.split(" ").map((key) => make("kbd", { textContent: key }))),
        make("dd", { textContent: words }),
      ]),
    );
  }

  leave() {
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("keyup", this.onKeyUp);
    this.zoom.leave();
    clearInterval(this.blinking);
    clearTimeout(this.telling);
  }

  button(label, key, told, act, marked) {
    const made = make("button", { type: "button", title: told }, label, ...(key ? [make("kbd", { textContent: key })] : []));
    Object.assign(made.dataset, marked);
    made.onclick = () => {
      act();
      made.blur();
    };
    return made;
  }

  async receive(data, act) {
    this.act = act;
    const { view, ...shown } = data;
    const told = JSON.stringify(shown);
    if (told === this.told) return;
    this.told = told;
    this.turning = false;
    if (!this.data) this.begin(view);
    const sources = data.runs.flatMap((run) => Object.values(run.pictures));
    this.images = Object.fromEntries(
      [...sources, data.person.src, data.cloth.src, data.truth].filter(Boolean).map((src) => [src, picture(src)]),
    );
    const there = Promise.all(Object.values(this.images).map((image) => image.decode().catch(() => undefined)));
    await Promise.race([there, new Promise((done) => setTimeout(done, LONGEST_MS))]);
    if (told !== this.told) return; // another pair came meanwhile
    this.data = data;
    this.box.classList.remove("loading");
    const person = this.images[data.person.src];
    this.box.style.setProperty("--ratio", person.naturalWidth ? person.naturalWidth / person.naturalHeight : 0.75);
    this.zoom.wide = person.naturalWidth;
    this.tools();
    this.refs();
    this.draw();
    this.ahead = data.ahead.map((src) => picture(src));
  }

  // As the address says: how, which stage, against whom, and the view box.
  begin({ mode, stage, against, box }) {
    if (mode in MODES) this.view.mode = mode;
    if (stage in STAGES) this.view.stage = stage;
    this.view.against = against;
    const [k, x, y] = (box || "").split(",").map(Number);
    if (k > 1 && [k, x, y].every(Number.isFinite)) Object.assign(this.zoom, { k: Math.min(k, FARTHEST), x, y });
  }

  // What is there to choose, for this pair.
  tools() {
    const { runs, truth } = this.data;
    const stages = Object.keys(STAGES).filter((stage) => runs.some((run) => run.pictures[stage]));
    if (!stages.includes(this.view.stage)) this.view.stage = "result";
    this.find(".stages").replaceChildren(
      ...stages.map((stage) => this.button(STAGES[stage], "", `Show the ${STAGES[stage].toLowerCase()}`, () => this.set({ stage }), { stage })),
    );
    this.find(".stages").hidden = stages.length < 2;
    const named = [...runs.map((run) => [run.id, run.title]), ...(truth ? [[TRUTH, "True photo"]] : [])];
    if (!named.some(([id]) => id === this.view.against)) this.view.against = named[0][0];
    this.find(".against select").replaceChildren(...named.map(([value, textContent]) => make("option", { value, textContent })));
  }

  refs() {
    const { person, cloth, truth } = this.data;
    const moving = (title, note, src) => {
      const pan = make("span", { className: "pan" }, this.image(src, title));
      return make("figure", {}, make("span", { className: "frame" }, pan), make("figcaption", {}, make("b", { textContent: title }), " ", make("small", { textContent: note })));
    };
    const garment = make("span", { className: "frame" }, make("span", { className: "still" }, this.image(cloth.src, "Garment")));
    const still = make("figure", { className: "garment" }, garment, make("figcaption", {}, make("b", { textContent: "Garment" }), " ", make("small", { textContent: cloth.id })));
    const shown = [moving("Person", person.id, person.src), still];
    if (truth) shown.push(moving("True photo", "", truth));
    this.find(".refs").replaceChildren(...shown);
  }

  image(src, alt) {
    return Object.assign(this.images[src].cloneNode(), { alt });
  }

  source(id) {
    if (id === TRUTH) return this.data.truth;
    return this.data.runs.find((run) => run.id === id)?.pictures[this.view.stage];
  }

  title(id) {
    return id === TRUTH ? "True photo" : this.data.runs.find((run) => run.id === id).title;
  }

  set(change) {
    Object.assign(this.view, change);
    this.draw();
    this.tell();
  }

  // The cards of the mode.
  draw() {
    if (!this.data) return;
    const { mode, stage, against, gain } = this.view;
    for (const button of this.box.querySelectorAll(".modes button")) button.ariaPressed = String(button.dataset.mode === mode);
    for (const button of this.box.querySelectorAll(".stages button")) button.ariaPressed = String(button.dataset.stage === stage);
    this.find(".against select").value = against;
    this.find(".gain").hidden = mode !== "difference";
    this.find(".against").hidden = mode === "blink";
    this.find(".gain input").value = gain;
    this.find(".gain output").textContent = `${gain} ×`;
    const others = this.data.runs.filter((run) => run.id !== against);
    const cards = {
      side: () => this.data.runs.map((run) => this.card(run, [this.layer(run.id)])),
      slider: () => others.map((run) => this.sliderCard(run)),
      blink: () => [this.blinkCard()],
      difference: () => others.map((run) => this.mapCard(run)),
      colour: () => others.map((run) => this.mapCard(run)),
    }[mode]();
    const box = this.find(".cards");
    box.style.setProperty("--columns", cards.length);
    box.replaceChildren(...cards);
    this.legend();
    this.zoom.place();
  }

  layer(id) {
    const src = this.source(id);
    if (!src) return make("span", { className: "said", textContent: `${this.title(id)} has no ${STAGES[this.view.stage].toLowerCase()} of this pair` });
    return make("span", { className: "pan" }, this.image(src, this.title(id)));
  }

  card(run, layers) {
    const title = make("figcaption", {}, make("b", { textContent: run.title }), " ", make("small", { textContent: run.note }));
    const numbers = run.numbers.flatMap(({ label, text, best }) => [make("span", { textContent: label }), make(best ? "b" : "span", { textContent: text })]);
    const made = make("figure", {}, make("span", { className: "frame" }, ...layers), title, make("span", { className: "numbers" }, ...numbers));
    made.dataset.run = run.id;
    return made;
  }

  sliderCard(run) {
    const half = make("span", { className: "half" }, this.layer(run.id));
    const divider = make("span", { className: "divider", role: "separator", ariaLabel: "Divider" });
    const made = this.card(run, [
      this.layer(this.view.against),
      half,
      make("span", { className: "side left", textContent: this.title(this.view.against) }),
      make("span", { className: "side right", textContent: run.title }),
      divider,
    ]);
    divider.onpointerdown = (event) => {
      event.stopPropagation();
      divider.setPointerCapture(event.pointerId);
    };
    divider.onpointermove = (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const { left, width } = made.querySelector(".frame").getBoundingClientRect();
      this.divide((100 * (event.clientX - left)) / width);
    };
    this.divideOne(made);
    return made;
  }

  // All dividers stand at one place.
  divide(at) {
    this.view.at = Math.min(100, Math.max(0, at));
    for (const card of this.box.querySelectorAll(".cards figure")) this.divideOne(card);
  }

  divideOne(card) {
    const { at } = this.view;
    card.querySelector(".half").style.clipPath = `inset(0 0 0 ${at}%)`;
    card.querySelector(".divider").style.left = `${at}%`;
  }

  blinkCard() {
    const shown = this.data.runs.filter((run) => this.source(run.id));
    this.turns = shown.length ? shown : this.data.runs;
    this.turnOf = 0;
    const made = this.card(this.turns[0], this.turns.map((run) => this.layer(run.id)));
    this.showTurn(made);
    return made;
  }

  blink() {
    if (this.view.mode !== "blink" || !this.data || this.held) return;
    this.turnOf = (this.turnOf + 1) % this.turns.length;
    this.showTurn(this.find(".cards figure"));
  }

  showTurn(card) {
    const run = this.turns[this.turnOf];
    [...card.querySelector(".frame").children].forEach((layer, i) => {
      layer.hidden = i !== this.turnOf;
    });
    card.dataset.run = run.id;
    card.querySelector("figcaption b").textContent = run.title;
    card.querySelector("figcaption small").textContent = run.note;
    card.querySelector(".numbers").replaceWith(this.card(run, []).querySelector(".numbers"));
  }

  mapCard(run) {
    const [one, other] = [this.source(this.view.against), this.source(run.id)].map((src) => src && this.images[src]);
    if (!one || !other) return this.card(run, [this.layer(one ? run.id : this.view.against)]);
    const canvas = this.drawMap(one, other);
    const made = this.card(run, [make("span", { className: "pan" }, canvas)]);
    made.querySelector("small").textContent = `against ${this.title(this.view.against)}; ${canvas.dataset.mean} on average`;
    return made;
  }

  // The difference of two pictures at the size of the larger one.
  drawMap(one, other) {
    const larger = one.naturalWidth >= other.naturalWidth ? one : other;
    const [width, height] = [larger.naturalWidth || 1, larger.naturalHeight || 1];
    const [first, second] = [one, other].map((image) => {
      const drawn = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
      drawn.drawImage(image, 0, 0, width, height);
      return drawn.getImageData(0, 0, width, height).data;
    });
    const canvas = make("canvas", { width, height });
    const context = canvas.getContext("2d");
    const map = context.createImageData(width, height);
    const isColour = this.view.mode === "colour";
    let sum = 0;
    for (let i = 0; i < map.data.length; i += 4) {
      map.data[i + 3] = 255;
      if (isColour) {
        const [from, to] = [lab(first, i), lab(second, i)];
        const distance = Math.hypot(from[0] - to[0], from[1] - to[1], from[2] - to[2]);
        sum += distance;
        [map.data[i], map.data[i + 1], map.data[i + 2]] = heat(distance / WORST);
      } else {
        for (let c = 0; c < 3; c += 1) {
          const off = Math.abs(first[i + c] - second[i + c]);
          sum += off / 3;
          map.data[i + c] = off * this.view.gain;
        }
      }
    }
    context.putImageData(map, 0, 0);
    const mean = (4 * sum) / map.data.length;
    canvas.dataset.mean = isColour ? `ΔE ${mean.toFixed(2)}` : `${mean.toFixed(2)} of 255`;
    return canvas;
  }

  legend() {
    const box = this.find(".legend");
    box.hidden = this.view.mode !== "colour";
    if (box.hidden || box.childNodes.length) return;
    const bar = make("canvas", { width: 128, height: 1 });
    const context = bar.getContext("2d");
    for (let x = 0; x < 128; x += 1) {
      context.fillStyle = `rgb(${heat(x / 127).join(" ")})`;
      context.fillRect(x, 0, 1, 1);
    }
    box.replaceChildren("ΔE*ab 0", bar, `${WORST} or more; about 2.3 is just noticeable`);
  }

  // While the space bar is held, every place shows what the others are held against.
  hold(isHeld) {
    if (this.held === isHeld || !this.data) return;
    this.held = isHeld;
    if (!isHeld) {
      this.draw();
      return;
    }
    const src = this.source(this.view.against);
    if (!src) return;
    for (const frame of this.box.querySelectorAll(".cards .frame")) {
      frame.append(make("span", { className: "pan" }, this.image(src, this.title(this.view.against))), make("span", { className: "side left", textContent: this.title(this.view.against) }));
    }
    this.zoom.place();
  }

  tell() {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      const { mode, stage, against } = this.view;
      const { k, x, y } = this.zoom;
      const box = k > 1 ? [k, x, y].map((value) => value.toFixed(3)).join(",") : "";
      this.act("view", { mode, stage, against, box });
    }, TOLD_MS);
  }

  help(shown = this.find(".keys").hidden) {
    this.find(".keys").hidden = !shown;
  }

  go(way) {
    if (this.turning || this.data.ends[way < 0 ? 0 : 1]) return;
    this.turning = true;
    this.act("turn", way);
  }

  next(names, name) {
    return names[(names.indexOf(name) + 1) % names.length];
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !this.data) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const way = key === "]" ? 1 : -1;
    if (key === "ArrowRight" || key === "ArrowLeft") this.go(key === "ArrowRight" ? 1 : -1);
    else if (event.repeat && !["[", "]", " ", "+", "=", "-"].includes(key)) return;
    else if (/^[1-5]$/.test(key)) this.set({ mode: Object.keys(MODES)[Number(key) - 1] });
    else if (key === "s") this.set({ stage: this.next([...this.box.querySelectorAll(".stages button")].map((button) => button.dataset.stage), this.view.stage) });
    else if (key === "a") this.set({ against: this.next([...this.find(".against select").options].map((option) => option.value), this.view.against) });
    else if ((key === "[" || key === "]") && this.view.mode === "slider") this.divide(this.view.at + 5 * way);
    else if ((key === "[" || key === "]") && this.view.mode === "difference") this.set({ gain: Math.min(16, Math.max(1, this.view.gain + way)) });
    else if (key === " ") this.hold(true);
    else if (key === "+" || key === "=") this.zoom.scale(1.25);
    else if (key === "-") this.zoom.scale(0.8);
    else if (key === "0") this.zoom.fit();
    else if (key === "?") this.help();
    else if (key === "Escape" && !this.find(".keys").hidden) this.help(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!parentElement.compareView) parentElement.compareView = new CompareView(parentElement);
  parentElement.compareView.receive(data, setTriggerValue);
  return () => {
    parentElement.compareView?.leave();
    delete parentElement.compareView;
  };
}
