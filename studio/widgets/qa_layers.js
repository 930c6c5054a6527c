// Which layers are seen, and how much of each.

const SHOWN_FOR = { // what is looked at while an output is judged
  keypoints: ["image", "keypoints", "cloth"],
  densepose: ["image", "densepose", "cloth"],
  parse: ["image", "parse", "cloth"],
  cloth_mask: ["image", "cloth", "cloth_mask"],
  agnostic: ["image", "agnostic_mask", "cloth"],
};

function present(view) {
  if (!view.pinned && view.active) {
    for (const [kind, layer] of view.map.layers) layer.on = SHOWN_FOR[view.active].includes(kind);
  }
  view.map.draw();
}

function toggleLayer(view, kind) {
  const layer = view.map.layers.get(kind);
  layer.on = !layer.on;
  view.faded = kind;
  view.map.draw();
  drawLayers(view);
}

function fade(view, by) {
  const layer = view.map.layers.get(view.faded || SHOWN_FOR[view.active]?.find((kind) => !["image", "cloth"].includes(kind)));
  if (!layer) return;
  layer.opacity = Math.min(1, Math.max(0, Math.round((layer.opacity + by) * 100) / 100));
  view.map.draw();
  drawLayers(view);
}

function pin(view) {
  view.pinned = !view.pinned;
  present(view);
  drawLayers(view);
}

// The photos alone, as long as the key is held.
function alone(view, held) {
  if (held === Boolean(view.hidden)) return;
  if (held) {
    view.hidden = new Map([...view.map.layers].map(([kind, layer]) => [kind, layer.on]));
    for (const [kind, layer] of view.map.layers) layer.on = kind === "image" || kind === "cloth";
  } else {
    for (const [kind, on] of view.hidden) view.map.layers.get(kind).on = on;
    view.hidden = null;
  }
  view.map.draw();
}

function drawLayers(view) {
  if (!view.data) return;
  const rows = view.data.layers.map((layer, i) => {
    const state = view.map.layers.get(layer.kind);
    const row = make("label", { className: state.missing ? "layer missing" : "layer" });
    const box = make("input", { type: "checkbox", checked: state.on, tabIndex: -1, disabled: Boolean(state.missing) });
    box.onchange = () => (toggleLayer(view, layer.kind), box.blur());
    const slide = make("input", { type: "range", min: 0, max: 1, step: 0.05, tabIndex: -1, disabled: Boolean(state.missing) });
    slide.value = state.opacity;
    slide.setAttribute("aria-label", `Opacity of ${layer.label}`);
    slide.oninput = () => {
      state.opacity = Number(slide.value);
      state.on = box.checked = true;
      view.faded = layer.kind;
      view.map.draw();
    };
    slide.onchange = () => slide.blur();
    const name = make("span", { textContent: layer.label, title: state.missing ? "not in this dataset" : "" });
    row.append(make("kbd", { textContent: i + 1 }), box, name, slide);
    return row;
  });
  const keep = make("button", { type: "button", tabIndex: -1, className: view.pinned ? "chosen" : "", onclick: () => pin(view) });
  keep.append(make("kbd", { textContent: "L" }), " keep these layers");
  keep.setAttribute("aria-pressed", String(Boolean(view.pinned)));
  view.find(".layers").replaceChildren(...rows, keep, legend(view));
}

// Which classes the parse that is looked at shows, by their colours; a repair lists them all.
function legend(view) {
  const seen = view.data.layers.map((layer) => ({ layer, state: view.map.layers.get(layer.kind) }));
  const top = seen.filter(({ layer, state }) => layer.how === "classes" && state.on && state.raw).pop();
  const shown = top && !view.mend ? [...new Set(top.state.raw)].filter(Boolean).sort((a, b) => a - b) : [];
  const entries = shown.map((id) => {
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = `rgb(${view.data.classes[id].colour.join(" ")})`;
    return make("span", { className: "entry" }, swatch, view.data.classes[id].name);
  });
  return make("div", { className: "legend", hidden: !entries.length }, ...entries);
}
