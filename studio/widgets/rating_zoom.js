// One zoom for the pictures that are judged; a tap on one of them chooses it.

class JudgingZoom extends SharedZoom {
  constructor(box, factor, tapped) {
    super(box, factor);
    this.tapped = tapped;
    this.begin();
  }

  // Another pair is shown: whole, and nothing used of the zoom yet.
  begin() {
    this.largest = 1;
    this.show({ k: 1, x: 0, y: 0 });
  }

  show(place) {
    super.show(place);
    this.largest = Math.max(this.largest, this.k);
  }

  // 2, 4, 8 times about the pointer, then whole again.
  step() {
    if (this.k >= FARTHEST) this.fit();
    else this.scale(2, this.pointer || [0.5, 0.5]);
  }

  frameOf(event) {
    return event.target.closest(".shown .frame");
  }

  isZooming() {
    return true;
  }

  doubleClicked() {}
}
