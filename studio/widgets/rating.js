// Judging by keys: what is shown, when a key counts, what was answered, undo, and the outbox. What is asked is the mode's.

const SETTLED_MS = 300; // a key counts only this long after its pictures are painted, or its axis is asked
const BLINK_MS = 350;
const DECODED_AHEAD = 3; // pairs; of those behind them the files are fetched
const STRIP = 10; // answers that can be gone back to by a click
const NEAR_END = 16; // steps of undo below which Python is asked for those before them
const STEP_BACK = 24;
const OVERLAYS = { garment: "cloth", densepose: "densepose", mask: "mask" }; // action -> what of a task
const LOOK_ACTIONS = [
  { name: "zoom", words: "zoom 2, 4, 8 times at the pointer, whole again", keys: ["x"], group: "Look closer" },
  { name: "garment", words: "garment in place of the pictures", keys: ["g"], group: "Look closer" },
  { name: "densepose", words: "DensePose over them", keys: ["d"], group: "Look closer" },
  { name: "mask", words: "agnostic mask over them", keys: ["m"], group: "Look closer" },
  { name: "help", words: "these keys", keys: ["?"], group: "Look closer" },
];
const OVERLAY_WORDS = { garment: "garment", densepose: "DensePose", mask: "mask" };

class RatingView {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".rating");
    this.find = (selector) => this.box.querySelector(selector);
    this.onKey = (event) => this.key(event);
    this.onKeyUp = (event) => keyOf(event) === this.blinkKey && this.blink(false);
    this.onBlur = () => this.blink(false);
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("keyup", this.onKeyUp);
    window.addEventListener("blur", this.onBlur);
    this.frames = [...this.box.querySelectorAll(".shown")];
    this.zoom = new JudgingZoom(this.find(".stage"), this.find(".factor"), (frame) => this.tapped(frame));
    this.timer = setInterval(() => this.tick(), RESEND_MS);
    this.pictures = new Map(); // url -> {image, decoded}, ahead of its turn
    this.cells = new Map(); // task id -> its place in the strip
  }

  leave() {
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("keyup", this.onKeyUp);
    window.removeEventListener("blur", this.onBlur);
    clearInterval(this.timer);
    clearInterval(this.blinking);
    this.zoom.leave();
  }

  receive(data, send) {
    this.send = send;
    this.data = data;
    if (data.sitting !== this.sitting) this.begin(data);
    this.outbox.settle(data.stored);
    for (const task of [...data.recent, ...data.tasks]) {
      this.tasks.set(task.id, task);
      this.answers.set(task.id, this.withPending(task));
    }
    this.remember(data.history);
    if (data.wanted !== this.wanted) {
      this.wanted = data.wanted;
      const task = data.tasks.find(({ id }) => id === data.wanted);
      if (task) this.show(task);
    }
    if (this.current === null || this.locked) this.go();
    this.preload();
    this.draw();
    this.outbox.resume();
  }

  begin(data) {
    leaveField();
    this.sitting = data.sitting;
    this.mode = data.mode === "pairs" ? new PairMode(this) : new ScoreMode(this);
    this.box.dataset.mode = data.mode;
    this.keys = new Keys(this.mode.constructor.actions(data), `vton-keys:${data.mode}:${data.rater}`);
    this.sheet = new KeySheet(this.find(".sheet"), this.keys, this.mode.note, () => this.draw());
    this.tasks = new Map();
    this.answers = new Map(); // task id -> {axis: answer}
    this.steps = []; // {id, axis, before: {axis: answer or null}}, oldest first
    this.known = new Set(); // "id axis" of every step there was
    this.asked = 0; // how deep Python was asked to look
    this.owed = false; // an undo
    this.current = null;
    this.wanted = undefined;
    this.outbox = new Outbox(`vton-judged:${this.sitting}`, () => this.send("outbox", this.outbox.entries.slice()));
  }

  withPending(task) {
    let answers = task.answers;
    for (const entry of this.outbox.entries) {
      if (this.mode.idOf(entry) === task.id) answers = this.mode.after(answers, entry.axis, this.mode.read(entry));
    }
    return answers;
  }

  // What was answered before this page was loaded, oldest first, stands before all that was answered on it.
  remember(history) {
    const older = history.filter(({ id, axis }) => !this.known.has(`${id} ${axis}`) && this.tasks.has(id));
    for (const { id, axis } of older) this.known.add(`${id} ${axis}`);
    this.steps.unshift(...older.map(({ id, axis }) => ({ id, axis, before: { [axis]: null } })));
    if (this.owed && older.length) this.undo();
  }

  answersOf(task) {
    return this.answers.get(task.id) || {};
  }

  isDone(task) {
    return this.mode.isDone(this.answersOf(task));
  }

  // Python tells of the same task anew at every run.
  isShown(task) {
    return this.current?.id === task.id;
  }

  // Nothing more is asked here, and nothing can be changed: the study is closed or paused, or the rater is.
  get locked() {
    return Boolean(this.data.locked);
  }

  // The first that waits; never the one that was just answered, also where Python does not know of it yet.
  go() {
    const open = this.data.tasks.filter((task) => !this.isDone(task));
    this.show(this.mode.order(open)[0] || null);
    this.preload();
    this.draw();
  }

  show(task, axis) {
    const open = task && this.data.axes.find(({ name }) => !this.answersOf(task)[name]);
    this.axis = axis || open?.name || this.data.axes[0].name;
    this.blink(false);
    if (task && this.isShown(task)) {
      this.mode.begin();
      if (this.mode.asksOne && !this.broken) this.settle();
      return;
    }
    this.current = task;
    this.overlay = null;
    this.unsettle();
    this.mode.begin();
    this.zoom.begin();
    if (task) this.paint(task);
  }

  unsettle() {
    this.painted = 0;
    delete this.box.dataset.painted;
    delete this.box.dataset.ready;
  }

  async paint(task) {
    this.broken = false;
    const stage = this.find(".stage");
    stage.classList.add("waiting");
    const refs = [task.person, task.cloth];
    const images = await Promise.all([...task.pictures, ...refs].map((url) => (url ? this.decoded(url) : undefined)));
    if (this.current !== task) return;
    this.box.style.setProperty("--ratio", task.width / task.height);
    const places = [...this.frames.slice(0, task.pictures.length).map((frame) => frame.querySelector(".pan")), ...this.box.querySelectorAll(".refs .frame")];
    const names = [...(task.pictures.length > 1 ? ["Left", "Right"] : ["Result"]), "Person", "Garment"];
    places.forEach((place, i) => {
      const told = images[i] === undefined ? "none" : "This picture cannot be loaded";
      place.replaceChildren(images[i] ? Object.assign(images[i], { alt: names[i] }) : make("span", { className: "said", textContent: told }));
    });
    this.zoom.wide = images[0]?.naturalWidth || 0;
    this.zoom.place();
    stage.classList.remove("waiting");
    for (const url of [...task.pictures, ...refs]) this.pictures.delete(url);
    this.broken = images.includes(null);
    if (!this.broken) this.settle();
    this.draw();
  }

  // From now on it is seen, and shortly after that keys count.
  settle() {
    this.unsettle();
    const { current, axis } = this;
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (this.current !== current || this.axis !== axis) return;
        this.painted = performance.now();
        this.shownAt = new Date().toISOString();
        this.box.dataset.painted = current.id;
        setTimeout(() => {
          if (this.ready()) this.box.dataset.ready = `${current.id} ${axis}`;
        }, SETTLED_MS);
      }),
    );
  }

  ready() {
    return Boolean(this.current && this.painted && !this.blinking && performance.now() - this.painted >= SETTLED_MS);
  }

  fetched(url) {
    if (!this.pictures.has(url)) {
      const image = new Image();
      image.src = url;
      this.pictures.set(url, { image });
    }
    return this.pictures.get(url);
  }

  // The picture, or null where it cannot be had; it is tried again the next time.
  decoded(url) {
    const kept = this.fetched(url);
    kept.decoded ??= kept.image.decode().then(() => kept.image, () => (this.pictures.delete(url), null));
    return kept.decoded;
  }

  preload() {
    const ahead = this.data.tasks.filter((task) => !this.isShown(task) && !this.isDone(task));
    ahead.forEach((task, i) => {
      for (const url of [...task.pictures, task.person, task.cloth].filter(Boolean)) i < DECODED_AHEAD ? this.decoded(url) : this.fetched(url);
    });
  }

  tick() {
    this.outbox.resend();
    if (this.current && this.broken) this.paint(this.current);
    this.drawCount();
  }

  key(event) {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.root.host?.isConnected && !this.box.isConnected) return;
    if (this.sheet.isOpen) {
      if (!this.sheet.press(event)) return;
    } else if (isTyping(event) || document.querySelector('[role="dialog"]:not([hidden])')) return;
    else if (!this.mode.first(event) && !this.press(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  press(event) {
    if (this.revisiting && (event.key === "Enter" || event.key === "Escape")) {
      this.go();
      return true;
    }
    const name = this.keys.find(event);
    if (name === "blink") this.blinkKey = keyOf(event);
    return name !== null && this.act(name, event.shiftKey);
  }

  act(name, shift = false) {
    if (name === "undo") this.undo();
    else if (name === "help") this.sheet.open();
    else if (!this.current) return false;
    else if (name === "zoom") this.zoom.step();
    else if (OVERLAYS[name]) this.lay(name);
    else return this.mode.act(name, shift);
    return true;
  }

  tapped(frame) {
    if (this.current && !this.sheet.isOpen) this.mode.tapped(this.frames.findIndex((figure) => figure.contains(frame)));
  }

  // Is an answered pair looked at again?
  get revisiting() {
    return this.current !== null && this.isDone(this.current);
  }

  // An answer of the pair shown; then the next axis that waits, then the next pair.
  give(axis, answer) {
    const { current } = this;
    const again = this.revisiting;
    this.take(current, axis, { ...answer, shown_at: this.shownAt, zoom: this.zoom.largest });
    const names = this.data.axes.map(({ name }) => name);
    const after = names[names.indexOf(axis) + 1];
    const open = names.find((name) => !this.answersOf(current)[name]);
    const next = again ? after : open;
    if (next && !(again && answer.value === SKIP) && (again || !this.isDone(current))) this.show(current, next);
    else this.go();
    this.draw();
  }

  // The same answer with other reasons or another flag.
  amend(task, axis, change) {
    this.take(task, axis, { ...this.answersOf(task)[axis], ...change });
    this.draw();
  }

  take(task, axis, answer) {
    const was = this.answersOf(task);
    const is = this.mode.after(was, axis, answer);
    this.owed = false;
    const changed = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((name) => was[name] !== is[name]);
    this.steps.push({ id: task.id, axis, before: Object.fromEntries(changed.map((name) => [name, was[name] || null])) });
    for (const name of changed) this.known.add(`${task.id} ${name}`);
    this.put(task, axis, answer);
  }

  undo() {
    if (this.locked) return;
    const step = this.steps.pop();
    if (this.steps.length < NEAR_END) this.ask();
    this.owed = !step && this.data.more; // as soon as Python has told of earlier ones
    if (!step) return;
    const task = this.tasks.get(step.id);
    const given = Object.entries(step.before).sort(([, one], [, other]) => Number(one === null) - Number(other === null));
    for (const [axis, answer] of given) {
      if (answer || this.answersOf(task)[axis]) this.put(task, axis, answer);
    }
    this.show(task, step.axis);
    this.draw();
  }

  // Python knows of more answers than were told.
  ask() {
    const depth = new Set(this.steps.map(({ id, axis }) => `${id} ${axis}`)).size + STEP_BACK;
    if (!this.data.more || depth <= this.asked) return;
    this.asked = depth;
    this.send("deeper", depth);
  }

  put(task, axis, answer) {
    this.answers.set(task.id, this.mode.after(this.answersOf(task), axis, answer));
    const shown_at = answer?.shown_at || this.shownAt || new Date().toISOString();
    this.outbox.put(this.mode.entry(task, axis, answer, { shown_at, answered_at: new Date().toISOString(), zoom: answer?.zoom || this.zoom.largest }));
  }

  // The last step that still stands.
  last() {
    const step = this.steps[this.steps.length - 1];
    const task = step && this.tasks.get(step.id);
    const answer = task && this.answersOf(task)[step.axis];
    return answer ? { task, axis: step.axis, answer } : null;
  }

  turn(by) {
    const names = this.data.axes.map(({ name }) => name);
    this.turnTo(names[Math.min(Math.max(names.indexOf(this.axis) + by, 0), names.length - 1)]);
  }

  turnTo(axis) {
    this.axis = axis;
    this.draw();
  }

  // While the key is held, each picture takes the other's place in turn; no answer counts meanwhile.
  blink(held) {
    if (!held || this.blinking || !this.ready() || this.current.pictures.length < 2) {
      if (held || !this.blinking) return;
      clearInterval(this.blinking);
      this.blinking = null;
      this.box.querySelectorAll(".other").forEach((image) => image.remove());
      return;
    }
    const pans = this.frames.map((frame) => frame.querySelector(".pan"));
    const others = pans.map((_, i) => Object.assign(pans[1 - i].firstElementChild.cloneNode(), { className: "other" }));
    pans.forEach((pan, i) => pan.append(others[i]));
    this.blinking = setInterval(() => others.forEach((image) => (image.hidden = !image.hidden)), BLINK_MS);
  }

  // One map over the pictures, or none.
  lay(name) {
    if (!this.current[OVERLAYS[name]]) return;
    this.overlay = this.overlay === name ? null : name;
    this.draw();
  }

  drawOverlay() {
    const src = this.overlay && this.current[OVERLAYS[this.overlay]];
    for (const frame of this.frames) {
      const pan = frame.querySelector(".pan");
      pan.querySelectorAll(".overlay").forEach((image) => image.remove());
      if (src) pan.append(Object.assign(picture(src), { className: `overlay ${this.overlay}` }));
    }
  }

  button(name, words, kind = "", pressed = null) {
    const made = make("button", { type: "button", className: kind });
    made.append(make("kbd", { textContent: this.keys.signs(name)[0] }), ` ${words}`);
    made.dataset.act = name;
    if (pressed !== null) made.ariaPressed = String(pressed);
    made.onclick = () => {
      made.blur();
      this.act(name);
    };
    if (name === "blink") {
      made.onclick = null;
      made.onpointerdown = () => this.act(name);
      made.onpointerup = made.onpointerleave = () => this.blink(false);
    }
    return made;
  }

  // What to look closer with, in a place; the garment's own stands under it.
  drawLook(place, more) {
    const overlays = Object.keys(OVERLAYS).map((name) => {
      const made = this.button(name, OVERLAY_WORDS[name], "small", this.overlay === name);
      made.disabled = !this.current[OVERLAYS[name]];
      return made;
    });
    const [garment, ...maps] = overlays;
    this.find(".of-garment").replaceChildren(garment);
    place.replaceChildren(...more, this.button("zoom", "zoom", "small"), ...maps);
  }

  // As Python last counted, and what happened here since.
  done() {
    const known = new Map([...this.data.recent, ...this.data.tasks].map((task) => [task.id, task]));
    let { done } = this.data;
    for (const task of known.values()) done += Number(this.isDone(task)) - Number(this.mode.isDone(task.answers));
    return done;
  }

  drawCount() {
    this.find(".unsynced").textContent = this.outbox.words;
    this.box.dataset.unsent = this.outbox.entries.length;
    const { text, share } = this.mode.count(this.done());
    this.find(".count").textContent = text;
    this.find(".bar .done").style.width = `${100 * share}%`;
  }

  draw() {
    this.drawCount();
    const help = this.find(".help");
    help.replaceChildren(make("kbd", { textContent: this.keys.signs("help")[0] }), " keys");
    help.onclick = () => (help.blur(), this.sheet.open());
    const finished = this.current === null;
    for (const part of [".stage", ".answers", ".tools", ".asked"]) this.find(part).hidden = finished;
    this.find(".finished").hidden = !finished;
    this.drawStrip();
    this.drawAgain();
    if (finished) {
      this.find(".intro").hidden = true;
      const coming = this.outbox.entries.length || this.data.tasks.length;
      this.find(".finished").textContent = this.data.finished || (coming ? "The next ones are on their way." : "");
      return;
    }
    this.mode.draw();
    this.drawOverlay();
  }

  drawAgain() {
    const line = this.find(".again");
    line.hidden = !this.revisiting;
    this.find(".asked .hint").hidden = !line.hidden;
    if (line.hidden) return;
    const goOn = make("button", { type: "button", className: "small", onclick: () => this.go() });
    goOn.append(make("kbd", { textContent: "Enter" }), " leave it so");
    line.replaceChildren(`You said: ${this.mode.told(this.answersOf(this.current))}. Answer again to change it. `, goOn);
  }

  // The last ones answered, the newest at the right.
  drawStrip() {
    const ids = [...new Set(this.steps.map(({ id }) => id).reverse())].filter((id) => this.isDone(this.tasks.get(id)));
    const shown = ids.slice(0, STRIP).reverse().map((id) => this.cell(this.tasks.get(id)));
    const strip = this.find(".strip");
    if (shown.length !== strip.children.length || shown.some((cell, i) => cell !== strip.children[i])) strip.replaceChildren(...shown);
    for (const id of this.cells.keys()) if (!ids.slice(0, STRIP).includes(id)) this.cells.delete(id);
  }

  cell(task) {
    if (!this.cells.has(task.id)) {
      const pictures = make("span", { className: "thumbs" }, ...task.pictures.map((src) => picture(src)));
      const cell = make("button", { type: "button", title: "Go back to this one" }, pictures, make("span", { className: "mark" }));
      cell.onclick = () => {
        cell.blur();
        if (this.locked) return;
        this.show(task, this.data.axes[0].name);
        this.draw();
      };
      this.cells.set(task.id, cell);
    }
    const cell = this.cells.get(task.id);
    const { text, value } = this.mode.mark(this.answersOf(task));
    cell.querySelector(".mark").textContent = text;
    cell.dataset.value = value;
    cell.ariaCurrent = String(this.isShown(task));
    return cell;
  }
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  if (!parentElement.ratingView) parentElement.ratingView = new RatingView(parentElement);
  parentElement.ratingView.receive(data, setStateValue);
  return () => {
    parentElement.ratingView?.leave();
    delete parentElement.ratingView;
  };
}
