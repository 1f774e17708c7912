// The rest of a picture: lanes of the server, and how many were there at once.
Object.assign(Picture.prototype, {
  lane(row, number) {
    const { context, view } = this;
    const line = 0.7 * view.unit;
    const top = this.y(number) + 0.1 * view.unit;
    const right = view.begun + view.length;
    const drawn = [];
    for (const block of row.lane.blocks) {
      if (block.ended < view.begun || block.begun > right) continue;
      const from = Math.max(this.x(block.begun), SIDE - 5);
      const to = Math.min(this.x(block.ended), this.width + 5);
      if (to - (drawn[block.depth] ?? -1) < 0.7 && to - from < 0.7) continue;
      drawn[block.depth] = to;
      const look = LOOKS[block.cause];
      const y = top + block.depth * line;
      const kind = text(block.kind);
      const colour = look && kind !== "request" ? look.colour : this.theme.none;
      // What only encloses others is drawn light.
      const light = kind === "layer" || kind === "request" ? 0.35 : kind === "sample" ? 0.5 : 1;
      context.fillStyle = colour;
      context.globalAlpha = look && this.faded(block) ? 0.13 : light;
      const high = Math.max(line - 1, 1);
      const thin = look?.waits && kind !== "blocked" && kind !== "gc";
      const width = Math.max(to - from, 0.7);
      if (thin) {
        const alpha = context.globalAlpha;
        context.globalAlpha = 0.16 * alpha;
        context.fillRect(from, y, width, high);
        context.globalAlpha = alpha;
        context.fillRect(from, y + high * 0.8, width, Math.max(high * 0.2, 1));
      } else rounded(context, from, y, width, high);
      context.globalAlpha = 1;
      if (line >= 14 && to - from > 30) {
        const start = Math.max(from, SIDE) + 4;
        const solid = colour !== this.theme.none && light === 1 && !thin;
        const shade = solid ? this.inks.get(colour) : this.theme.text;
        const whose = kind === "request" && block.bar >= 0 ? `user ${this.run.bars[block.bar].user + 1}: ` : "";
        const name = text(block.name);
        const room = to - start - 3;
        const words = [whose + name, whose + name.split(".").slice(-2).join("."), whose + name.split(".").pop(), whose.replace(": ", "")]
          .find((one) => context.measureText(one).width <= room);
        if (words) this.label(words, start, y + high / 2, shade, room);
      }
    }
  },

  // What of a core the process used: full height is one core, or more.
  load(row, number) {
    const { context, view, theme } = this;
    const high = view.unit * 1.1;
    const base = this.y(number) + view.unit * 1.4;
    const flat = row.worker.loads;
    context.fillStyle = theme.load;
    for (let at = 0; at < flat.length; at += 3) {
      const next = at + 3 < flat.length ? flat[at + 3] : flat[at] + 1e5;
      const from = Math.max(this.x(flat[at]), SIDE);
      const to = this.x(Math.min(next, flat[at] + 3e5));
      if (to < SIDE || from > this.width) continue;
      const part = Math.min(1, flat[at + 1]);
      context.fillRect(from, base - part * high, Math.max(to - from, 0.5), part * high);
    }
    context.strokeStyle = theme.line;
    context.beginPath();
    context.moveTo(SIDE, Math.round(base) + 0.5);
    context.lineTo(this.width, Math.round(base) + 0.5);
    context.stroke();
  },

  // Above all: how many requests were there at once, and what they did.
  strip() {
    const { context, theme } = this;
    const columns = Math.max(1, Math.round(this.inner / 2));
    const counts = this.counts(columns);
    const most = Math.max(1, this.most);
    const width = this.inner / columns;
    const order = LOOKS.map((_, number) => number);
    for (let column = 0; column < columns; column += 1) {
      let base = STRIP - 2;
      for (const cause of order) {
        const here = counts[column * LOOKS.length + cause];
        if (!here) continue;
        const high = (here / most) * (STRIP - 10);
        context.fillStyle = LOOKS[cause].colour;
        context.globalAlpha = (LOOKS[cause].waits ? 0.45 : 1) * (this.state.chosen && this.state.chosen.cause !== cause ? 0.2 : 1);
        context.fillRect(SIDE + column * width, base - high, width + 0.3, high);
        base -= high;
      }
    }
    context.globalAlpha = 1;
    context.strokeStyle = theme.line;
    context.beginPath();
    context.moveTo(SIDE, STRIP - 1.5);
    context.lineTo(this.width, STRIP - 1.5);
    context.stroke();
    const peak = Math.round(this.most).toLocaleString("en");
    this.label("at once", 2, STRIP - 9, theme.soft);
    this.label(peak, SIDE - 6 - context.measureText(peak).width, 12, theme.soft);
  },

  // Requests by cause in each column, on average. The same for the same part of the time.
  counts(columns) {
    const { view, run } = this;
    const key = `${view.begun}|${view.length}|${columns}`;
    if (this.counted?.key === key && this.counted.run === run) return this.counted.found;
    const kinds = LOOKS.length;
    const found = new Float64Array(columns * kinds);
    const width = view.length / columns;
    for (const bar of run.bars) {
      if (bar.done < view.begun || bar.sent > view.begun + view.length) continue;
      for (const piece of bar.pieces) {
        const from = Math.max(0, (piece.begun - view.begun) / width);
        const to = Math.min(columns, (piece.ended - view.begun) / width);
        if (to <= from) continue;
        const [first, last] = [Math.floor(from), Math.min(columns - 1, Math.floor(to))];
        for (let column = first; column <= last; column += 1) {
          found[column * kinds + piece.cause] += Math.min(to, column + 1) - Math.max(from, column);
        }
      }
    }
    if (this.mostOf !== run) {
      this.mostOf = run;
      this.most = atOnce(run);
    }
    this.counted = { key, run, found };
    return found;
  },

  ideal() {
    const { context, theme, view } = this;
    const line = (time, words, dashes, colour) => {
      if (time < view.begun || time > view.begun + view.length) return;
      const x = Math.round(this.x(time)) + 0.5;
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.globalAlpha = 0.75;
      context.setLineDash(dashes);
      context.beginPath();
      context.moveTo(x, STRIP);
      context.lineTo(x, this.height);
      context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
      const width = context.measureText(words).width;
      const left = Math.min(x + 5, this.width - width - 6);
      context.fillStyle = theme.card;
      context.fillRect(left - 4, STRIP + 3, width + 8, AXIS - 6);
      this.labels = this.labels.filter(
        (one) => one.y > STRIP + AXIS || one.y < STRIP - 4 || one.x + one.width < x - 2 || one.x > left + width + 4
      );
      this.label(words, left, STRIP + AXIS / 2, colour, Infinity, false);
    };
    if (Math.abs(this.run.wall - IDEAL) > view.length / 30) {
      line(this.run.wall, seconds(this.run.wall), [], theme.text);
    }
    line(IDEAL, `at best ${seconds(IDEAL)}`, [5, 4], theme.best);
  },
});

function atOnce(run) {
  const changes = [];
  for (const bar of run.bars) changes.push([bar.sent, 1], [bar.done, -1]);
  changes.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let [now, most] = [0, 0];
  for (const [, change] of changes) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}
