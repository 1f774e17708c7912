// What is told of the request, or of the block, that the reader points at or has chosen.
function made(name, words, class_) {
  const element = document.createElement(name);
  if (words) element.textContent = words;
  if (class_) element.className = class_;
  return element;
}

function swatch(look) {
  const element = made("i", "", look.waits ? "mark thin" : "mark");
  element.style.background = look.colour;
  element.setAttribute("aria-hidden", "true");
  return element;
}

function userOf(run, bar) {
  return `user ${run.bars[bar].user + 1}`;
}

// A request in one sentence: also what is read aloud.
function sentence(run, bar) {
  const parts = [
    `${userOf(run, bar.number)}, ${text(bar.request)}: ${bar.status || text(bar.error) || "no answer"}`,
    `after ${seconds(bar.done - bar.sent)}`,
  ];
  const wait = longestWait(bar);
  if (wait) {
    const of = text(wait.name) ? ` (${text(wait.name)})` : "";
    parts.push(`${LOOKS[wait.cause].title}${of} for ${seconds(wait.ended - wait.begun)}`);
  }
  if (bar.behind >= 0) parts.push(`behind ${userOf(run, bar.behind)}`);
  return `${parts.join(", ")}.`;
}

function tellOfBar(box, run, bar, piece) {
  const whole = bar.done - bar.sent;
  box.append(made("h3", sentence(run, bar)));
  const list = made("ol", "", "pieces");
  for (const one of bar.pieces) {
    const look = LOOKS[one.cause];
    const long = one.ended - one.begun;
    if (long < whole / 500 && one !== piece && bar.pieces.length > 8) continue;
    const item = made("li", "", one === piece ? "now" : "");
    item.append(swatch(look), made("b", seconds(long)), made("span", look.title));
    if (one.name) item.append(made("code", text(one.name)));
    if (one.holder >= 0) item.append(made("span", `held by ${userOf(run, one.holder)} at first`, "behind"));
    if (one.place) item.append(made("code", text(one.place), "soft"));
    list.append(item);
  }
  box.append(list);
  const stood = (piece && piece.stack) || longestWait(bar)?.stack;
  if (stood) box.append(made("pre", text(stood)));
}

function tellOfBlock(box, run, block) {
  const look = LOOKS[block.cause];
  const who = block.bar >= 0 ? `${userOf(run, block.bar)}: ` : "";
  box.append(made("h3", `${who}${text(block.name)}, ${seconds(block.ended - block.begun)}`));
  const line = made("p");
  if (look) line.append(swatch(look), made("span", `${look.title} `));
  line.append(made("span", text(block.kind), "soft"));
  if (block.place) line.append(made("code", ` ${text(block.place)}`));
  box.append(line);
  if (block.stack) box.append(made("pre", text(block.stack)));
}

function tell(box, found) {
  box.replaceChildren();
  if (!found) {
    box.append(made("p", "Point at a request, or choose one by the arrow keys, to see what it waited for.", "soft"));
    return;
  }
  if (found.block) tellOfBlock(box, found.run, found.block);
  else tellOfBar(box, found.run, found.run.bars[found.bar], found.piece);
}

// Beside the pointer: only the first line.
function hint(tip, found, x, y) {
  if (!found) {
    tip.hidden = true;
    return;
  }
  tip.hidden = false;
  const bar = found.block ? null : found.run.bars[found.bar];
  tip.replaceChildren();
  if (bar) {
    tip.append(made("b", userOf(found.run, found.bar)), made("span", ` ${seconds(bar.done - bar.sent)}`));
    if (found.piece) {
      const line = made("div");
      const look = LOOKS[found.piece.cause];
      line.append(swatch(look), made("span", `${look.title} ${seconds(found.piece.ended - found.piece.begun)}`));
      tip.append(line);
      if (found.piece.name) tip.append(made("code", text(found.piece.name)));
    }
    if (bar.behind >= 0) tip.append(made("div", `behind ${userOf(found.run, bar.behind)}`));
  } else {
    tip.append(made("b", text(found.block.name)), made("span", ` ${seconds(found.block.ended - found.block.begun)}`));
    if (found.block.bar >= 0) tip.append(made("div", userOf(found.run, found.block.bar)));
  }
  const box = tip.getBoundingClientRect();
  const left = x + 16 + box.width > window.innerWidth ? x - box.width - 12 : x + 16;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.min(y + 14, window.innerHeight - box.height - 4)}px`;
}

// What is at a point of a picture.
function at(picture, x, y) {
  if (x < SIDE || y < HEAD) return null;
  const number = picture.rowAt(y);
  if (number < 0) return null;
  const row = picture.layout.rows[number];
  const { view, run } = picture;
  const time = view.begun + ((x - SIDE) / picture.inner) * view.length;
  const slack = (3 / picture.inner) * view.length;
  if (row.kind === "user") {
    const bar = row.bars.find((one) => one.sent - slack <= time && time <= one.done + slack);
    if (!bar) return null;
    const piece = bar.pieces.find((one) => one.begun <= time && time < one.ended);
    return { run, bar: bar.number, piece: piece || null };
  }
  if (row.kind !== "lane") return null;
  const depth = Math.floor((y - picture.y(number) - 0.1 * view.unit) / (0.7 * view.unit));
  const block = row.lane.blocks.find(
    (one) => one.depth === depth && one.begun - slack <= time && time <= one.ended + slack
  );
  return block ? { run, bar: block.bar, block } : null;
}
