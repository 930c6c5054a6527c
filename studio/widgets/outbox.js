// What QA and Rate share: judgements wait in an outbox that is kept in the browser and sent as one idempotent list until Python
// names their uids among those stored, so nothing is lost or doubled.

const SETTLE_MS = 150; // the first key on something new counts only this long after its pictures are painted
const RESEND_MS = 2500;
const LATE_MS = 1500; // what is not stored after this long is said
const FARTHEST = 200; // undo goes back this far in one sitting

const newUid = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs https or localhost
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
};

// Whether a key is meant for a field; a slider takes no letters.
const isTyping = (event) => {
  const target = event.composedPath()[0];
  const places = "input:not([type=range]), textarea, select, [contenteditable=true], [role=dialog], [role=listbox], [role=combobox]";
  return target instanceof Element && target.closest(places) !== null;
};

// Keys are for judging now, not for the field that the reader came from.
const leaveField = () => {
  const focused = document.activeElement;
  if (focused instanceof HTMLElement && focused.matches("input")) focused.blur();
};

class Outbox {
  // `place` names it among others of this browser; `post` sends `entries`.
  constructor(place, post) {
    this.place = place;
    this.post = post;
    this.sentAt = 0;
    this.waitingSince = performance.now();
    try {
      this.entries = JSON.parse(localStorage.getItem(place) || "[]");
    } catch {
      this.entries = [];
    }
  }

  put(judgement) {
    this.entries.push({ uid: newUid(), ...judgement });
    this.keep();
    if (this.entries.length === 1) this.waitingSince = performance.now();
    this.send();
  }

  send() {
    this.sentAt = performance.now();
    this.post();
  }

  // Python has told which are stored; what was left by an earlier page is sent now.
  settle(uids) {
    const stored = new Set(uids);
    this.entries = this.entries.filter((entry) => !stored.has(entry.uid));
    this.keep();
  }

  resume() {
    if (this.entries.length && !this.sentAt) this.send();
  }

  resend() {
    if (this.entries.length && performance.now() - this.sentAt > RESEND_MS) this.send();
  }

  keep() {
    try {
      if (this.entries.length) localStorage.setItem(this.place, JSON.stringify(this.entries));
      else localStorage.removeItem(this.place);
    } catch {
      // a browser that keeps nothing still sends; only a closed tab would lose what is unsent
    }
  }

  // What to say of entries that wait for long.
  get words() {
    const late = this.entries.length && performance.now() - this.waitingSince > LATE_MS;
    return late ? `${this.entries.length} not stored yet, sending again` : "";
  }
}
