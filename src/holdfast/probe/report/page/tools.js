// What stands above the pictures.
function choice(tools, words, options, value, chosen) {
  const label = made("label", words);
  const select = made("select");
  options.forEach(([key_, name]) => {
    const option = made("option", name);
    option.value = key_;
    select.append(option);
  });
  select.value = value;
  select.addEventListener("change", () => chosen(select.value));
  label.append(select);
  tools.append(label);
  return select;
}

function button(words, name, act) {
  const element = made("button", words);
  element.type = "button";
  element.setAttribute("aria-label", name);
  element.title = name;
  element.addEventListener("click", act);
  return element;
}

const RARE = 0.005;

// A button for each cause that took time, those that took next to none at last.
function fillLegend(legend, sums, chosen) {
  const whole = sums.reduce((sum, one) => sum + one, 0);
  const rare = (cause) => sums[cause] < whole * RARE;
  const causes = LOOKS.map((_, cause) => cause).filter((cause) => sums[cause]);
  for (const cause of causes.sort((a, b) => rare(a) - rare(b) || a - b)) {
    const look = LOOKS[cause];
    const item = made("li", "", rare(cause) ? "rare" : "");
    const element = made("button");
    element.type = "button";
    element.setAttribute("aria-pressed", "false");
    element.append(swatch(look), made("span", look.title));
    element.addEventListener("click", () => chosen(cause));
    element.dataset.cause = cause;
    item.append(element);
    legend.append(item);
  }
  const line = made("li", "", "best");
  line.append(made("i", "", "dashes"), made("span", "what was possible"));
  legend.append(line);
}
