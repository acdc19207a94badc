// The page as a whole: the token, the form for a new scan, keys, colours, what is said.
"use strict";

const App = (() => {
  const get = (id) => document.getElementById(id);
  let models = [], chosen = null, limits = {};

  const say = (text) => { get("status").textContent = text; };
  const problem = (text) => { get("problem").textContent = text; };

  // Says in words what went wrong with work that was begun.
  const doing = (work) => work.catch((error) => {
    if (error.status === 401) ask();
    problem(error.message);
  });

  function ask() {
    get("entry").hidden = false;
    get("work").hidden = true;
    get("token").focus();
  }

  async function begin() {
    const answer = await Api.json("/models");
    [models, limits] = [answer.models, answer.limits];
    get("entry").hidden = true;
    get("work").hidden = false;
    get("model").replaceChildren(...models.map((model) => new Option(model.name)));
    describe();
    await Jobs.refresh();
    problem("");
    window.ready = true;
  }

  function describe() {
    const model = models.find((one) => one.name === get("model").value);
    if (!model) return;
    const channels = model.channels.length > 1 ? ` It takes ${model.channels.length} channels: ${model.channels.join(", ")}.` : "";
    const about = model.description.replace(/([^.])$/, "$1.");
    get("model-text").textContent = `${about}${channels} Labels: ${model.labels.map((label) => label.name).join(", ")}.`;
  }

  const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
  const isImage = (file) => /\.(nii|nii\.gz|nrrd|nhdr|mha|zip)$/i.test(file.name);

  // The files of a scan: one image or archive, or the files of a DICOM series.
  function choose(files) {
    const list = Array.from(files).filter((file) => file.size > 0 && !file.name.startsWith("."));
    const images = list.filter(isImage);
    chosen = null;
    if (images.length === 1) chosen = { body: images[0], name: images[0].name, size: images[0].size };
    else if (images.length > 1) problem("Several images were chosen; choose one, or the files of one DICOM series.");
    else if (list.length) chosen = { files: list, name: `DICOM, ${list.length} files`, size: list.reduce((sum, file) => sum + file.size, 0) };
    if (chosen && chosen.size > limits.upload_bytes) {
      problem(`${chosen.name} has ${Math.round(chosen.size / 1e6)} MB; this server takes at most ${Math.round(limits.upload_bytes / 1e6)} MB.`);
      chosen = null;
    }
    if (chosen) problem("");
    get("chosen").textContent = chosen ? `${chosen.name} (${size(chosen.size)})` : "No file is chosen.";
    get("send").disabled = !chosen;
  }

  async function send() {
    const { files, name } = chosen;
    const share = (what) => (part) => say(`${what} ${Math.round(part * 100)} %`);
    get("send").disabled = true;
    try {
      const body = files ? await Archive.of(files, share("The files are put together:")) : chosen.body;
      const query = new URLSearchParams({ model: get("model").value, name, probabilities: get("probabilities").checked });
      if (get("series").value) query.set("series", get("series").value);
      const job = await Api.send(`/jobs?${query}`, body, share("The scan is sent:"));
      say("The scan was received.");
      await Jobs.open(job.id);
    } finally {
      get("send").disabled = !chosen;
    }
  }

  // Files of what was dropped, folders included.
  async function dropped(transfer) {
    const entries = Array.from(transfer.items).map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
    const below = async (entry) => {
      if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
      const reader = entry.createReader(), files = [];
      for (;;) {
        const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!part.length) return files;
        for (const one of part) files.push(...(await below(one)));
      }
    };
    return entries.length ? (await Promise.all(entries.map(below))).flat() : Array.from(transfer.files);
  }

  function key(event) {
    const command = event.ctrlKey || event.metaKey;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (command && Edit.active() && !typing) {
      const work = { z: Edit.undo, y: Edit.redo, s: () => doing(Edit.save()) }[event.key.toLowerCase()];
      if (work) { event.preventDefault(); work(); }
    }
    if (event.target !== Viewer.canvas || event.key === "Tab" || command) return;
    // NiiVue has keys of its own, which this page does not use.
    event.stopPropagation();
    const letter = event.key.toLowerCase();
    const views = { 1: 3, 2: 0, 3: 1, 4: 2, 5: 4 }, tools = { b: "brush", e: "erase", t: "threshold", f: "fill" };
    if (Viewer.arrow(event.key)) event.preventDefault();
    else if (letter in views) Viewer.setView(views[letter]);
    else if (letter === "l") Labels.toggle();
    else if (letter in tools && Edit.active()) Edit.choose(tools[letter]);
    else if (letter === "[") Edit.resize(-1);
    else if (letter === "]") Edit.resize(1);
    else if (event.key === " ") { event.preventDefault(); Edit.paint(); }
  }

  function theme(name) {
    document.documentElement.dataset.theme = name;
    get("theme").textContent = name === "light" ? "Dark colours" : "Light colours";
  }

  get("theme").onclick = () => theme(document.documentElement.dataset.theme === "light" ? "dark" : "light");
  get("help").onclick = () => { get("help-text").hidden = !get("help-text").hidden; get("help").setAttribute("aria-expanded", String(!get("help-text").hidden)); };
  get("token-form").onsubmit = (event) => { event.preventDefault(); Api.setToken(get("token").value.trim()); doing(begin()); };
  get("pick").onclick = () => get("file").click();
  get("pick-folder").onclick = () => get("folder").click();
  for (const id of ["file", "folder"]) get(id).onchange = () => choose(get(id).files);
  get("model").onchange = describe;
  get("new").onsubmit = (event) => { event.preventDefault(); doing(send()); };
  for (const button of document.querySelectorAll("[data-view]")) button.onclick = () => Viewer.setView(Number(button.dataset.view));
  for (const id of ["low", "high"]) get(id).onchange = () => Viewer.setWindow(Number(get("low").value), Number(get("high").value));
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      get("drop").classList.toggle("over", name === "dragover");
    });
  }
  document.addEventListener("drop", (event) => doing(dropped(event.dataTransfer).then(choose)));
  document.addEventListener("keydown", key, true);
  theme(matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  // After all scripts.
  setTimeout(() => { if (Api.begin()) doing(begin()); else ask(); }, 0);

  return { say, problem, doing };
})();
