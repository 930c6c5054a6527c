// One result: 1 to 5 on every axis. The view shows, remembers and sends; what is asked is here.

class ScoreMode {
  constructor(view) {
    this.view = view;
    this.skipped = [];
  }

  static actions() {
    return [
      ...[1, 2, 3, 4, 5].map((score) => ({ name: `score${score}`, words: `${score}${{ 1: ", worst", 5: ", best" }[score] || ""}`, keys: [String(score)], group: "Score" })),
      { name: "before", words: "axis before", keys: ["ArrowUp"], group: "Go" },
      { name: "after", words: "next axis", keys: ["ArrowDown"], group: "Go" },
      { name: "skip", words: "leave for later", keys: ["s"], group: "Go" },
      { name: "undo", words: "undo", keys: ["z", "Backspace"], group: "Go" },
      ...LOOK_ACTIONS,
    ];
  }

  get note() {
    return "";
  }

  idOf(entry) {
    return entry.result_id;
  }

  entry(task, axis, answer, seen) {
    return { result_id: task.id, sha256: task.sha256, axis, score: answer?.value ?? null, shown_at: seen.shown_at, answered_at: seen.answered_at };
  }

  read(entry) {
    return entry.score === null ? null : { value: entry.score };
  }

  after(answers, axis, answer) {
    const kept = Object.entries(answers).filter(([name]) => name !== axis);
    return Object.fromEntries(answer ? [...kept, [axis, answer]] : kept);
  }

  isDone(answers) {
    return this.view.data.axes.every(({ name }) => answers[name]);
  }

  // Those left for later come last, the oldest first.
  order(tasks) {
    const rank = ({ id }) => this.skipped.indexOf(id);
    return [...tasks].sort((one, other) => rank(one) - rank(other));
  }

  begin() {}

  act(name) {
    const { view } = this;
    if (name.startsWith("score")) this.score(view.axis, Number(name.slice(5)));
    else if (name === "before" || name === "after") view.turn(name === "after" ? 1 : -1);
    else if (name === "skip") this.skip();
    else return false;
    return true;
  }

  first() {
    return false;
  }

  score(axis, value) {
    const { view } = this;
    if (!view.ready()) return;
    this.skipped = this.skipped.filter((id) => id !== view.current.id);
    view.give(axis, { value });
  }

  skip() {
    const { view } = this;
    if (!view.current) return;
    const { id } = view.current;
    this.skipped = [...this.skipped.filter((one) => one !== id), id];
    view.send("skipped", this.skipped);
    view.go();
  }

  tapped() {}

  mark(answers) {
    return { text: this.view.data.axes.map(({ name }) => answers[name]?.value ?? "").join(" "), value: "" };
  }

  told() {
    return "rated";
  }

  count(done) {
    const { total } = this.view.data;
    return { text: `${done} of ${total} rated`, share: total ? done / total : 0 };
  }

  draw() {
    const { view } = this;
    view.find(".asked .hint").textContent = view.current.name;
    const answers = view.answersOf(view.current);
    view.find(".answers").replaceChildren(...view.data.axes.map((axis) => this.row(axis, answers[axis.name]?.value)));
    const skip = view.button("skip", "leave for later", "small");
    const scale = make("span", { className: "label", textContent: "1 is worst, 5 is best" });
    const look = make("span", { className: "group" });
    view.find(".tools").replaceChildren(make("span", { className: "group" }, scale, skip, view.button("undo", "undo", "small")), look);
    view.drawLook(look, []);
  }

  row(axis, chosen) {
    const { view } = this;
    const row = make("div", { className: "axis", onclick: () => view.turnTo(axis.name) });
    row.classList.toggle("active", axis.name === view.axis);
    const scores = make("div", { className: "scores", role: "group", ariaLabel: axis.label });
    for (const value of [1, 2, 3, 4, 5]) {
      const button = make("button", { type: "button", textContent: value, ariaLabel: `${axis.label}: ${value}`, ariaPressed: String(value === chosen) });
      button.onclick = (event) => {
        event.stopPropagation();
        button.blur();
        this.score(axis.name, value);
      };
      scores.append(button);
    }
    row.append(make("span", { className: "name", textContent: axis.label }), make("span", { className: "hint", textContent: axis.hint, title: axis.hint }), scores);
    return row;
  }
}
