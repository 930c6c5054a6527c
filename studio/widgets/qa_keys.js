// What each key does while items are judged, and while they are looked at.

const VERDICT_KEYS = { g: "good", u: "usable", d: "defect" };

function judgeKey(view, key, event) {
  const digit = /^Digit([1-8])$/.exec(event.code);
  const outputs = view.task ? view.outputsOf(view.task) : [];
  const here = outputs.indexOf(view.active);
  if (event.shiftKey && digit) view.toggleTag(Number(digit[1]) - 1);
  else if (VERDICT_KEYS[key]) view.say(VERDICT_KEYS[key]);
  else if (key === "a") view.rest();
  else if (key === "z" || key === "Backspace") view.undo();
  else if (key === "n" && view.task) view.find(".note").focus();
  else if (key === "m") startMending(view);
  else if (event.shiftKey) return false;
  else if (key === "ArrowDown") view.choose(outputs[Math.min(here + 1, outputs.length - 1)]);
  else if (key === "ArrowUp") view.choose(outputs[Math.max(here - 1, 0)]);
  else if (key === "ArrowRight" || key === "Enter") view.go(1);
  else if (key === "ArrowLeft") view.go(-1);
  else return false;
  return true;
}

function viewKey(view, key, event) {
  const arrows = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  if (/^[1-9]$/.test(key)) toggleLayer(view, view.data.layers[Number(key) - 1].kind);
  else if (key === "[" || key === "]") fade(view, key === "]" ? 0.1 : -0.1);
  else if (key === "l") pin(view);
  else if (key === " ") alone(view, true);
  else if (key === "+" || key === "=") view.map.zoom(1.25);
  else if (key === "-") view.map.zoom(0.8);
  else if (key === "0") view.map.fit(view.side());
  else if (key === "w") view.map.fit("both");
  else if (arrows[key] && (event.shiftKey || view.mend)) view.map.pan(...arrows[key]);
  else return false;
  return true;
}
