// One comparison that raters disagree about, or that somebody flagged: both pictures, every answer, and what a reviewer rules.
// The page stores a ruling and shows the next comparison: what has moved on is stored.

const RULINGS = { first: ["1 is better", "1"], second: ["2 is better", "2"], "both good": ["Both good", "g"], "both bad": ["Both bad", "b"] };
const VERDICTS = { first: "1 is better", second: "2 is better", "both good": "both good", "both bad": "both bad", skip: "skipped" };
const WAIT_MS = 4000; // for the page; then a key counts again

class ReviewView {
  constructor(root) {
    this.box = root.querySelector(".pictures");
    this.find = (selector) => this.box.querySelector(selector);
    this.named = false;
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.zoom = new SharedZoom(this.find(".cards"), this.find(".factor"));
    this.find(".previous").onclick = () => this.send({ kind: "turn", way: -1 });
    this.find(".next").onclick = () => this.send({ kind: "turn", way: 1 });
    this.find(".names").onclick = () => this.name(!this.named);
    this.find(".undo").onclick = () => this.undo();
    this.find(".requeue").onclick = () => this.requeue();
    this.find(".rulings").append(
      ...Object.entries(RULINGS).map(([ruling, [words, key]]) => {
        const button = make("button", { type: "button" }, words, make("kbd", { textContent: key.toUpperCase() }));
        button.dataset.ruling = ruling;
        button.onclick = () => this.rule(ruling);
        return button;
      }),
    );
    this.find(".note").onkeydown = (event) => {
      if (event.key === "Enter" || event.key === "Escape") event.target.blur();
    };
  }

  leave() {
    document.removeEventListener("keydown", this.onKey);
    this.zoom.leave();
  }

  receive(data, act) {
    this.act = act;
    const told = JSON.stringify(data);
    if (told === this.told) return;
    this.told = told;
    if (data.may && !this.data?.may) leaveField();
    const isOther = !this.data || this.data.matchup !== data.matchup || this.data.axis !== data.axis;
    this.data = data;
    this.box.classList.remove("loading");
    this.sentAt = -WAIT_MS;
    if (isOther) this.begin();
    this.draw();
    this.ahead = data.ahead.map((src) => picture(src));
  }

  begin() {
    const { person, cloth, pictures, ratio, wide, ruling } = this.data;
    this.named = false;
    this.shownAt = null;
    this.box.style.setProperty("--ratio", ratio);
    this.find(".note").value = ruling ? ruling.note : "";
    this.find(".refs").replaceChildren(this.still("Person", person), this.still("Garment", cloth));
    this.find(".cards").replaceChildren(...pictures.map((src, i) => this.card(src, i)));
    Object.assign(this.zoom, { wide, k: 1, x: 0, y: 0 });
    this.zoom.place();
    const images = [...this.box.querySelectorAll(".cards img")];
    const matchup = this.data.matchup;
    Promise.all(images.map((image) => image.decode().catch(() => undefined))).then(() => {
      if (this.data.matchup !== matchup) return;
      this.shownAt = new Date().toISOString();
      this.box.dataset.painted = matchup;
    });
  }

  still(label, { id, src }) {
    const frame = make("span", { className: "frame" });
    if (src) frame.append(picture(src, label));
    else frame.append(make("span", { className: "said", textContent: "not there" }));
    const figure = make("figure", { className: label.toLowerCase() }, frame);
    figure.append(make("figcaption", {}, make("b", { textContent: label }), document.createElement("br"), make("small", { textContent: id })));
    return figure;
  }

  card(src, i) {
    const figure = make("figure", {}, make("span", { className: "frame" }, make("span", { className: "pan" }, picture(src, `Picture ${i + 1}`))));
    figure.append(make("figcaption", {}, make("b", { textContent: String(i + 1) }), make("span", { className: "run" })));
    return figure;
  }

  draw() {
    const { place, ends, told, ruling, more, may, undo } = this.data;
    this.find(".place").textContent = place;
    this.find(".previous").disabled = ends[0];
    this.find(".next").disabled = ends[1];
    this.find(".told").textContent = told;
    this.find(".answers").replaceChildren(...this.data.answers.map((answer) => this.answer(answer)));
    this.find(".ruled").textContent = ruling ? `${ruling.by} ruled: ${VERDICTS[ruling.ruling]}${ruling.note ? ` (${ruling.note})` : ""}` : "";
    for (const button of this.find(".rulings").children) {
      button.disabled = !may;
      button.setAttribute("aria-pressed", String(ruling !== null && button.dataset.ruling === ruling.ruling));
    }
    this.find(".note").disabled = !may;
    this.find(".undo").disabled = !may || !undo;
    this.find(".requeue").hidden = !more;
    this.find(".requeue").disabled = !may;
    this.find(".requeue").replaceChildren("Ask two more raters", make("kbd", { textContent: "Q" }));
    this.name(this.named);
  }

  answer({ rater, verdict, out, details }) {
    const row = make("div", { className: out ? "answer out" : "answer" });
    row.append(make("b", { textContent: rater }), make("span", { textContent: VERDICTS[verdict] || verdict }));
    if (details) row.append(make("small", { textContent: details }));
    return row;
  }

  name(isShown) {
    this.named = isShown;
    this.find(".names").setAttribute("aria-pressed", String(isShown));
    this.box.querySelectorAll(".run").forEach((place, i) => (place.textContent = isShown ? ` ${this.data.names[i]}` : ""));
  }

  // One thing at a time: what is sent is answered by a page drawn anew.
  send(message) {
    if (performance.now() - this.sentAt < WAIT_MS) return;
    const { matchup, axis, ends } = this.data;
    if (message.kind === "turn" && ends[message.way < 0 ? 0 : 1]) return;
    this.sentAt = performance.now();
    this.act("act", { uid: newUid(), matchup, axis, shown_at: this.shownAt, note: this.find(".note").value.trim(), ...message });
  }

  rule(ruling) {
    if (this.data.may && this.shownAt) this.send({ kind: "rule", ruling });
  }

  undo() {
    if (this.data.may && this.data.undo) this.send({ kind: "undo" });
  }

  requeue() {
    if (this.data.may && this.data.more) this.send({ kind: "requeue" });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !this.data) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const ruling = Object.keys(RULINGS).find((name) => RULINGS[name][1] === key);
    if (event.repeat && !["+", "=", "-"].includes(key)) return;
    if (key === "ArrowRight" || key === "ArrowLeft") this.send({ kind: "turn", way: key === "ArrowRight" ? 1 : -1 });
    else if (ruling) this.rule(ruling);
    else if (key === "n") this.name(!this.named);
    else if (key === "z" || key === "Backspace") this.undo();
    else if (key === "q") this.requeue();
    else if (key === "/") this.find(".note").focus();
    else if (key === "+" || key === "=") this.zoom.scale(1.25);
    else if (key === "-") this.zoom.scale(0.8);
    else if (key === "0") this.zoom.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!parentElement.reviewView) parentElement.reviewView = new ReviewView(parentElement);
  parentElement.reviewView.receive(data, setTriggerValue);
  return () => {
    parentElement.reviewView?.leave();
    delete parentElement.reviewView;
  };
}
