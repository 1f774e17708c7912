// What the reader does: the tools, the legend, wheel, pointer and keys.
const $ = (id) => document.getElementById(id);
const [stage, details, said, tools, legend] = ["stage", "details", "said", "tools", "legend"].map($);

if (stage && runs.length) {
  const view = new View();
  const state = { shown: "users", order: "answered", beside: Math.min(1, runs.length - 1), chosen: null, near: null, selected: null };
  const tip = made("div", "", "tip");
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  let panels = [];
  let theme = {};
  let due = 0;

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(`--${name}`).trim();
    theme = Object.fromEntries(
      ["text", "soft", "line", "card", "bad", "best", "load", "none"].map((name) => [name, value(name)])
    );
  }

  function draw() {
    due = 0;
    const begun = performance.now();
    for (const { picture } of panels) picture.draw(theme, state);
    // What the picture says, for who wants to look behind it.
    stage.drawn = {
      milliseconds: performance.now() - begun,
      frames: (stage.drawn?.frames || 0) + 1,
      labels: panels.map(({ picture }) => picture.labels),
      view: { begun: view.begun, length: view.length, top: view.top, unit: view.unit },
    };
  }

  function soon() {
    if (!due) due = requestAnimationFrame(draw);
  }

  function shownRuns() {
    return state.beside > 0 ? [runs[0], runs[state.beside]] : [runs[0]];
  }

  // Panels anew: other runs, other rows, another window.
  function build() {
    stage.replaceChildren();
    panels = shownRuns().map((run) => {
      const figure = made("figure");
      const caption = made("figcaption");
      caption.append(made("b", run.name), made("span", ` ${seconds(run.wall)}`));
      const canvas = made("canvas");
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "application");
      canvas.setAttribute("aria-roledescription", "Gantt chart");
      canvas.setAttribute("aria-label", `${run.name}: ${run.bars.length} requests in ${seconds(run.wall)}. Arrow keys go from request to request.`);
      canvas.setAttribute("aria-describedby", "keys");
      figure.append(caption, canvas);
      stage.append(figure);
      const picture = new Picture(canvas, view);
      listen(canvas, picture);
      return { picture, run, figure };
    });
    rows();
  }

  function rows() {
    SIDE = state.shown === "users" ? 74 : 124;
    for (const { picture, run } of panels) {
      const made = state.shown === "users" ? userRows(run, state.order) : laneRows(run);
      const found = made.length ? made : [{ kind: "worker", label: "nothing was seen", worker: { loads: [] }, size: 1 }];
      picture.set(run, laidOut(found));
    }
    size();
    view.fit();
    soon();
  }

  function size() {
    const tall = Math.max(...panels.map(({ picture }) => picture.layout.height));
    const most = Math.max(260, Math.min(640, window.innerHeight - 180));
    const inner = Math.max(60, Math.min(most, Math.ceil(tall * TALLEST)));
    const wasFit = view.isFit;
    const length = Math.max(IDEAL, ...panels.map(({ run }) => run.wall)) * 1.04 || 1;
    // In lanes a block is worth its letters: they scroll rather than shrink.
    const fit = state.shown === "users" ? tall : Math.min(tall, inner / 20);
    view.within(length, fit, inner);
    view.limits.rows = tall;
    if (wasFit) view.fit();
    for (const { picture, figure } of panels) picture.size(figure.clientWidth, HEAD + inner);
    // Room for a time behind the longest bar.
    soon();
  }

  function near(found, aloud) {
    state.near = found;
    if (!state.selected || found) tell(details, found || state.selected);
    if (aloud && found) said.textContent = sentence(found.run, found.run.bars[found.bar]);
    soon();
  }

  function zoom(factor, at_ = 0.5, down = 0.5, rowsToo = true) {
    view.zoom(factor, at_, down, rowsToo);
    soon();
  }

  function listen(canvas, picture) {
    let held = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("wheel", (event) => {
      // A page can be scrolled past its picture: it zooms when it's in use, or when it's told to.
      if (!event.ctrlKey && document.activeElement !== canvas) return;
      if (event.deltaY > 0 && view.isFit && !event.ctrlKey) return;
      event.preventDefault();
      const [x, y] = place(event);
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        view.move(event.deltaX / picture.inner, 0);
        soon();
        return;
      }
      const inside = Math.min(1, Math.max(0, (x - SIDE) / picture.inner));
      const down = Math.min(1, Math.max(0, (y - HEAD) / view.limits.height));
      zoom(Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) / 300), inside, down, !event.shiftKey);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      held = { x: event.clientX, y: event.clientY, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (held) {
        const [right, down] = [event.clientX - held.x, event.clientY - held.y];
        if (!held.moved && Math.hypot(right, down) < 4) return;
        view.move(-right / picture.inner, -down / view.unit);
        held = { x: event.clientX, y: event.clientY, moved: true };
        canvas.classList.add("held");
        hint(tip, null);
        soon();
        return;
      }
      const found = at(picture, ...place(event));
      near(found);
      hint(tip, found, event.clientX, event.clientY);
    });
    const release = (event) => {
      if (event.type === "pointerup" && held && !held.moved) {
        state.selected = at(picture, ...place(event));
        tell(details, state.selected);
        soon();
      }
      held = null;
      canvas.classList.remove("held");
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => {
      near(null);
      hint(tip, null);
    });
    canvas.addEventListener("dblclick", () => {
      view.fit();
      soon();
    });
    canvas.addEventListener("keydown", (event) => key(event, picture));
    canvas.addEventListener("blur", () => near(null));
  }

  function key(event, picture) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.shiftKey && event.key.startsWith("Arrow") ? `Shift${event.key}` : event.key];
    if (!act) return;
    event.preventDefault();
    act(picture);
    soon();
  }

  // The next request in the row, or in the row after it.
  function step(picture, down, along) {
    if (picture.layout.rows[0].kind !== "user") {
      view.move(along * 0.2, down);
      return;
    }
    const { rows: all, rowOf } = picture.layout;
    const now = state.selected?.run === picture.run ? picture.run.bars[state.selected.bar] : null;
    if (!now) {
      choose(picture, all[0].bars[0], null);
      return;
    }
    const row = rowOf.get(now.number);
    if (down) {
      const next = all[Math.min(all.length - 1, Math.max(0, row + down))];
      choose(picture, next.bars[0], null);
      return;
    }
    const bars = all[row].bars;
    const place = now.pieces.indexOf(state.selected.piece) + along;
    if (place >= 0 && place < now.pieces.length) choose(picture, now, now.pieces[place]);
    else {
      const next = bars[bars.indexOf(now) + along];
      if (next) choose(picture, next, along > 0 ? next.pieces[0] : next.pieces[next.pieces.length - 1]);
    }
  }

  function choose(picture, bar, piece) {
    state.selected = { run: picture.run, bar: bar.number, piece };
    view.show(bar.sent, bar.done, picture.layout.tops[picture.layout.rowOf.get(bar.number)]);
    near(state.selected, true);
    if (piece) {
      const look = LOOKS[piece.cause];
      said.textContent = `${look.title} ${text(piece.name)}, ${seconds(piece.ended - piece.begun)}`;
    }
  }

  const KEYS = {
    "+": () => zoom(1.5), "=": () => zoom(1.5), w: () => zoom(1.5),
    "-": () => zoom(1 / 1.5), s: () => zoom(1 / 1.5),
    a: () => view.move(-0.2, 0), d: () => view.move(0.2, 0),
    ShiftArrowLeft: () => view.move(-0.2, 0), ShiftArrowRight: () => view.move(0.2, 0),
    ShiftArrowUp: () => view.move(0, -5), ShiftArrowDown: () => view.move(0, 5),
    PageUp: () => view.move(0, -view.limits.height / view.unit), PageDown: () => view.move(0, view.limits.height / view.unit),
    ArrowUp: (picture) => step(picture, -1, 0), ArrowDown: (picture) => step(picture, 1, 0),
    ArrowLeft: (picture) => step(picture, 0, -1), ArrowRight: (picture) => step(picture, 0, 1),
    0: () => view.fit(), Home: () => view.fit(),
    Escape: () => {
      state.selected = null;
      near(null);
    },
  };

  // The tools.
  choice(tools, "Show", [["users", "users"], ["lanes", "processes, threads, tasks"]], "users", (value) => {
    state.shown = value;
    state.selected = null;
    rows();
  });
  choice(tools, "Users in order", [["answered", "of being answered"], ["user", "of their numbers"], ["slowest", "slowest first"]], "answered", (value) => {
    state.order = value;
    rows();
  });
  let beside = null;
  if (runs.length > 1) {
    const others = runs.slice(1).map((run, number) => [String(number + 1), run.name]);
    beside = choice(tools, "Beside it", [...others, ["0", "nothing"]], String(state.beside), (value) => {
      state.beside = Number(value);
      build();
    });
  }
  const zooms = made("div", "", "zooms");
  zooms.append(
    button("−", "Zoom out", () => zoom(1 / 1.5)),
    button("+", "Zoom in", () => zoom(1.5)),
    button("Whole", "Show all of it", () => {
      view.fit();
      soon();
    })
  );
  tools.append(zooms);
  const keys = made("p", "Click the picture, then: wheel, or + and − to zoom; drag, or a and d to move; arrow keys go from request to request; 0 shows all. Ctrl and the wheel zoom at once.", "keys");
  keys.id = "keys";
  stage.after(keys);

  // The legend, which also chooses.
  const sums = LOOKS.map(() => 0);
  for (const run of runs) for (const bar of run.bars) for (const piece of bar.pieces) sums[piece.cause] += piece.ended - piece.begun;
  fillLegend(legend, sums, (cause) => {
    light(state.chosen?.cause === cause ? null : { cause, name: "" });
  });

  function light(chosen) {
    state.chosen = chosen;
    for (const element of legend.querySelectorAll("button")) {
      element.setAttribute("aria-pressed", String(chosen?.cause === Number(element.dataset.cause)));
    }
    soon();
  }

  // From a finding to the picture.
  for (const finding of document.querySelectorAll(".finding")) {
    const cause = LOOKS.findIndex((look) => look.key === finding.dataset.code);
    const other = runs.findIndex((run) => run.name === finding.dataset.run);
    if ((cause < 0 || !sums[cause]) && other < 1) continue;
    const element = made("button", "Show it in the picture", "show");
    element.type = "button";
    element.addEventListener("click", () => {
      if (other > 0 && beside && state.beside !== other) {
        state.beside = other;
        beside.value = String(other);
        build();
      }
      if (cause >= 0 && sums[cause]) light({ cause, name: "" });
      $("picture").scrollIntoView({ block: "start" });
      stage.querySelector("canvas").focus({ preventScroll: true });
    });
    finding.append(element);
  }

  for (const element of [stage, details, tools, legend]) element.hidden = false;
  colours();
  build();
  tell(details, null);
  new ResizeObserver(size).observe(stage);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const again = () => {
    colours();
    draw();
  };
  dark.addEventListener("change", again);
  // On paper everything is dark on white, whatever the screen was.
  window.addEventListener("beforeprint", () => {
    document.documentElement.classList.add("paper");
    again();
  });
  window.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    again();
  });
}
