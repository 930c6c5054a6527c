// A pair under several warps. What lies over the person, how a flow is drawn and where one looks is chosen here, without the
// server; only turning to another pair goes there.

const VIEWS = { colour: "Colour", arrows: "Arrows", grid: "Grid", magnitude: "Length" };
const MARKS = {
  outline: { label: "Outline", key: "o", told: "The edge of the warped mask" },
  folds: { label: "Folds", key: "f", colour: "#ff00b4", told: "Where the garment is turned inside out: a negative Jacobian" },
  outside: { label: "Out of frame", key: "u", colour: "#00d8ff", told: "What is fetched from beyond the garment photo" },
  error: { label: "Error", key: "e", told: "How far each visible pixel is off the true flow" },
};
const KEYS = [
  ["← →", "previous, next pair"],
  ["1 2 3 4", "colour, arrows, grid, length"],
  ["O F U E", "outline, folds, out of frame, error"],
  ["V", "the flow over the person, or the cloth"],
  ["[ ]", "opacity"],
  ["space", "the person alone, while it is held"],
  ["+ - 0", "zoom, fit"],
];
const KEPT = "vton-warp-view";
const LONGEST_MS = 1500; // that new pictures are waited for before they are shown unfinished

const pixels = (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} px`;
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`;

class WarpView {
  constructor(root) {
    this.box = root.querySelector(".pictures");
    this.find = (selector) => this.box.querySelector(selector);
    this.view = { flow: "colour", opacity: 100, marks: [], ...this.kept() };
    this.chosen = {}; // title of a warp -> the scale that lies over the person
    this.onKey = (event) => this.key(event);
    this.onKeyUp = (event) => event.key === " " && this.alone(false);
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("keyup", this.onKeyUp);
    this.zoom = new SharedZoom(this.find(".cards"), this.find(".factor"));
    const slider = this.find(".opacity input");
    slider.oninput = () => this.set({ opacity: Number(slider.value) });
    slider.onchange = () => slider.blur();
    this.find(".help").onclick = () => this.help();
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
  }

  kept() {
    try {
      return JSON.parse(localStorage.getItem(KEPT) || "{}");
    } catch {
      return {};
    }
  }

  set(change) {
    Object.assign(this.view, change);
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.view));
    } catch {
      // a browser that keeps nothing begins anew next time
    }
    this.dress();
  }

  async receive(data, turn) {
    this.turn = turn;
    const told = JSON.stringify(data);
    if (told === this.told) return;
    this.told = told;
    this.turning = false;
    const cards = this.cardsOf(data);
    const flows = data.warps.filter((warp) => warp.scales.length).map((warp) => this.setOf(warp));
    const images = [...cards, ...flows].flatMap((part) => [...part.querySelectorAll("img")]);
    const there = Promise.all(images.map((image) => image.decode().catch(() => undefined)));
    await Promise.race([there, new Promise((done) => setTimeout(done, LONGEST_MS))]);
    if (told !== this.told) return; // another pair came meanwhile
    if (data.pair !== this.data?.pair) this.zoom.fit();
    this.data = data;
    this.box.classList.remove("loading");
    const person = cards[0].querySelector("img");
    const ratio = person.naturalWidth ? person.naturalWidth / person.naturalHeight : 0.75;
    this.box.style.setProperty("--ratio", ratio);
    this.box.style.setProperty("--small", `clamp(7.5rem, ${(ratio * 21).toFixed(1)}vh, 13rem)`);
    this.zoom.wide = person.naturalWidth;
    this.find(".cards").style.setProperty("--columns", cards.length);
    this.find(".cards").replaceChildren(...cards);
    this.find(".flows").replaceChildren(...flows);
    this.find(".flow-head").hidden = !flows.length;
    this.tools();
    this.dress();
    this.zoom.place();
  }

  cardsOf(data) {
    const plain = [
      this.card(make("b", { textContent: "Person" }), data.person.id, [picture(data.person.src, `person ${data.person.id}`)]),
      this.card(make("b", { textContent: "Garment" }), data.cloth.id, [picture(data.cloth.src, `garment ${data.cloth.id}`)]),
    ];
    plain[1].className = "garment"; // alone may be of another shape than the person's photo
    return [...plain, ...data.warps.map((warp) => this.warpCard(data, warp))];
  }

  card(title, note, layers, numbers = "") {
    const pan = make("span", { className: "pan" }, ...layers);
    const caption = make("figcaption", {}, title, " ", make("small", { textContent: note }));
    if (numbers) caption.append(make("span", { className: "numbers", textContent: numbers }));
    return make("figure", {}, make("span", { className: "frame" }, pan), caption);
  }

  warpCard(data, warp) {
    const title = make("b", { textContent: warp.title });
    const layers = [picture(data.person.src, `person ${data.person.id}`)];
    if (warp.layers) {
      const flows = warp.scales.flatMap((scale, i) =>
        Object.entries(scale.pictures).map(([name, src]) => {
          const image = picture(src);
          image.dataset.flow = `${i} ${name}`;
          return image;
        }),
      );
      const worn = picture(warp.layers.worn, `${warp.title}: the warped garment on the person`);
      worn.className = "worn";
      layers.push(make("span", { className: "over" }, worn, ...flows));
      for (const name of Object.keys(MARKS).filter((mark) => warp.layers[mark])) {
        const mark = picture(warp.layers[name]);
        mark.dataset.mark = name;
        layers.push(mark);
      }
    }
    const made = this.card(title, warp.note, layers, warp.numbers ? this.words(warp) : "");
    made.dataset.warp = warp.title;
    if (!warp.layers) made.querySelector(".frame").append(make("span", { className: "said", textContent: warp.fault || "warping" }));
    return made;
  }

  words(warp) {
    const { epe, iou, folds, outside } = warp.numbers;
    const parts = warp.truth || epe === null ? [] : [`${pixels(epe)} off`];
    if (!warp.truth && iou !== null) parts.push(`IoU ${percent(iou)}`);
    parts.push(`folds ${percent(folds)}`);
    if (outside) parts.push(`out of frame ${percent(outside)}`);
    return parts.join(", ");
  }

  setOf(warp) {
    const last = warp.scales.length - 1;
    const scales = warp.scales.map((scale, i) => {
      const images = Object.entries(scale.pictures).map(([name, src]) => {
        const image = picture(src, `${warp.title}, ${VIEWS[name].toLowerCase()} at ${scale.size.join(" × ")}`);
        image.dataset.view = name;
        return image;
      });
      const off = scale.epe === null || warp.truth ? "" : `, ${pixels(scale.epe)} off`;
      const place = i === last ? (last ? "applied, " : "") : `${i + 1}: `;
      const words = `${place}${scale.size.join(" × ")}${off}`;
      const button = make(
        "button",
        { type: "button", className: "scale", title: "Lay it over the person" },
        make("span", { className: "frame" }, ...images),
        make("span", { className: "words", textContent: words }),
      );
      button.dataset.scale = i;
      button.onclick = () => {
        this.chosen[warp.title] = this.chosen[warp.title] === i ? undefined : i;
        this.dress();
        button.blur();
      };
      return button;
    });
    const made = make("section", { className: "set" }, make("h4", { textContent: warp.title }), make("div", { className: "strip" }, ...scales));
    made.dataset.warp = warp.title;
    return made;
  }

  // The buttons for what this pair has.
  tools() {
    const ready = this.data.warps.filter((warp) => warp.layers);
    const button = (label, key, told, colour, act) => {
      const dot = colour ? [Object.assign(make("span", { className: "dot" }), { style: `background: ${colour}` })] : [];
      const made = make("button", { type: "button", title: told }, ...dot, label, make("kbd", { textContent: key.toUpperCase() }));
      made.onclick = () => {
        act();
        made.blur();
      };
      return made;
    };
    const views = Object.entries(VIEWS).map(([name, label], i) => {
      const made = button(label, String(i + 1), `Draw flows as ${label.toLowerCase()}`, "", () => this.set({ flow: name }));
      made.dataset.view = name;
      return made;
    });
    this.find(".flows-of").replaceChildren(...views);
    const marks = Object.entries(MARKS).filter(([name]) => ready.some((warp) => warp.layers[name]));
    this.find(".marks").replaceChildren(
      ...marks.map(([name, { label, key, told, colour }]) => {
        const made = button(label, key, told, colour, () => this.mark(name));
        made.dataset.mark = name;
        return made;
      }),
    );
  }

  mark(name) {
    const { marks } = this.view;
    this.set({ marks: marks.includes(name) ? marks.filter((other) => other !== name) : [...marks, name] });
  }

  // Show what is chosen.
  dress() {
    if (!this.data) return;
    const { flow, opacity, marks } = this.view;
    this.find(".opacity input").value = opacity;
    this.find(".opacity output").textContent = `${opacity} %`;
    for (const button of this.box.querySelectorAll(".flows-of button")) button.ariaPressed = String(button.dataset.view === flow);
    for (const button of this.box.querySelectorAll(".marks button")) button.ariaPressed = String(marks.includes(button.dataset.mark));
    for (const card of this.box.querySelectorAll(".cards figure[data-warp]")) {
      const scale = this.chosen[card.dataset.warp];
      const over = card.querySelector(".over");
      if (!over) continue;
      over.style.opacity = this.isAlone ? 0 : opacity / 100;
      const shown = over.querySelector(`[data-flow="${scale} ${flow}"]`);
      for (const image of over.children) image.hidden = image !== (shown || over.querySelector(".worn"));
      for (const image of card.querySelectorAll("[data-mark]")) image.hidden = this.isAlone || !marks.includes(image.dataset.mark);
    }
    for (const set of this.box.querySelectorAll(".set")) {
      for (const image of set.querySelectorAll("img")) image.hidden = image.dataset.view !== flow;
      for (const button of set.querySelectorAll(".scale")) {
        button.ariaPressed = String(this.chosen[set.dataset.warp] === Number(button.dataset.scale));
      }
    }
    this.legend();
  }

  legend() {
    const { legend } = this.data;
    if (!legend) return;
    const { flow, marks } = this.view;
    const parts = [];
    if (flow === "colour" || flow === "arrows") {
      const words = flow === "colour" ? `hue: where to a pixel is fetched from; full at ${legend.full.toFixed(0)} px` : "from a pixel to the place that it is fetched from";
      parts.push(Object.assign(picture(legend.wheel, "Colour wheel"), { className: "wheel" }), words);
    } else if (flow === "magnitude") {
      const bar = Object.assign(picture(legend.lengths, "Scale of lengths"), { className: "scale" });
      parts.push("0", bar, `${legend.longest.toFixed(0)} px or more`);
    } else {
      parts.push("a straight grid on the garment photo, as the flow bends it");
    }
    if (marks.includes("error") && this.data.warps.some((warp) => warp.layers?.error)) {
      const bar = Object.assign(picture(legend.errors, "Scale of errors"), { className: "scale" });
      parts.push(make("span", { className: "gap" }), "Error: 0", bar, `${pixels(legend.worst)} or more`);
    }
    this.find(".legend").replaceChildren(...parts);
  }

  help(shown = this.find(".keys").hidden) {
    this.find(".keys").hidden = !shown;
  }

  alone(isAlone) {
    if (this.isAlone === isAlone) return;
    this.isAlone = isAlone;
    this.dress();
  }

  go(way) {
    if (this.turning || !this.data || this.data.ends[way < 0 ? 0 : 1]) return;
    this.turning = true;
    this.turn(way);
  }

  overTheFlow() {
    const isOn = this.data.warps.some((warp) => this.chosen[warp.title] !== undefined);
    this.chosen = isOn ? {} : Object.fromEntries(this.data.warps.map((warp) => [warp.title, warp.scales.length - 1]));
    this.dress();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !this.data) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const mark = Object.keys(MARKS).find((name) => MARKS[name].key === key && this.find(`.marks [data-mark="${name}"]`));
    if (key === "ArrowRight" || key === "ArrowLeft") this.go(key === "ArrowRight" ? 1 : -1);
    else if (event.repeat && !["[", "]", " ", "+", "=", "-"].includes(key)) return;
    else if (/^[1-4]$/.test(key)) this.set({ flow: Object.keys(VIEWS)[Number(key) - 1] });
    else if (mark) this.mark(mark);
    else if (key === "v") this.overTheFlow();
    else if (key === "[" || key === "]") this.set({ opacity: Math.min(100, Math.max(0, this.view.opacity + (key === "]" ? 10 : -10))) });
    else if (key === " ") this.alone(true);
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
  if (!parentElement.warpView) parentElement.warpView = new WarpView(parentElement);
  parentElement.warpView.receive(data, (way) => setTriggerValue("turn", way));
  return () => {
    parentElement.warpView?.leave();
    delete parentElement.warpView;
  };
}
