// The doctor's findings. A plain click on an item tells Python which; its link is a deep link for a new tab or to send.

function element(tag, className, ...children) {
  const made = Object.assign(document.createElement(tag), { className });
  made.append(...children);
  return made;
}

function rowOf(row, open) {
  const words = element("span", "words", `${row.wrong}. `, element("span", "todo", `${row.todo.charAt(0).toUpperCase()}${row.todo.slice(1)}.`));
  const line = element("li", `finding ${row.severity}`, element("span", "mark", row.severity), element("code", "file", row.file), words);
  if (row.href) {
    const link = element("a", "open", "Look at it");
    link.href = row.href;
    link.onclick = (event) => {
      if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      open(row.id);
    };
    line.append(link);
  }
  return line;
}

function groupOf(group, open) {
  const made = element("section", "group");
  if (group.title) made.append(element("h3", "title", group.title));
  made.append(element("ul", "rows", ...group.rows.map((row) => rowOf(row, open))));
  if (group.note) made.append(element("p", "note", group.note));
  return made;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".findings");
  const shown = JSON.stringify(data);
  if (box.shown === shown) return;
  box.shown = shown;
  box.replaceChildren(...data.groups.map((group) => groupOf(group, (id) => setTriggerValue("opened", id))));
}
