// The rating loop: one result at a time, scored by keys.

class RatingView {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".rating");
    this.find = (selector) => this.box.querySelector(selector);
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.find(".undo").onclick = () => this.undo();
    this.find(".skip").onclick = () => this.skip();
    this.timer = setInterval(() => (this.outbox.resend(), this.drawCount()), RESEND_MS);
    this.pictures = new Map(); // url -> a decoded image, ahead of its turn
  }

  leave() {
    document.removeEventListener("keydown", this.onKey);
    clearInterval(this.timer);
  }

  receive(data, send) {
    this.send = send;
    if (data.sitting !== this.sitting) this.begin(data);
    this.data = data;
    this.outbox.settle(data.stored);
    for (const task of [...data.recent, ...data.tasks]) {
      if (!this.tasks.has(task.result_id)) this.tasks.set(task.result_id, task);
      if (!this.scores.has(task.result_id)) this.scores.set(task.result_id, this.withPending(task));
    }
    if (this.current === null || data.wanted !== this.wanted) {
      const wanted = data.wanted !== this.wanted && data.tasks.find((task) => task.result_id === data.wanted);
      this.wanted = data.wanted;
      this.show(wanted || this.nextTask());
    }
    this.preload();
    this.draw();
    this.outbox.resume();
  }

  begin(data) {
    leaveField();
    this.sitting = data.sitting;
    this.tasks = new Map();
    this.scores = new Map();
    this.skipped = [];
    this.history = data.history.slice(); // {result_id, axis, before}, oldest first
    this.current = null;
    this.wanted = undefined;
    this.outbox = new Outbox(`vton-ratings:${this.sitting}`, () => this.send("outbox", this.outbox.entries.slice()));
  }

  withPending(task) {
    const scores = { ...task.scores };
    for (const entry of this.outbox.entries) if (entry.result_id === task.result_id) scores[entry.axis] = entry.score;
    return scores;
  }

  isRated(id) {
    const scores = this.scores.get(id) || {};
    return this.data.axes.every((axis) => scores[axis.name] != null);
  }

  nextTask() {
    const open = this.data.tasks.filter((task) => !this.isRated(task.result_id));
    return open.find((task) => !this.skipped.includes(task.result_id)) || open[0] || null;
  }

  show(task) {
    this.current = task;
    this.painted = 0;
    if (task === null) return;
    const scores = this.scores.get(task.result_id);
    const open = this.data.axes.findIndex((axis) => scores[axis.name] == null);
    this.active = open < 0 ? 0 : open;
    this.paint(task);
  }

  async paint(task) {
    const stage = this.find(".stage");
    stage.classList.add("waiting");
    const urls = [task.person, task.cloth, task.result];
    const images = await Promise.all(urls.map((url) => this.decoded(url)));
    if (this.current !== task) return;
    this.box.style.setProperty("--shape", `${task.width} / ${task.height}`);
    stage.querySelectorAll(".frame").forEach((frame, i) => {
      if (images[i]) {
        images[i].alt = ["Person", "Garment", "Result"][i];
        frame.replaceChildren(images[i]);
      } else frame.textContent = "This picture cannot be loaded";
    });
    stage.classList.remove("waiting");
    this.pictures.forEach((_, url) => urls.includes(url) && this.pictures.delete(url));
    if (images.some((image) => image === null)) return; // not seen, so not rated; it can be skipped
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (this.current !== task) return;
        this.painted = performance.now();
        this.shownAt = new Date().toISOString();
        this.box.dataset.painted = task.result_id;
      }),
    );
  }

  decoded(url) {
    if (!this.pictures.has(url)) {
      const image = new Image();
      image.src = url;
      this.pictures.set(url, image.decode().then(() => image, () => (this.pictures.delete(url), null)));
    }
    return this.pictures.get(url);
  }

  preload() {
    const ahead = this.data.tasks.filter((task) => task !== this.current && !this.isRated(task.result_id)).slice(0, 2);
    for (const task of ahead) for (const url of [task.person, task.cloth, task.result]) this.decoded(url);
  }

  key(event) {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (!this.root.host?.isConnected && !this.box.isConnected) return;
    const last = this.data.axes.length - 1;
    const tab = event.key === "Tab" && this.current !== null;
    if (/^[1-5]$/.test(event.key)) this.score(this.active, Number(event.key));
    else if (event.key === "ArrowDown" || (tab && !event.shiftKey && this.active < last)) this.move(1);
    else if (event.key === "ArrowUp" || (tab && event.shiftKey && this.active > 0)) this.move(-1);
    else if (event.key === "z" || event.key === "Z" || event.key === "Backspace") this.undo();
    else if (event.key === "s" || event.key === "S") this.skip();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  move(step) {
    if (this.current === null) return;
    this.active = Math.min(Math.max(this.active + step, 0), this.data.axes.length - 1);
    this.draw();
  }

  score(index, value) {
    const task = this.current;
    if (task === null || !this.painted || performance.now() - this.painted < SETTLE_MS) return;
    const axis = this.data.axes[index].name;
    const scores = this.scores.get(task.result_id);
    this.history.push({ result_id: task.result_id, axis, before: scores[axis] ?? null });
    if (this.history.length > FARTHEST) this.history.shift();
    this.put(task, axis, value);
    const open = this.data.axes.findIndex((one) => scores[one.name] == null);
    if (open >= 0) this.active = open;
    else {
      this.skipped = this.skipped.filter((id) => id !== task.result_id);
      this.show(this.nextTask());
      this.preload();
    }
    this.draw();
  }

  undo() {
    const step = this.history.pop();
    if (!step) return;
    const task = this.tasks.get(step.result_id);
    if (!task) return;
    this.put(task, step.axis, step.before);
    if (this.current !== task) this.show(task);
    this.active = this.data.axes.findIndex((axis) => axis.name === step.axis);
    this.draw();
  }

  skip() {
    if (this.current === null) return;
    const id = this.current.result_id;
    this.skipped = [...this.skipped.filter((one) => one !== id), id];
    this.send("skipped", this.skipped);
    const open = this.data.tasks.filter((task) => !this.isRated(task.result_id) && task.result_id !== id);
    const fresh = open.find((task) => !this.skipped.includes(task.result_id));
    const oldest = this.skipped.map((one) => open.find((task) => task.result_id === one)).find(Boolean);
    this.show(fresh || oldest || this.current);
    this.draw();
  }

  put(task, axis, score) {
    this.scores.get(task.result_id)[axis] = score;
    this.outbox.put({
      result_id: task.result_id, sha256: task.sha256, axis, score, shown_at: this.shownAt || new Date().toISOString(),
    });
  }

  drawCount() {
    this.find(".unsynced").textContent = this.outbox.words;
    const known = new Map([...this.data.recent, ...this.data.tasks].map((task) => [task.result_id, task]));
    let done = this.data.done; // as Python last counted, and what happened here since
    for (const [id, task] of known) done += Number(this.isRated(id)) - Number(this.wasRated(task));
    this.find(".count").textContent = `${done} of ${this.data.total} rated`;
    this.find(".done").style.width = `${this.data.total ? (100 * done) / this.data.total : 0}%`;
  }

  wasRated(task) {
    return this.data.axes.every((axis) => task.scores[axis.name] != null);
  }

  draw() {
    this.drawCount();
    const task = this.current;
    const finished = task === null;
    for (const part of [".stage", ".axes"]) this.find(part).hidden = finished;
    this.find(".skip").disabled = finished;
    this.find(".finished").hidden = !finished;
    this.find(".finished").textContent = finished ? this.data.finished : "";
    this.find(".pair").textContent = finished ? "" : `${task.person_id} in ${task.cloth_id}`;
    if (finished) return;
    const scores = this.scores.get(task.result_id);
    this.find(".axes").replaceChildren(...this.data.axes.map((axis, i) => this.row(axis, i, scores[axis.name])));
  }

  row(axis, index, chosen) {
    const row = document.createElement("div");
    row.className = index === this.active ? "axis active" : "axis";
    row.onclick = () => this.move(index - this.active);
    const name = Object.assign(document.createElement("span"), { className: "name", textContent: axis.label });
    const hint = Object.assign(document.createElement("span"), { className: "hint", textContent: axis.hint });
    const scores = Object.assign(document.createElement("span"), { className: "scores" });
    for (let value = 1; value <= 5; value++) {
      const button = document.createElement("button");
      button.type = "button";
      button.tabIndex = -1;
      button.textContent = value;
      button.className = value === chosen ? "chosen" : "";
      button.setAttribute("aria-label", `${axis.label}: ${value}`);
      button.setAttribute("aria-pressed", String(value === chosen));
      button.onclick = (event) => {
        event.stopPropagation();
        this.active = index;
        this.score(index, value);
      };
      scores.append(button);
    }
    row.append(name, hint, scores);
    return row;
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
