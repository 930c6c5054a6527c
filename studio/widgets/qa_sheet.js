// The sheet of keys behind "?".

const SHEET = [
  ["Verdict", [
    ["G", "good"], ["U", "usable"], ["D", "defect"], ["A", "all the rest good"], ["↑ ↓", "output"],
    ["⇧ 1–5", "reason"], ["N", "note, Enter keeps it"], ["Z or ⌫", "undo"],
  ]],
  ["Items", [["→ or ↵", "next"], ["←", "back"]]],
  ["Layers", [["1–9", "show or hide"], ["[ ]", "opacity of the last one"], ["L", "keep the layers as they are"], ["Space", "photo alone, held"]]],
  ["View", [["wheel, + −", "zoom"], ["drag, ⇧ arrows", "move"], ["0", "person or garment"], ["W", "both"]]],
  ["Repair", [
    ["M", "begin"], ["B", "brush"], ["E", "erase"], [", .", "brush size"], ["K J", "grow, shrink"], ["P", "class under the pointer"],
    ["Z", "undo a stroke"], ["S", "save"], ["O", "the dataset's own again"], ["Esc", "leave without saving"],
  ]],
];

function drawSheet(sheet) {
  sheet.replaceChildren(
    ...SHEET.map(([title, keys]) => {
      const part = document.createElement("section");
      const list = document.createElement("dl");
      for (const [key, words] of keys) {
        const name = document.createElement("dt");
        name.append(Object.assign(document.createElement("kbd"), { textContent: key }));
        list.append(name, Object.assign(document.createElement("dd"), { textContent: words }));
      }
      part.append(Object.assign(document.createElement("h3"), { textContent: title }), list);
      return part;
    }),
  );
}
