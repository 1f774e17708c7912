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

// A button for each cause that took time.
function fillLegend(legend, sums, chosen) {
  LOOKS.forEach((look, cause) => {
    if (!sums[cause]) return;
    const item = made("li");
    const element = made("button");
    element.type = "button";
    element.setAttribute("aria-pressed", "false");
    element.append(swatch(look), made("span", look.title));
    element.addEventListener("click", () => chosen(cause));
    element.dataset.cause = cause;
    item.append(element);
    legend.append(item);
  });
  const line = made("li", "", "best");
  line.append(made("i", "", "dashes"), made("span", "what was possible"));
  legend.append(line);
}
