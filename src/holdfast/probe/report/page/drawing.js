// One picture on its canvas. All text that is drawn goes through `label`, and none covers another.
let SIDE = 74; // Pixels for the names of rows: those of lanes are longer;
const STRIP = 46; // for how many were there at once,
const AXIS = 24; // and for the numbers on the scale of time.
const HEAD = STRIP + AXIS;
const AFTER = 10;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

class Picture {
  constructor(canvas, view) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.view = view;
    this.labels = [];
    this.inks = new Map(LOOKS.map((look) => [look.colour, ink(look.colour)]));
  }

  set(run, layout) {
    this.run = run;
    this.layout = layout;
  }

  size(width, height) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  get inner() {
    return Math.max(50, this.width - SIDE - AFTER);
  }

  x(time) {
    return SIDE + ((time - this.view.begun) / this.view.length) * this.inner;
  }

  y(row) {
    return HEAD + (this.layout.tops[row] - this.view.top) * this.view.unit;
  }

  rowAt(y) {
    const at = this.view.top + (y - HEAD) / this.view.unit;
    const { tops, rows } = this.layout;
    if (at < 0 || at >= tops[rows.length]) return -1;
    let [low, high] = [0, rows.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (tops[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  draw(theme, state) {
    const { context } = this;
    this.theme = theme;
    this.state = state;
    this.labels = [];
    this.clipped = false;
    context.clearRect(0, 0, this.width, this.height);
    context.font = FONT;
    context.textBaseline = "middle";
    this.grid();
    const first = Math.max(0, this.rowAt(HEAD));
    const end = this.rowAt(this.height - 1);
    const last = end < 0 ? this.layout.rows.length - 1 : end;
    context.save();
    context.beginPath();
    context.rect(SIDE, HEAD, this.inner + AFTER, this.height - HEAD);
    context.clip();
    this.clipped = true;
    for (let number = first; number <= last; number += 1) {
      const row = this.layout.rows[number];
      if (row.kind === "user") for (const bar of row.bars) this.bar(bar, number);
      else if (row.kind === "lane") this.lane(row, number);
      else this.load(row, number);
    }
    if (this.layout.rows[0].kind === "user") this.arrows(first, last);
    context.restore();
    this.names(first, last);
    this.clipped = false;
    this.strip();
    this.ideal();
    this.write();
  }

  label(words, x, y, colour, most = Infinity, keepFree = true) {
    const width = this.context.measureText(words).width;
    if (width > most) return false;
    const box = { words, x, y: y - 7, width, height: 14, colour, clipped: this.clipped };
    const covers = (one) =>
      x < one.x + one.width + 3 && one.x < x + width + 3 &&
      box.y < one.y + one.height && one.y < box.y + box.height;
    if (keepFree && this.labels.some(covers)) return false;
    this.labels.push(box);
    return true;
  }

  // At last, so that no line crosses them.
  write() {
    const { context } = this;
    for (const clipped of [false, true]) {
      context.save();
      if (clipped) {
        context.beginPath();
        context.rect(0, HEAD, this.width, this.height - HEAD);
        context.clip();
      }
      for (const one of this.labels) {
        if (one.clipped !== clipped) continue;
        context.fillStyle = one.colour;
        context.fillText(one.words, one.x, one.y + 7);
      }
      context.restore();
    }
  }

  grid() {
    const { context, theme, view } = this;
    const step = roundStep(view.length, Math.max(2, this.inner / 80));
    context.strokeStyle = theme.line;
    context.lineWidth = 1;
    context.beginPath();
    for (let time = Math.ceil(view.begun / step) * step; time <= view.begun + view.length; time += step) {
      const x = Math.round(this.x(time)) + 0.5;
      context.moveTo(x, HEAD);
      context.lineTo(x, this.height);
      const words = scaled(time, step);
      const width = context.measureText(words).width;
      this.label(words, Math.min(x + 4, this.width - width - 1), STRIP + AXIS / 2, theme.soft);
    }
    context.stroke();
  }

  faded(piece) {
    const chosen = this.state.chosen;
    if (!chosen) return false;
    if (piece.cause !== chosen.cause) return true;
    return Boolean(chosen.name) && !text(piece.name).includes(chosen.name);
  }

  bar(bar, number) {
    const { context, view, theme } = this;
    const unit = view.unit;
    const y = this.y(number);
    const gap = unit >= 6 ? Math.min(4, unit * 0.16) : unit >= 3 ? 0.5 : 0;
    const high = Math.max(unit - 2 * gap, 0.6);
    const right = view.begun + view.length;
    const drawn = { work: -1, wait: -1 };
    for (const piece of bar.pieces) {
      if (piece.ended < view.begun || piece.begun > right) continue;
      const from = Math.max(this.x(piece.begun), SIDE - 5);
      const to = Math.min(this.x(piece.ended), this.width + 5);
      // What is narrower than a pixel is drawn where nothing has been.
      const look = LOOKS[piece.cause];
      // Work that is short is still what all the waiting is for.
      const least = look.waits ? 0.7 : 2;
      const kind = look.waits ? "wait" : "work";
      if (to - drawn[kind] < 0.7 && to - from < 0.7) continue;
      drawn[kind] = to;
      const width = Math.max(to - from, least);
      const faded = this.faded(piece) ? 0.13 : 1;
      context.fillStyle = look.colour;
      if (look.waits) {
        context.globalAlpha = (unit < 6 ? 0.5 : 0.16) * faded;
        context.fillRect(from, y + gap, width, high);
        context.globalAlpha = faded;
        if (unit >= 6) context.fillRect(from, y + gap + high - Math.max(2, high * 0.2), width, Math.max(2, high * 0.2));
      } else {
        context.globalAlpha = faded;
        if (unit >= 6) rounded(context, from, y + gap, width, high);
        else context.fillRect(from, y + gap, width, high);
      }
      context.globalAlpha = 1;
      if (unit >= 15 && faded === 1) this.said(piece, look, Math.max(from, SIDE), to, y + unit / 2, bar);
    }
    this.end(bar, y, unit);
    if (this.state.selected?.bar === bar.number && this.state.selected.run === this.run) {
      context.strokeStyle = theme.text;
      context.lineWidth = 2;
      const from = this.x(bar.sent);
      context.strokeRect(from, y + gap - 1, this.x(bar.done) - from, Math.max(high + 2, 3));
    }
  }

  said(piece, look, from, to, y, bar) {
    const room = to - from - 10;
    if (room < 24) return;
    if (!look.waits) {
      const name = text(piece.name).split(".").pop() || look.title;
      this.label(name, from + 5, y, this.inks.get(look.colour), room);
    } else if (bar.behind >= 0 && piece === longestWait(bar)) {
      const behind = `behind user ${this.run.bars[bar.behind].user + 1}`;
      this.label(`${look.title}, ${behind}`, from + 5, y - 2, this.theme.text, room) ||
        this.label(behind, from + 5, y - 2, this.theme.text, room);
    }
  }

  end(bar, y, unit) {
    const failed = bar.status === 0 || bar.status >= 500;
    const x = this.x(bar.done);
    if (failed) {
      this.context.fillStyle = this.theme.bad;
      this.context.fillRect(x - 1, y, 3, Math.max(unit, 1));
    }
    if (unit < 15 || x < SIDE) return;
    const words = failed ? `${bar.status || text(bar.error) || "no answer"}` : seconds(bar.done - bar.sent);
    this.label(words.slice(0, 40), x + 6, y + unit / 2, failed ? this.theme.bad : this.theme.soft, this.width - x - 8);
  }

  // Who let whom go on. All of them while they can be told apart, else those of the chosen one.
  arrows(first, last) {
    const { state, view } = this;
    const many = view.unit < 10;
    for (let number = first; number <= last; number += 1) {
      for (const bar of this.layout.rows[number].bars) {
        const strong = state.near?.bar === bar.number && state.near.run === this.run;
        if (bar.behind < 0 || (many && !strong)) continue;
        const from = this.layout.rowOf.get(bar.behind);
        const wait = longestWait(bar);
        if (from === undefined || !wait) continue;
        this.arrow(from, number, wait.ended, strong);
      }
    }
  }

  arrow(from, to, time, strong) {
    const { context, theme, view } = this;
    const x = this.x(time);
    const [y, end] = [this.y(from) + view.unit / 2, this.y(to) + view.unit / 2];
    context.strokeStyle = context.fillStyle = strong ? theme.text : theme.soft;
    context.globalAlpha = strong ? 1 : 0.6;
    context.lineWidth = strong ? 2 : 1;
    const tip = Math.min(4, view.unit / 4) * Math.sign(end - y || 1);
    const stop = end - Math.sign(end - y || 1) * view.unit * 0.3;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x, stop);
    context.stroke();
    context.beginPath();
    context.moveTo(x, stop);
    context.lineTo(x - 3, stop - tip);
    context.lineTo(x + 3, stop - tip);
    context.fill();
    context.globalAlpha = 1;
  }

  names(first, last) {
    const { context, theme, view, layout } = this;
    const step = layout.rows[0].kind === "user" ? every(layout.rows.length, view.unit) : 1;
    const from = Math.ceil(first / step) * step;
    for (let number = from; number <= last; number += step) {
      const row = layout.rows[number];
      const y = this.y(number) + (Math.min(row.size, 1) * view.unit) / 2;
      if (y < HEAD + 6 || y > this.height - 6) continue;
      const head = row.kind === "worker";
      const words = head ? row.label : fitting(context, row.label, SIDE - 8);
      this.label(words, 2, y, head ? theme.text : theme.soft, this.width);
    }
  }
}
