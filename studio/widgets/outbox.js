// What QA and Rate share: judgements wait in an outbox that is kept in the browser and sent as one idempotent list until Python
// names their uids among those stored, so nothing is lost or doubled.

const SETTLE_MS = 150; // the first key on something new counts only this long after its pictures are painted
const RESEND_MS = 2500;
const LONGEST_MS = 6000; // between two of the same: longer than a run takes on a busy server, and soon enough after a restart
const LATE_MS = 1500; // what is not stored after this long is said
const MOST_STEPS = 200; // undo goes back this far in one sitting

const newUid = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs https or localhost
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
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
    this.patience = RESEND_MS;
    this.isUnderWay = false;
    this.waitingSince = performance.now();
    this.puts = 0;
    this.names = new Map(); // uid -> where it is kept
    this.entries = [];
    this.adopt();
  }

  // Each entry has a place of its own, named by when it was put, so that two tabs leave each other's alone.
  adopt() {
    try {
      const names = Object.keys(localStorage).filter((name) => name.startsWith(`${this.place}/`));
      for (const name of names.sort()) {
        const entry = JSON.parse(localStorage.getItem(name));
        this.names.set(entry.uid, name);
        this.entries.push(entry);
      }
    } catch {
      // a browser that keeps nothing, or what is not ours: judging goes on
    }
  }

  put(judgement) {
    const entry = { uid: newUid(), ...judgement };
    this.entries.push(entry);
    this.keep(entry);
    if (this.entries.length === 1) this.waitingSince = performance.now();
    this.send();
  }

  // What is put while Python still works waits for its answer: the next run breaks it off before it has told what is stored. So
  // each wait without an answer is twice as long, or a server that is slower than the first would never be heard.
  send() {
    if (this.isUnderWay) {
      if (performance.now() - this.sentAt < this.patience) return;
      this.patience = Math.min(2 * this.patience, LONGEST_MS);
    }
    this.isUnderWay = true;
    this.sentAt = performance.now();
    this.post();
  }

  // Python has told which are stored.
  settle(uids) {
    this.isUnderWay = false;
    this.patience = RESEND_MS;
    const stored = new Set(uids);
    const left = this.entries.filter((entry) => !stored.has(entry.uid));
    if (left.length < this.entries.length) this.waitingSince = performance.now();
    this.entries = left;
    try {
      for (const uid of stored) if (this.names.has(uid)) localStorage.removeItem(this.names.get(uid));
    } catch {
      // nothing is kept here
    }
  }

  // What was put since, and what an earlier page left, is sent now.
  resume() {
    if (this.entries.length) this.send();
  }

  resend() {
    if (this.entries.length && performance.now() - this.sentAt > RESEND_MS) this.send();
  }

  keep(entry) {
    this.puts += 1;
    this.names.set(entry.uid, `${this.place}/${Date.now()}-${String(this.puts).padStart(9, "0")}-${entry.uid}`);
    try {
      localStorage.setItem(this.names.get(entry.uid), JSON.stringify(entry));
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
