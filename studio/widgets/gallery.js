// Tiles of pictures. A plain click tells Python which tile; the tile's link is a deep link for a new tab or to send.
// What is on the screen is fetched first, then as much of the pictures ahead as fills it, then all the rest, a few at a time.

const AT_ONCE = 4;
const REST = 300; // milliseconds of looking before anything else is fetched: who flips on at once waits for nothing else
const NEAR = "200px"; // how far below the screen counts as on it

function imageOf(picture) {
  const image = new Image();
  image.decoding = "async";
  image.alt = picture.alt;
  image.onerror = () => image.replaceWith(Object.assign(document.createElement("span"), { className: "none", textContent: "missing" }));
  image.dataset.src = picture.src;
  return image;
}

function badgeOf(badge) {
  const words = `${badge.number} ${badge.number === 1 ? "finding" : "findings"} of the doctor:\n${badge.words}`;
  const mark = Object.assign(document.createElement("span"), { className: `badge ${badge.kind}`, title: words });
  mark.textContent = badge.number === 1 ? badge.kind : `${badge.number} findings`;
  return mark;
}

function tileOf(tile, open, watch) {
  const link = document.createElement("a");
  link.href = tile.href;
  link.className = tile.chosen ? "tile chosen" : "tile";
  link.dataset.id = tile.id;
  const frames = Object.assign(document.createElement("span"), { className: "frames" });
  frames.append(
    ...tile.pictures.map((picture) => {
      const frame = Object.assign(document.createElement("span"), { className: "frame" });
      watch.observe(frame);
      if (picture.src) frame.append(imageOf(picture));
      else frame.append(Object.assign(document.createElement("span"), { className: "none", textContent: `no ${picture.alt}` }));
      return frame;
    }),
  );
  const caption = Object.assign(document.createElement("span"), { className: "caption", textContent: tile.caption });
  link.append(frames, caption);
  if (tile.note) link.append(Object.assign(document.createElement("span"), { className: "note", textContent: tile.note }));
  if (tile.badge) link.append(badgeOf(tile.badge));
  link.onclick = (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(tile.id);
  };
  return link;
}

// Shows a picture; resolves when it is there or is known to be missing.
function show(image) {
  if (!image.dataset.src) return Promise.resolve();
  const there = new Promise((done) => {
    image.addEventListener("load", done, { once: true });
    image.addEventListener("error", done, { once: true });
  });
  image.src = image.dataset.src;
  delete image.dataset.src;
  return there;
}

// The pictures are held on to, else the browser lets go of them and reads them once more when they are shown.
function fetchAhead(src, held) {
  return new Promise((done) => {
    const image = new Image();
    held.push(image);
    image.fetchPriority = "low";
    image.onload = image.onerror = done;
    image.src = src;
  });
}

// Fetches the first `screen` pictures of what is ahead, the rest of the page and the rest of what is ahead, in this order,
// for as long as this page is shown.
async function fetchRest(box, page, ahead, screen) {
  const held = (box.held = []);
  const later = ahead.map((src) => () => fetchAhead(src, held));
  const rest = [...box.querySelectorAll("img[data-src]")].map((image) => () => show(image));
  const steps = [...later.slice(0, screen), ...rest, ...later.slice(screen)];
  const work = async () => {
    while (steps.length && box.page === page && box.isConnected) await steps.shift()();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".gallery");
  const shown = JSON.stringify(data);
  if (box.shown === shown) return;
  box.shown = shown;
  box.watch?.disconnect();
  const page = (box.page = Symbol("page"));
  const seen = (entries) => {
    const frames = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
    frames.forEach((frame) => box.watch.unobserve(frame));
    const near = frames.map((frame) => frame.querySelector("img")).filter(Boolean);
    const loaded = Promise.all(near.map(show));
    if (near.length && box.started !== page) {
      box.started = page;
      loaded.then(() => setTimeout(() => fetchRest(box, page, data.ahead, near.length), REST));
    }
  };
  box.watch = new IntersectionObserver(seen, { rootMargin: NEAR });
  box.style.setProperty("--width", `${data.width}px`);
  box.style.setProperty("--shape", data.shape);
  box.replaceChildren(...data.tiles.map((tile) => tileOf(tile, (id) => setTriggerValue("opened", id), box.watch)));
}
