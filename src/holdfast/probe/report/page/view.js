// What part of the pictures is seen: one for all of them, so that they stay on one scale of time.
const TALLEST = 28; // Pixels of a user's row at most.
const READABLE = 12; // From here on a row has a name of its own.
const SHORTEST = 200; // Microseconds that the width of a picture shows at least.

class View {
  constructor() {
    this.begun = 0;
    this.length = 1;
    this.top = 0;
    this.unit = TALLEST;
    this.limits = { length: 1, rows: 1, height: 100, fit: TALLEST };
  }

  // What there is to be seen, and the pixels for it. Keeps what is seen as far as it can.
  within(length, rows, height) {
    const fit = Math.min(TALLEST, Math.max(height / rows, 0.05));
    this.limits = { length, rows, height, fit };
    this.keep();
  }

  fit() {
    this.begun = 0;
    this.length = this.limits.length;
    this.top = 0;
    this.unit = this.limits.fit;
  }

  get isFit() {
    return this.length >= this.limits.length && this.unit <= this.limits.fit;
  }

  // `at` and `down` are shares of the width and of the height that stay where they are.
  zoom(factor, at, down, rowsToo) {
    const time = this.begun + at * this.length;
    this.length = this.length / factor;
    const { height, fit } = this.limits;
    const row = this.top + (down * height) / this.unit;
    if (rowsToo) this.unit = this.unit * factor;
    this.keep();
    this.begun = time - at * this.length;
    this.top = row - (down * height) / this.unit;
    if (this.unit <= fit) this.top = 0;
    this.keep();
  }

  move(times, rows) {
    this.begun += times * this.length;
    this.top += rows;
    this.keep();
  }

  show(begun, ended, row) {
    const length = ended - begun;
    if (begun < this.begun || ended > this.begun + this.length) {
      if (length > this.length) this.length = Math.min(length * 1.2, this.limits.length);
      this.begun = begun - (this.length - length) / 2;
    }
    const seen = this.limits.height / this.unit;
    if (row < this.top) this.top = row;
    if (row + 1 > this.top + seen) this.top = row + 1 - seen;
    this.keep();
  }

  keep() {
    const { length, rows, height, fit } = this.limits;
    this.length = Math.min(length, Math.max(SHORTEST, this.length));
    this.begun = Math.min(Math.max(0, this.begun), length - this.length);
    this.unit = Math.min(TALLEST, Math.max(fit, this.unit));
    this.top = Math.max(0, Math.min(this.top, rows - height / this.unit));
  }
}

// Round numbers of microseconds, so that there are no more than `most` in `length`.
function roundStep(length, most) {
  for (let step = 1; ; step *= 10) {
    for (const times of [1, 2, 5]) if (length / (step * times) <= most) return step * times;
  }
}

function every(rows, unit) {
  for (let step = 1; ; step *= 10) {
    for (const times of [1, 2, 5]) if (step * times * unit >= READABLE + 2) return step * times;
  }
}
