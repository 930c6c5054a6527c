// Tiles of pictures. A plain click tells Python which tile; the tile's link is a deep link for a new tab or to send.

function frameOf(picture) {
  const image = new Image();
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = picture.alt;
  image.src = picture.src;
  image.onerror = () => image.replaceWith(Object.assign(document.createElement("span"), { className: "none", textContent: "missing" }));
  return image;
}

function tileOf(tile, open) {
  const link = document.createElement("a");
  link.href = tile.href;
  link.className = tile.chosen ? "tile chosen" : "tile";
  link.dataset.id = tile.id;
  const frames = Object.assign(document.createElement("span"), { className: "frames" });
  frames.append(
    ...tile.pictures.map((picture) => {
      const frame = Object.assign(document.createElement("span"), { className: "frame" });
      if (picture.src) frame.append(frameOf(picture));
      else frame.append(Object.assign(document.createElement("span"), { className: "none", textContent: `no ${picture.alt}` }));
      return frame;
    }),
  );
  const caption = Object.assign(document.createElement("span"), { className: "caption", textContent: tile.caption });
  link.append(frames, caption);
  link.onclick = (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(tile.id);
  };
  return link;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".gallery");
  const shown = JSON.stringify(data);
  if (box.shown === shown) return;
  box.shown = shown;
  box.style.setProperty("--width", `${data.width}px`);
  box.style.setProperty("--shape", data.shape);
  box.replaceChildren(...data.tiles.map((tile) => tileOf(tile, (id) => setTriggerValue("opened", id))));
}
