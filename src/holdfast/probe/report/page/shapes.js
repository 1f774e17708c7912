// Shapes, letters and inks that pictures are made of.
function rounded(context, x, y, width, height) {
  const radius = Math.min(3, width / 2, height / 2);
  if (radius < 1) return context.fillRect(x, y, width, height);
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
  context.fill();
}

function longestWait(bar) {
  let found = null;
  for (const piece of bar.pieces) {
    if (LOOKS[piece.cause].waits && (!found || piece.ended - piece.begun > found.ended - found.begun)) found = piece;
  }
  return found;
}

function fitting(context, words, most) {
  if (context.measureText(words).width <= most) return words;
  let shorter = words;
  while (shorter && context.measureText(`${shorter}…`).width > most) shorter = shorter.slice(0, -1);
  return `${shorter}…`;
}

// White or black, whichever is read better on the colour.
function ink(colour) {
  const light = [1, 3, 5]
    .map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, number) => sum + value * [0.2126, 0.7152, 0.0722][number], 0);
  return light > 0.179 ? "#000000" : "#ffffff";
}

// A number on the scale, as exact as its neighbours are apart.
function scaled(time, step) {
  if (!time) return "0 s";
  if (step >= 1e6) return `${Math.round(time / 1e6)} s`;
  if (step >= 1e5) return `${(time / 1e6).toFixed(1)} s`;
  if (step >= 1e3) return `${Math.round(time / 1e3)} ms`;
  return `${(time / 1e3).toFixed(step >= 100 ? 1 : 3)} ms`;
}
