// The table of labels: colours, volumes, which are shown, search, opacity.
"use strict";

const Labels = (() => {
  const body = document.getElementById("labels");
  const search = document.getElementById("search");
  const opacity = document.getElementById("opacity");
  let list = [];
  let visible = true;

  // Shows the labels of a version: [{value, name, color, millilitres}].
  function set(volumes) {
    const hidden = new Set(list.filter((label) => !label.shown).map((label) => label.value));
    list = volumes.map((label) => ({ ...label, shown: !hidden.has(label.value) }));
    draw();
    apply();
  }

  function row(label) {
    const line = document.createElement("tr");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = label.shown;
    box.id = `label-${label.value}`;
    box.onchange = () => { label.shown = box.checked; apply(); };
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.backgroundColor = `rgb(${label.color.join(",")})`;
    const name = document.createElement("label");
    name.htmlFor = box.id;
    name.textContent = label.name;
    const cells = [[box], [swatch, name], [label.millilitres === undefined ? "" : label.millilitres.toFixed(2)]];
    for (const content of cells) {
      const cell = document.createElement("td");
      cell.append(...content);
      line.append(cell);
    }
    return line;
  }

  function draw() {
    const wanted = search.value.trim().toLowerCase();
    const found = list.filter((label) => label.name.toLowerCase().includes(wanted));
    body.replaceChildren(...found.map(row));
  }

  function apply() {
    Viewer.setColours(visible ? list : list.map((label) => ({ ...label, shown: false })), Number(opacity.value));
  }

  function all(shown) {
    for (const label of list) label.shown = shown;
    draw();
    apply();
  }

  function toggle() {
    visible = !visible;
    apply();
    App.say(visible ? "Labels are shown." : "Labels are hidden.");
  }

  search.oninput = draw;
  opacity.oninput = apply;
  document.getElementById("show-all").onclick = () => all(true);
  document.getElementById("hide-all").onclick = () => all(false);

  return { set, apply, toggle, list: () => list };
})();
