// The repair of an item's map: its tools beside the picture, its keys, and the way to the studio.

function mendKey(view, key) {
  const mend = view.mend;
  const acts = {
    b: () => erase(view, false), e: () => erase(view, true), ",": () => mend.resize(0.8), ".": () => mend.resize(1.25),
    k: () => mend.grow(true), j: () => mend.grow(false), z: () => mend.undo(), Backspace: () => mend.undo(), p: () => mend.pick(),
    s: () => saveMend(view), o: () => restore(view), Escape: () => leaveMending(view), m: () => leaveMending(view),
  };
  if (!acts[key]) return false;
  acts[key]();
  view.draw();
  return true;
}

function erase(view, erasing) {
  view.mend.erasing = erasing;
  view.draw();
}

function startMending(view) {
  const output = view.ready() && view.task.outputs[view.active];
  if (!output || !output.send || view.mend) return;
  const layer = view.data.layers.find((one) => one.kind === output.kind);
  if (!view.map.areaOf(layer)) return;
  view.mend = new Mend(view.map, layer, view.task, () => drawMend(view));
  view.warnedAt = null;
  tell(view, "");
  view.draw();
}

// What was painted and not saved goes only when that is asked for twice.
function leaveMending(view) {
  const unsaved = view.mend.strokes;
  if (view.mend.isChanged && view.warnedAt !== unsaved) {
    view.warnedAt = unsaved;
    tell(view, "Not saved yet: S saves the repair, Esc once more drops it.");
  } else {
    tell(view, "");
    stopMending(view);
  }
}

function stopMending(view) {
  if (!view.mend) return;
  view.mend.leave();
  view.mend = null;
  view.draw();
}

async function saveMend(view) {
  if (!view.mend?.isChanged || view.saving) return;
  const { task } = view.mend;
  await transmit(view, task, view.mend.png(), "POST");
}

async function restore(view) {
  const output = view.task?.outputs[view.active];
  if (output?.repaired && !view.saving) await transmit(view, view.task, null, "DELETE");
}

// Sends a repair; the item's maps are loaded anew when Python has told of them.
async function transmit(view, task, png, method) {
  view.saving = true;
  tell(view, method === "POST" ? "Saving" : "Restoring");
  drawMend(view);
  try {
    const body = await png;
    const headers = body ? { "Content-Type": "image/png" } : {};
    const answer = await fetch(task.outputs[view.active].send, { method, body, headers });
    if (!answer.ok) throw new Error(await answer.text());
    view.saved = (view.saved || 0) + 1;
    view.saving = false;
    tell(view, "");
    stopMending(view);
    view.post();
  } catch (error) {
    view.saving = false;
    tell(view, error instanceof TypeError ? "The studio does not answer; save again when it is back." : error.message);
  }
  view.draw();
}

function tell(view, words) {
  view.find(".said").textContent = words;
}

function drawMend(view) {
  const mend = view.mend;
  if (!mend) return;
  const tool = (key, words, act, chosen = false, disabled = false) => {
    const button = make("button", { type: "button", tabIndex: -1, className: chosen ? "chosen" : "", disabled });
    button.append(make("kbd", { textContent: key }), ` ${words}`);
    button.onclick = () => (act(), view.draw());
    return button;
  };
  const busy = Boolean(view.saving);
  view.find(".mend h3").textContent = `Repair: ${mend.layer.label}`;
  const [tools, ends] = view.box.querySelectorAll(".mend .tools");
  tools.replaceChildren(
    tool("B", "brush", () => erase(view, false), !mend.erasing),
    tool("E", "erase", () => erase(view, true), mend.erasing),
    tool("K", "grow", () => mend.grow(true)),
    tool("J", "shrink", () => mend.grow(false)),
    tool("Z", "undo", () => mend.undo(), false, !mend.isChanged),
  );
  const size = view.find(".mend .size");
  size.value = mend.radius;
  size.oninput = () => {
    mend.radius = Number(size.value);
    view.find(".mend output").textContent = `${mend.radius} px`;
    view.map.draw();
  };
  size.onchange = () => size.blur();
  view.find(".mend output").textContent = `${mend.radius} px`;
  const classes = mend.layer.how === "classes" ? view.data.classes : [];
  view.find(".mend .classes").replaceChildren(
    ...classes.map((one, id) => {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = `rgb(${one.colour.join(" ")})`;
      const button = make("button", { type: "button", tabIndex: -1, className: id === mend.value && !mend.erasing ? "chosen" : "" }, swatch, one.name);
      button.onclick = () => {
        mend.value = id;
        erase(view, false);
      };
      return button;
    }),
  );
  ends.replaceChildren(
    tool("S", "save", () => saveMend(view), false, busy || !mend.isChanged),
    tool("Esc", "leave", () => leaveMending(view), false, busy),
    tool("O", "the dataset's own again", () => restore(view), false, busy || !view.task.outputs[view.active].repaired),
  );
  ends.firstChild.classList.add("primary");
}
