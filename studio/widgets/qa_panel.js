// What the checks found of an item, its outputs with their verdicts, and the reasons of the one that is judged.

const make = (tag, values = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), values);
  made.append(...children);
  return made;
};

function drawFailed(view, task) {
  const lines = task.failed.map((one) => {
    const label = view.data.outputs[one.output]?.label || one.output[0].toUpperCase() + one.output.slice(1);
    return make("p", { title: one.check, className: one.output === view.active ? "active" : "" }, make("b", { textContent: label }), ` ${one.sentence}`);
  });
  const passed = task.passed === null ? "Not checked" : task.failed.length ? `${task.passed} other checks passed` : `All ${task.passed} checks passed`;
  view.find(".failed").replaceChildren(...lines, make("p", { className: "passed", textContent: passed }));
}

function row(view, task, name) {
  const given = task.verdicts[name];
  const row = make("div", { className: name === view.active ? "output active" : "output", onclick: () => view.choose(name) });
  row.dataset.output = name;
  const label = make("span", { className: "name", textContent: view.data.outputs[name].label });
  if (task.outputs[name].repaired) label.append(make("small", { textContent: "repaired" }));
  if (given?.changed) label.append(make("small", { textContent: `${given.verdict}, changed since` }));
  else if (given && !given.mine) label.append(make("small", { textContent: given.who }));
  const buttons = make("span", { className: "verdicts" });
  for (const verdict of view.data.verdicts) {
    const chosen = given && !given.changed && given.verdict === verdict;
    const button = make("button", { type: "button", tabIndex: -1, textContent: verdict, className: chosen ? `chosen ${verdict}` : "" });
    button.setAttribute("aria-label", `${view.data.outputs[name].label}: ${verdict}`);
    button.setAttribute("aria-pressed", String(Boolean(chosen)));
    button.onclick = (event) => {
      event.stopPropagation();
      view.choose(name);
      view.say(verdict);
    };
    buttons.append(button);
  }
  row.append(label, buttons);
  return row;
}

function drawTags(view, task) {
  const given = task.verdicts[view.active];
  const mine = given && given.mine && !given.changed ? given : view.pending;
  const tags = view.active ? view.data.outputs[view.active].tags : [];
  const chips = tags.map((tag, i) => {
    const on = mine.tags.includes(tag);
    const chip = make("button", { type: "button", tabIndex: -1, className: on ? "chosen" : "", onclick: () => view.toggleTag(i) });
    chip.append(make("kbd", { textContent: `⇧${i + 1}` }), ` ${tag}`);
    chip.setAttribute("aria-pressed", String(on));
    return chip;
  });
  if (view.active && task.outputs[view.active]?.send) {
    chips.push(make("button", { type: "button", tabIndex: -1, className: "start", onclick: () => startMending(view) }, make("kbd", { textContent: "M" }), " repair"));
  }
  view.find(".tags").replaceChildren(...chips);
  const note = view.find(".note");
  if (view.root.activeElement !== note) note.value = mine.note;
}
