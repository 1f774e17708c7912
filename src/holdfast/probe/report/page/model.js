// What the page was given, as objects. Times are microseconds since the first user's request.
const given = JSON.parse(document.getElementById("data").textContent);
const LOOKS = given.looks;
const IDEAL = given.ideal;
const text = (number) => given.texts[number];

function piecesOf(flat) {
  const found = [];
  for (let at = 0; at < flat.length; at += 7) {
    found.push({
      begun: flat[at], ended: flat[at] + flat[at + 1], cause: flat[at + 2], name: flat[at + 3],
      place: flat[at + 4], holder: flat[at + 5], stack: flat[at + 6],
    });
  }
  return found;
}

function blocksOf(flat) {
  const found = [];
  for (let at = 0; at < flat.length; at += 9) {
    found.push({
      begun: flat[at], ended: flat[at] + flat[at + 1], depth: flat[at + 2], cause: flat[at + 3],
      name: flat[at + 4], bar: flat[at + 5], place: flat[at + 6], stack: flat[at + 7],
      kind: flat[at + 8],
    });
  }
  return found;
}

const runs = given.runs.map((one) => {
  const bars = one.bars.map((bar, number) => ({
    number, user: bar[0], request: bar[1], status: bar[2], error: bar[3], sent: bar[4],
    done: bar[5], behind: bar[6], pieces: piecesOf(bar[7]),
  }));
  return {
    name: one.name,
    wall: one.wall,
    bars,
    workers: one.workers.map((worker) => ({
      name: text(worker.name),
      loads: worker.loads,
      lanes: worker.lanes.map((lane) => ({
        name: text(lane.name), kind: lane.kind, depth: lane.depth, blocks: blocksOf(lane.blocks),
      })),
    })),
  };
});

// Rows of a picture: what stands below each other. `size` is in rows of a user.
function userRows(run, order) {
  const users = new Map();
  for (const bar of run.bars) {
    if (!users.has(bar.user)) users.set(bar.user, []);
    users.get(bar.user).push(bar);
  }
  const rows = [...users].map(([user, bars]) => ({
    kind: "user", label: `user ${user + 1}`, user, bars, size: 1,
  }));
  const last = (row) => row.bars[row.bars.length - 1].done;
  const waited = (row) => row.bars.reduce((sum, bar) => sum + bar.done - bar.sent, 0);
  const by = {
    answered: (a, b) => last(a) - last(b) || a.user - b.user,
    user: (a, b) => a.user - b.user,
    slowest: (a, b) => waited(b) - waited(a) || a.user - b.user,
  };
  return rows.sort(by[order] || by.answered);
}

function laneRows(run) {
  const rows = [];
  for (const worker of run.workers) {
    rows.push({ kind: "worker", label: worker.name, worker, size: 1.5 });
    for (const lane of worker.lanes) {
      rows.push({ kind: "lane", label: lane.name, lane, size: 0.2 + 0.7 * lane.depth });
    }
  }
  return rows;
}

// Rows with where they begin, and which row each request is in.
function laidOut(rows) {
  const tops = [0];
  const rowOf = new Map();
  rows.forEach((row, number) => {
    tops.push(tops[number] + row.size);
    if (row.bars) for (const bar of row.bars) rowOf.set(bar.number, number);
  });
  return { rows, tops, height: tops[tops.length - 1], rowOf };
}

function seconds(micro) {
  const value = micro / 1e6;
  if (value >= 100) return `${Math.round(value)} s`;
  if (value >= 10) return `${value.toFixed(1)} s`;
  if (value >= 0.995) return `${value.toFixed(2)} s`;
  return value >= 0.001 || value === 0 ? `${Math.round(value * 1000)} ms` : `${Math.round(micro)} µs`;
}
