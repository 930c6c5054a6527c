// Two pictures of one pair: which is better, axis after axis. The view shows, remembers and sends; what is asked is here.

const SKIP = "skip";
const VALUES = { left: "left", right: "right", good: "both good", bad: "both bad" }; // action -> outcome
const WORDS = { left: "left is better", right: "right is better", "both good": "both are good", "both bad": "both are bad" };
const MARKS = { left: "←", right: "→", "both good": "↑", "both bad": "↓", [SKIP]: "skipped" };
const NEW_RATER = 5; // answers after which the page no longer explains itself

class PairMode {
  constructor(view) {
    this.view = view;
    this.pending = this.nothing();
    this.asking = false; // why a pair is skipped
    this.asksOne = true; // axis at a time: the next one has to be seen before a key answers it
  }

  static actions(data) {
    return [
      { name: "left", words: "left is better", keys: ["ArrowLeft"], group: "Answer" },
      { name: "right", words: "right is better", keys: ["ArrowRight"], group: "Answer" },
      { name: "good", words: "both are good", keys: ["ArrowUp"], group: "Answer" },
      { name: "bad", words: "both are bad", keys: ["ArrowDown"], group: "Answer" },
      { name: "undo", words: "undo", keys: ["z", "Backspace"], group: "Answer" },
      ...data.tags.map((tag, i) => ({ name: `tag${i}`, words: tag, keys: [String(i + 1)], group: "Say more, if you like" })),
      { name: "flag", words: "flag: somebody should look at this", keys: ["f"], group: "Say more, if you like" },
      { name: "skip", words: "skip, then say why by 1 to 4", keys: ["s"], group: "Say more, if you like" },
      { name: "blink", words: "blink left and right, while held", keys: [" "], group: "Look closer" },
      ...LOOK_ACTIONS,
    ];
  }

  get note() {
    return "Reasons may be given before the answer. Shift with a reason's key gives it to the answer before.";
  }

  idOf(entry) {
    return entry.assignment_id;
  }

  entry(task, axis, answer, seen) {
    const { value, tags, flagged, reason } = answer || { value: null, tags: [], flagged: false, reason: "" };
    return { assignment_id: task.id, axis, outcome: value, tags, flagged, reason, ...seen };
  }

  read(entry) {
    return entry.outcome === null ? null : { value: entry.outcome, tags: entry.tags, flagged: entry.flagged, reason: entry.reason };
  }

  // The answers of a pair after one more; a skip stands alone.
  after(answers, axis, answer) {
    if (answer?.value === SKIP) return { [this.names[0]]: answer };
    const kept = Object.entries(answers).filter(([name, one]) => name !== axis && !(answer && one.value === SKIP));
    return Object.fromEntries(answer ? [...kept, [axis, answer]] : kept);
  }

  get names() {
    return this.view.data.axes.map(({ name }) => name);
  }

  isDone(answers) {
    return Object.values(answers).some(({ value }) => value === SKIP) || this.names.every((name) => answers[name]);
  }

  order(tasks) {
    return tasks;
  }

  nothing() {
    return { tags: [], flagged: false };
  }

  // A pair is shown, at an axis.
  begin() {
    this.pending = this.nothing();
    this.asking = false;
  }

  get given() {
    return this.view.answersOf(this.view.current)[this.view.axis] || null;
  }

  act(name, shift) {
    const { view } = this;
    if (VALUES[name]) this.answer(VALUES[name]);
    else if (name === "skip") this.ask();
    else if (name === "flag") this.change(({ flagged }) => ({ flagged: !flagged }));
    else if (name.startsWith("tag")) this.tag(view.data.tags[Number(name.slice(3))], shift);
    else if (name === "blink") view.blink(true);
    else return false;
    return true;
  }

  // Keys that only mean something while the reason of a skip is asked for.
  first(event) {
    if (!this.asking) return false;
    const reason = this.view.data.reasons[Number(keyOf(event)) - 1];
    if (reason) this.skip(reason);
    else if (event.key === "Escape") this.ask(false);
    else return false;
    return true;
  }

  answer(value) {
    const { view } = this;
    if (!view.ready()) return;
    const { tags, flagged } = this.given || this.pending;
    this.asking = false;
    view.give(view.axis, { value, tags: value === "both good" ? [] : tags, flagged, reason: "" });
  }

  ask(asking = !this.asking) {
    if (!this.view.ready() && !this.view.broken) return;
    this.asking = asking;
    this.view.draw();
  }

  skip(reason) {
    const { flagged } = this.given || this.pending;
    this.asking = false;
    this.view.give(this.names[0], { value: SKIP, tags: [], flagged, reason });
  }

  // Reasons and flags belong to the answer given, or wait for the one to come.
  change(changed) {
    const { view } = this;
    if (!view.current) return;
    if (this.given) view.amend(view.current, view.axis, changed(this.given));
    else Object.assign(this.pending, changed(this.pending));
    view.draw();
  }

  tag(tag, ofLast) {
    const toggled = ({ tags }) => ({ tags: tags.includes(tag) ? tags.filter((one) => one !== tag) : [...tags, tag] });
    const last = this.view.last();
    if (!ofLast) this.change(toggled);
    else if (last && last.answer.value !== "both good" && last.answer.value !== SKIP) this.view.amend(last.task, last.axis, toggled(last.answer));
  }

  tapped(place) {
    this.answer(place === 0 ? "left" : "right");
  }

  mark(answers) {
    const first = Object.values(answers).find(({ value }) => value === SKIP) || answers[this.names[0]];
    const said = ({ value, tags }) => (tags.length ? `${MARKS[value]} +${tags.length}` : MARKS[value]);
    const text = first.value === SKIP ? said(first) : this.names.map((name) => (answers[name] ? said(answers[name]) : "")).join(" ");
    return { text: text.trim(), value: first.value };
  }

  told(answers) {
    const given = answers[this.view.axis] || Object.values(answers)[0];
    return given.value === SKIP ? `skipped: ${given.reason || "no reason given"}` : WORDS[given.value];
  }

  // "12 done, 30 left here".
  count(done) {
    const { data, locked } = this.view;
    const left = Math.max(0, data.left - (done - data.done));
    if (locked) return { text: `${done} done`, share: 1 };
    return { text: `${done} done, ${left} left here`, share: done + left ? done / (done + left) : 0 };
  }

  draw() {
    const { view } = this;
    const { axes, tags, reasons } = view.data;
    const here = axes.find(({ name }) => name === view.axis) || axes[0];
    view.find(".asked .name").textContent = axes.length > 1 ? `${here.label} · ${axes.indexOf(here) + 1} of ${axes.length}` : here.label;
    view.find(".hint").textContent = here.hint;
    this.explain();
    const given = this.given;
    const button = (name, words, extra = "") => {
      const made = view.button(name, words, extra);
      made.ariaPressed = String(given?.value === VALUES[name]);
      return made;
    };
    view.find(".answers").replaceChildren(
      button("left", "left is better", "wide"), button("good", "both good"), button("bad", "both bad"), button("right", "right is better", "wide end"),
    );
    const told = given || this.pending;
    const toggles = tags.map((tag, i) => view.button(`tag${i}`, tag, "small", told.tags.includes(tag)));
    const more = this.asking ? this.reasons(reasons) : [
      make("span", { className: "group" }, make("span", { className: "label", textContent: "What is wrong with the loser:" }), ...toggles),
      make("span", { className: "group" }, view.button("skip", "skip", "small"), view.button("flag", "flag", "small", told.flagged), view.button("undo", "undo", "small")),
    ];
    view.find(".tools").replaceChildren(...more);
    view.drawLook(view.find(".look"), [view.button("blink", "blink", "small")]);
  }

  reasons(reasons) {
    const made = reasons.map((reason, i) => {
      const button = make("button", { type: "button", className: "small", onclick: () => this.skip(reason) });
      button.append(make("kbd", { textContent: String(i + 1) }), ` ${reason}`);
      return button;
    });
    const cancel = make("button", { type: "button", className: "small", onclick: () => this.ask(false) });
    cancel.append(make("kbd", { textContent: "Esc" }), " do not skip");
    return [make("span", { className: "group" }, make("b", { textContent: "Skip, because" }), ...made, cancel)];
  }

  explain() {
    const { view } = this;
    const sign = (name) => view.keys.signs(name)[0];
    const intro = view.find(".intro");
    intro.hidden = view.done() >= NEW_RATER;
    intro.textContent =
      `Which of the two shows the garment better on the person? Press ${sign("left")} or ${sign("right")} for the better picture, ` +
      `${sign("good")} if both are good, ${sign("bad")} if both are bad, or tap a picture. ${sign("undo")} takes an answer back.`;
  }
}
