// Judging items by keys. Every verdict goes into an outbox that is kept in the browser and sent as one idempotent list until
// Python names its uid among those stored, so nothing is lost or doubled.

const SETTLE_MS = 150; // the first key on a new item counts only this long after its maps are painted
const RESEND_MS = 2500;
const LATE_MS = 1500; // what is not stored after this long is said
const FARTHEST = 200; // undo goes back this far in one sitting
const SHOWN_FOR = { // what is looked at while an output is judged
  keypoints: ["image", "keypoints", "cloth"],
  densepose: ["image", "densepose", "cloth"],
  parse: ["image", "parse", "cloth"],
  cloth_mask: ["image", "cloth", "cloth_mask"],
  agnostic: ["image", "agnostic_mask", "cloth"],
};
const VERDICT_KEYS = { g: "good", u: "usable", d: "defect" };

const newUid = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs https or localhost
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
};

const isTyping = (event) => {
  const target = event.composedPath()[0];
  const places = "input:not([type=range]), textarea, select, [contenteditable=true], [role=listbox], [role=combobox]";
  return target instanceof Element && target.closest(places) !== null;
};

const make = (tag, values = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), values);
  made.append(...children);
  return made;
};

class QaView {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".qa");
    this.find = (selector) => this.box.querySelector(selector);
    this.store = new MapStore();
    this.map = new MapCanvas(this.find("canvas"), this.find(".factor"), this.store);
    this.onKey = (event) => this.key(event);
    this.onKeyUp = (event) => event.key === " " && this.alone(false);
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("keyup", this.onKeyUp);
    const clicks = { ".undo": () => this.undo(), ".next": () => this.go(1), ".back": () => this.go(-1), ".rest": () => this.rest() };
    for (const [name, act] of Object.entries(clicks)) this.find(name).onclick = act;
    this.find(".help").onclick = () => this.sheet();
    drawSheet(this.find(".sheet"));
    this.find(".sheet").onclick = () => this.sheet(false);
    const note = this.find(".note");
    note.onkeydown = (event) => this.noteKey(event);
    note.onblur = () => this.keepNote();
    this.timer = setInterval(() => this.resend(), RESEND_MS);
  }

  leave() {
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("keyup", this.onKeyUp);
    clearInterval(this.timer);
    this.map.leave();
  }

  receive(data, send) {
    this.send = send;
    this.data = data;
    if (data.place !== this.place) this.open(data);
    const stored = new Set(data.stored);
    this.outbox = this.outbox.filter((entry) => !stored.has(entry.uid));
    this.keep();
    for (const task of data.tasks) this.tasks.set(task.stem, this.withPending(task));
    if (data.sitting !== this.sitting) this.begin(data);
    else this.refresh();
    this.preload();
    this.draw();
    if (this.outbox.length && !this.sentAt) this.post();
  }

  // Another dataset, split or rater.
  open(data) {
    this.stopMending();
    this.place = data.place;
    this.tasks = new Map();
    this.history = data.history.map((one) => ({ ...one, before: null })); // {stem, output, before}, oldest first
    this.sitting = undefined;
    this.sentAt = 0;
    this.waitingSince = performance.now();
    this.map.begin(data.layers, data.classes);
    try {
      this.outbox = JSON.parse(localStorage.getItem(this.keptAt()) || "[]");
    } catch {
      this.outbox = [];
    }
  }

  // Another way through the items.
  begin(data) {
    const focused = document.activeElement; // keys are for judging now, not for the field that the reader came from
    if (focused instanceof HTMLElement && focused.matches("input")) focused.blur();
    this.stopMending();
    this.sitting = data.sitting;
    this.trail = []; // where "back" leads
    this.show(data.first);
  }

  keptAt() {
    return `vton-verdicts:${this.place}`;
  }

  keep() {
    try {
      if (this.outbox.length) localStorage.setItem(this.keptAt(), JSON.stringify(this.outbox));
      else localStorage.removeItem(this.keptAt());
    } catch {
      // a browser that keeps nothing still sends; only a closed tab would lose what is unsent
    }
  }

  withPending(task) {
    const verdicts = { ...task.verdicts };
    for (const entry of this.outbox) {
      if (entry.stem !== task.stem || !task.outputs[entry.output]) continue;
      if (entry.verdict === null) delete verdicts[entry.output];
      else {
        const changed = entry.sha256 !== task.outputs[entry.output].sha256;
        verdicts[entry.output] = { verdict: entry.verdict, tags: entry.tags, note: entry.note, mine: true, who: "", changed };
      }
    }
    return { ...task, verdicts };
  }

  get task() {
    return this.tasks.get(this.current) || null;
  }

  outputsOf(task) {
    return Object.keys(this.data.outputs).filter((name) => task.outputs[name]);
  }

  isJudged(task, output) {
    const given = task.verdicts[output];
    return Boolean(given) && !given.changed;
  }

  firstOpen(task) {
    return this.outputsOf(task).find((name) => !this.isJudged(task, name));
  }

  // Shows an item, and the first of its outputs that waits.
  show(stem, output) {
    this.stopMending();
    this.current = stem;
    this.waiting = false;
    const task = this.task;
    if (!task) {
      this.painted = 0;
      this.loaded = null;
      delete this.box.dataset.painted;
      return;
    }
    this.active = output || this.firstOpen(task) || this.outputsOf(task)[0] || null;
    this.pending = { tags: [], note: "" };
    this.present();
    this.load(task);
  }

  // The same item, with other maps where it was repaired.
  refresh() {
    const task = this.task;
    if (this.waiting) this.go(1);
    else if (!task && this.data.first) this.show(this.data.first);
    else if (task && this.loaded !== JSON.stringify(task.layers) && !this.mend) this.load(task);
  }

  async load(task) {
    const layers = JSON.stringify(task.layers);
    this.painted = 0;
    this.find(".stage").classList.add("waiting");
    this.loaded = layers;
    if (!(await this.map.load(task, this.side()))) return;
    this.find(".stage").classList.remove("waiting");
    this.drawLayers();
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (this.current !== task.stem || this.loaded !== layers) return;
        this.painted = performance.now();
        this.shownAt = new Date().toISOString();
        this.box.dataset.painted = task.stem;
      }),
    );
  }

  side() {
    return this.active === "cloth_mask" || !this.task?.size ? "cloth" : "person";
  }

  preload() {
    for (const stem of this.data.queue) {
      const task = this.tasks.get(stem);
      if (!task || stem === this.current) continue;
      for (const layer of this.data.layers) this.map.fetched(task, layer);
    }
  }

  present() {
    if (!this.pinned && this.active) {
      for (const [kind, layer] of this.map.layers) layer.on = SHOWN_FOR[this.active].includes(kind);
    }
    this.map.draw();
  }

  choose(output) {
    if (!output || this.mend) return;
    this.active = output;
    this.pending = { tags: [], note: "" };
    this.present();
    this.map.turn(this.side());
    this.draw();
  }

  ready() {
    return this.task && this.painted && performance.now() - this.painted >= SETTLE_MS;
  }

  judge(verdict, output = this.active, given = this.pending) {
    const task = this.task;
    if (!this.ready() || !output) return false;
    const before = task.verdicts[output];
    const kept = before && before.mine ? before : null;
    this.history.push({ stem: task.stem, output, before: kept });
    if (this.history.length > FARTHEST) this.history.shift();
    this.put(task, output, { verdict, tags: [...given.tags], note: given.note });
    return true;
  }

  // One key's verdict, then the next output that waits, then the next item.
  say(verdict) {
    const task = this.task;
    const again = task?.verdicts[this.active]; // changing one's mind keeps the reasons
    const given = again && again.mine && !this.pending.tags.length && !this.pending.note ? again : this.pending;
    if (!this.judge(verdict, this.active, verdict === "good" ? { tags: [], note: given.note } : given)) return;
    this.onward(task);
  }

  rest() {
    const task = this.task;
    if (!this.ready()) return;
    for (const output of this.outputsOf(task)) if (!this.isJudged(task, output)) this.judge("good", output, { tags: [], note: "" });
    this.onward(task);
  }

  onward(task) {
    const open = this.firstOpen(task);
    if (open) this.choose(open);
    else this.go(1);
    this.draw();
  }

  go(step) {
    if (this.mend || !this.data.queue.length) return;
    if (step < 0) {
      const stem = this.trail.pop() || this.data.before;
      if (stem && this.tasks.has(stem)) this.show(stem);
    } else {
      const place = this.data.queue.indexOf(this.current);
      const fits = (stem) => stem !== this.current && this.tasks.has(stem) && (!this.data.only_left || this.firstOpen(this.tasks.get(stem)));
      const next = this.data.queue.slice(place + 1).find(fits);
      if (this.current && this.trail[this.trail.length - 1] !== this.current) this.trail.push(this.current);
      if (next) this.show(next);
      else if (this.data.first === this.current) {
        if (this.data.only_left && this.task && !this.firstOpen(this.task)) this.finish();
      } else this.waiting = true; // until Python has named what follows
    }
    this.post();
    this.preload();
    this.draw();
  }

  finish() {
    this.current = null;
    this.waiting = false;
    this.painted = 0;
    delete this.box.dataset.painted;
  }

  undo() {
    const step = this.history.pop();
    if (!step) return;
    const task = this.tasks.get(step.stem);
    if (!task || !task.outputs[step.output]) return;
    if (this.current !== step.stem) this.show(step.stem, step.output);
    this.put(task, step.output, step.before);
    this.choose(step.output);
  }

  put(task, output, given) {
    const entry = { uid: newUid(), stem: task.stem, output, sha256: task.outputs[output].sha256 };
    const { verdict, tags, note } = given || { verdict: null, tags: [], note: "" };
    this.outbox.push({ ...entry, verdict, tags, note, shown_at: this.shownAt || new Date().toISOString() });
    if (given) task.verdicts[output] = { verdict, tags, note, mine: true, who: "", changed: false };
    else delete task.verdicts[output];
    this.keep();
    if (this.outbox.length === 1) this.waitingSince = performance.now();
    this.post();
  }

  // Reasons and notes belong to the verdict given, or wait for the one to come.
  toggleTag(number) {
    const tag = this.task && this.data.outputs[this.active]?.tags[number];
    if (!tag) return;
    const given = this.task.verdicts[this.active];
    const mine = given && given.mine && !given.changed;
    const tags = (mine ? given : this.pending).tags;
    const changed = tags.includes(tag) ? tags.filter((one) => one !== tag) : [...tags, tag];
    if (mine) this.judge(given.verdict, this.active, { tags: changed, note: given.note });
    else this.pending.tags = changed;
    this.draw();
  }

  noteKey(event) {
    event.stopPropagation();
    if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey)) {
      event.preventDefault();
      this.find(".note").blur();
    }
  }

  keepNote() {
    const text = this.find(".note").value.trim();
    const given = this.task?.verdicts[this.active];
    if (given && given.mine && !given.changed) {
      if (given.note !== text) this.judge(given.verdict, this.active, { tags: given.tags, note: text });
    } else this.pending.note = text;
    this.draw();
  }

  // What happens at one stroke is sent at once.
  post() {
    if (!this.posting) queueMicrotask(() => this.transfer());
    this.posting = true;
  }

  transfer() {
    this.posting = false;
    this.sentAt = performance.now();
    const sent = { outbox: this.outbox.slice(), at: this.current, sitting: this.sitting, saved: this.saved || 0 };
    const text = JSON.stringify(sent);
    if (text === this.lastSent && !this.outbox.length) return;
    this.lastSent = text;
    this.send("sent", sent);
  }

  resend() {
    if (this.outbox.length && performance.now() - this.sentAt > RESEND_MS) this.post();
    this.drawLine();
  }

  key(event) {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (!this.root.host?.isConnected && !this.box.isConnected) return;
    if (document.querySelector('[role="dialog"]:not([hidden])')) return; // one of Streamlit's is open
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!this.find(".sheet").hidden) this.sheet(false);
    else if (key === "?") this.sheet();
    else if (!(this.mend ? this.mendKey(key) : this.judgeKey(key, event)) && !this.viewKey(key, event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  judgeKey(key, event) {
    const digit = /^Digit([1-8])$/.exec(event.code);
    const outputs = this.task ? this.outputsOf(this.task) : [];
    const here = outputs.indexOf(this.active);
    if (event.shiftKey && digit) this.toggleTag(Number(digit[1]) - 1);
    else if (VERDICT_KEYS[key]) this.say(VERDICT_KEYS[key]);
    else if (key === "a") this.rest();
    else if (key === "z" || key === "Backspace") this.undo();
    else if (key === "n" && this.task) this.find(".note").focus();
    else if (key === "m") this.startMending();
    else if (event.shiftKey) return false;
    else if (key === "ArrowDown") this.choose(outputs[Math.min(here + 1, outputs.length - 1)]);
    else if (key === "ArrowUp") this.choose(outputs[Math.max(here - 1, 0)]);
    else if (key === "ArrowRight" || key === "Enter") this.go(1);
    else if (key === "ArrowLeft") this.go(-1);
    else return false;
    return true;
  }

  viewKey(key, event) {
    const arrows = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    if (/^[1-8]$/.test(key)) this.toggleLayer(this.data.layers[Number(key) - 1].kind);
    else if (key === "[" || key === "]") this.fade(key === "]" ? 0.1 : -0.1);
    else if (key === "l") this.pin();
    else if (key === " ") this.alone(true);
    else if (key === "+" || key === "=") this.map.zoom(1.25);
    else if (key === "-") this.map.zoom(0.8);
    else if (key === "0") this.map.fit(this.side());
    else if (key === "9") this.map.fit("both");
    else if (arrows[key] && (event.shiftKey || this.mend)) this.map.pan(...arrows[key]);
    else return false;
    return true;
  }

  mendKey(key) {
    const mend = this.mend;
    const acts = {
      b: () => this.erase(false), e: () => this.erase(true), ",": () => mend.resize(0.8), ".": () => mend.resize(1.25),
      k: () => mend.grow(true), j: () => mend.grow(false), z: () => mend.undo(), Backspace: () => mend.undo(), p: () => mend.pick(),
      s: () => this.saveMend(), o: () => this.restore(), Escape: () => this.stopMending(), m: () => this.stopMending(),
    };
    if (!acts[key]) return false;
    acts[key]();
    this.draw();
    return true;
  }

  erase(erasing) {
    this.mend.erasing = erasing;
    this.draw();
  }

  startMending() {
    const output = this.ready() && this.task.outputs[this.active];
    if (!output || !output.send || this.mend) return;
    const layer = this.data.layers.find((one) => one.kind === output.kind);
    if (!this.map.areaOf(layer)) return;
    this.mend = new Mend(this.map, layer, this.task, () => this.drawMend());
    this.tell("");
    this.draw();
  }

  stopMending() {
    if (!this.mend) return;
    this.mend.leave();
    this.mend = null;
    this.draw();
  }

  async saveMend() {
    if (!this.mend?.isChanged || this.saving) return;
    const { task } = this.mend;
    await this.transmit(task, this.mend.png(), "POST");
  }

  async restore() {
    const output = this.task?.outputs[this.active];
    if (output?.repaired && !this.saving) await this.transmit(this.task, null, "DELETE");
  }

  // Sends a repair; the item's maps are loaded anew when Python has told of them.
  async transmit(task, png, method) {
    this.saving = true;
    this.tell(method === "POST" ? "Saving" : "Restoring");
    this.drawMend();
    try {
      const body = await png;
      const headers = body ? { "Content-Type": "image/png" } : {};
      const answer = await fetch(task.outputs[this.active].send, { method, body, headers });
      if (!answer.ok) throw new Error(await answer.text());
      this.saved = (this.saved || 0) + 1;
      this.saving = false;
      this.tell("");
      this.stopMending();
      this.post();
    } catch (error) {
      this.saving = false;
      this.tell(error instanceof TypeError ? "The studio does not answer; save again when it is back." : error.message);
    }
    this.draw();
  }

  tell(words) {
    this.find(".said").textContent = words;
  }

  sheet(open = this.find(".sheet").hidden) {
    this.find(".sheet").hidden = !open;
  }

  toggleLayer(kind) {
    const layer = this.map.layers.get(kind);
    layer.on = !layer.on;
    this.faded = kind;
    this.map.draw();
    this.drawLayers();
  }

  fade(by) {
    const layer = this.map.layers.get(this.faded || SHOWN_FOR[this.active]?.find((kind) => !["image", "cloth"].includes(kind)));
    if (!layer) return;
    layer.opacity = Math.min(1, Math.max(0, Math.round((layer.opacity + by) * 100) / 100));
    this.map.draw();
    this.drawLayers();
  }

  pin() {
    this.pinned = !this.pinned;
    this.present();
    this.drawLayers();
  }

  // The photos alone, as long as the key is held.
  alone(held) {
    if (held === Boolean(this.hidden)) return;
    if (held) {
      this.hidden = new Map([...this.map.layers].map(([kind, layer]) => [kind, layer.on]));
      for (const [kind, layer] of this.map.layers) layer.on = kind === "image" || kind === "cloth";
    } else {
      for (const [kind, on] of this.hidden) this.map.layers.get(kind).on = on;
      this.hidden = null;
    }
    this.map.draw();
  }

  drawLine() {
    const waiting = this.outbox.length;
    const late = waiting && performance.now() - this.waitingSince > LATE_MS;
    this.find(".unsynced").textContent = late ? `${waiting} not stored yet, sending again` : "";
    this.find(".stem").textContent = this.current || "";
  }

  draw() {
    this.drawLine();
    const task = this.task;
    const idle = !task;
    this.find(".work").hidden = idle;
    this.find(".finished").hidden = !idle;
    this.find(".finished").textContent = this.waiting ? "Loading the next item" : "Nothing is left here. Z takes the last verdict back.";
    this.find(".judge").hidden = Boolean(this.mend);
    this.find(".mend").hidden = !this.mend;
    for (const name of [".rest", ".back", ".next", ".undo"]) this.find(name).disabled = Boolean(this.mend);
    if (idle) return;
    this.drawFailed(task);
    this.find(".outputs").replaceChildren(...this.outputsOf(task).map((name) => this.row(task, name)));
    this.drawTags(task);
    this.drawLayers();
    if (this.mend) this.drawMend();
  }

  drawFailed(task) {
    const lines = task.failed.map((one) => {
      const label = this.data.outputs[one.output]?.label || one.output[0].toUpperCase() + one.output.slice(1);
      return make("p", { title: one.check, className: one.output === this.active ? "active" : "" }, make("b", { textContent: label }), ` ${one.sentence}`);
    });
    const passed = task.passed === null ? "Not checked" : task.failed.length ? `${task.passed} other checks passed` : `All ${task.passed} checks passed`;
    this.find(".failed").replaceChildren(...lines, make("p", { className: "passed", textContent: passed }));
  }

  row(task, name) {
    const given = task.verdicts[name];
    const row = make("div", { className: name === this.active ? "output active" : "output", onclick: () => this.choose(name) });
    row.dataset.output = name;
    const label = make("span", { className: "name", textContent: this.data.outputs[name].label });
    if (task.outputs[name].repaired) label.append(make("small", { textContent: "repaired" }));
    if (given?.changed) label.append(make("small", { textContent: `${given.verdict}, changed since` }));
    else if (given && !given.mine) label.append(make("small", { textContent: given.who }));
    const buttons = make("span", { className: "verdicts" });
    for (const verdict of this.data.verdicts) {
      const chosen = given && !given.changed && given.verdict === verdict;
      const button = make("button", { type: "button", tabIndex: -1, textContent: verdict, className: chosen ? `chosen ${verdict}` : "" });
      button.setAttribute("aria-label", `${this.data.outputs[name].label}: ${verdict}`);
      button.setAttribute("aria-pressed", String(Boolean(chosen)));
      button.onclick = (event) => {
        event.stopPropagation();
        this.choose(name);
        this.say(verdict);
      };
      buttons.append(button);
    }
    row.append(label, buttons);
    return row;
  }

  drawTags(task) {
    const given = task.verdicts[this.active];
    const mine = given && given.mine && !given.changed ? given : this.pending;
    const tags = this.active ? this.data.outputs[this.active].tags : [];
    const chips = tags.map((tag, i) => {
      const on = mine.tags.includes(tag);
      const chip = make("button", { type: "button", tabIndex: -1, className: on ? "chosen" : "", onclick: () => this.toggleTag(i) });
      chip.append(make("kbd", { textContent: `⇧${i + 1}` }), ` ${tag}`);
      chip.setAttribute("aria-pressed", String(on));
      return chip;
    });
    if (this.active && task.outputs[this.active]?.send) {
      chips.push(make("button", { type: "button", tabIndex: -1, className: "start", onclick: () => this.startMending() }, make("kbd", { textContent: "M" }), " repair"));
    }
    this.find(".tags").replaceChildren(...chips);
    const note = this.find(".note");
    if (this.root.activeElement !== note) note.value = mine.note;
  }

  drawLayers() {
    if (!this.data) return;
    const rows = this.data.layers.map((layer, i) => {
      const state = this.map.layers.get(layer.kind);
      const row = make("label", { className: state.missing ? "layer missing" : "layer" });
      const box = make("input", { type: "checkbox", checked: state.on, tabIndex: -1, disabled: Boolean(state.missing) });
      box.onchange = () => (this.toggleLayer(layer.kind), box.blur());
      const slide = make("input", { type: "range", min: 0, max: 1, step: 0.05, tabIndex: -1, disabled: Boolean(state.missing) });
      slide.value = state.opacity;
      slide.setAttribute("aria-label", `Opacity of ${layer.label}`);
      slide.oninput = () => {
        state.opacity = Number(slide.value);
        state.on = box.checked = true;
        this.faded = layer.kind;
        this.map.draw();
      };
      slide.onchange = () => slide.blur();
      const name = make("span", { textContent: layer.label, title: state.missing ? "not in this dataset" : "" });
      row.append(make("kbd", { textContent: i + 1 }), box, name, slide);
      return row;
    });
    const pin = make("button", { type: "button", tabIndex: -1, className: this.pinned ? "chosen" : "", onclick: () => this.pin() });
    pin.append(make("kbd", { textContent: "L" }), " keep these layers");
    pin.setAttribute("aria-pressed", String(Boolean(this.pinned)));
    this.find(".layers").replaceChildren(...rows, pin);
  }

  drawMend() {
    const mend = this.mend;
    if (!mend) return;
    const tool = (key, words, act, chosen = false, disabled = false) => {
      const button = make("button", { type: "button", tabIndex: -1, className: chosen ? "chosen" : "", disabled });
      button.append(make("kbd", { textContent: key }), ` ${words}`);
      button.onclick = () => (act(), this.draw());
      return button;
    };
    const busy = Boolean(this.saving);
    this.find(".mend h3").textContent = `Repair: ${mend.layer.label}`;
    const [tools, ends] = this.box.querySelectorAll(".mend .tools");
    tools.replaceChildren(
      tool("B", "brush", () => this.erase(false), !mend.erasing),
      tool("E", "erase", () => this.erase(true), mend.erasing),
      tool("K", "grow", () => mend.grow(true)),
      tool("J", "shrink", () => mend.grow(false)),
      tool("Z", "undo", () => mend.undo(), false, !mend.isChanged),
    );
    const size = this.find(".mend .size");
    size.value = mend.radius;
    size.oninput = () => {
      mend.radius = Number(size.value);
      this.find(".mend output").textContent = `${mend.radius} px`;
      this.map.draw();
    };
    size.onchange = () => size.blur();
    this.find(".mend output").textContent = `${mend.radius} px`;
    const classes = mend.layer.how === "classes" ? this.data.classes : [];
    this.find(".mend .classes").replaceChildren(
      ...classes.map((one, id) => {
        const swatch = make("span", { className: "swatch" });
        swatch.style.background = `rgb(${one.colour.join(" ")})`;
        const button = make("button", { type: "button", tabIndex: -1, className: id === mend.value && !mend.erasing ? "chosen" : "" }, swatch, one.name);
        button.onclick = () => {
          mend.value = id;
          this.erase(false);
        };
        return button;
      }),
    );
    ends.replaceChildren(
      tool("S", "save", () => this.saveMend(), false, busy || !mend.isChanged),
      tool("Esc", "leave", () => this.stopMending(), false, busy),
      tool("O", "the dataset's own again", () => this.restore(), false, busy || !this.task.outputs[this.active].repaired),
    );
    ends.firstChild.classList.add("primary");
  }
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  if (!parentElement.qaView) parentElement.qaView = new QaView(parentElement);
  parentElement.qaView.receive(data, setStateValue);
  return () => {
    parentElement.qaView?.leave();
    delete parentElement.qaView;
  };
}
